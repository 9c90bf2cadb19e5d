"""Keys: made, found, changed, ended."""

from __future__ import annotations

import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.errors import OptionError
from evaluator.service.tenants.caller import LOCAL_CALLER, LOCAL_TENANT, SCOPES, Caller, Scope, read_scopes
from evaluator.service.tenants.keys import DEFAULT_SCOPES, KeyStore, Refusal
from evaluator.service.tenants.limits import Limits, TenantStore
from evaluator.service.tenants.tokens import key_of, new_token
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback
_OBEYED_S = 5.0  # so soon a change must be in effect everywhere


@pytest.fixture
def keys(database: Database, clock: Clock) -> KeyStore:
    """Return the keys of a tenant, none yet."""
    return KeyStore(database, clock)


def test_without_a_key_everybody_is_the_local_caller(keys: KeyStore) -> None:
    """Whatever is sent, the one tenant may do everything."""
    assert not keys.any()
    assert keys.caller(None) == keys.caller("nonsense") == LOCAL_CALLER
    assert LOCAL_CALLER.may("admin")
    assert LOCAL_CALLER.tenant == LOCAL_TENANT


def test_a_key_finds_its_tenant(keys: KeyStore) -> None:
    """A token leads to tenant, key and scopes, and everything else is refused from then on."""
    made = keys.create("tn_a", scopes=("evaluations:read",))
    caller = keys.caller(made.token)
    assert isinstance(caller, Caller)
    assert caller == Caller("tn_a", made.key.key, frozenset[Scope]({"evaluations:read"}))
    assert caller.may("evaluations:read")
    assert not caller.may("evaluations:write")
    assert keys.caller(None) is Refusal.MISSING


@pytest.mark.parametrize(
    "token",
    [
        "",
        " ",
        "\x00",
        "ключ",
        "é" * 49,
        "ev_live_",
        "a" * 10_240,
        "Bearer x",
        "ev_live_\ud800",
        new_token("key_" + "0" * 24),
    ],
    ids=["empty", "blank", "nul", "cyrillic", "latin", "prefix", "10 KB", "scheme", "surrogate", "unknown"],
)
def test_hostile_keys_are_nobody(keys: KeyStore, token: str) -> None:
    """Whatever is sent as a key is refused, and nothing breaks."""
    keys.create("tn_a")
    assert keys.caller(token) is Refusal.UNKNOWN


def test_another_keys_secret_opens_nothing(keys: KeyStore) -> None:
    """The id of one key with a secret that is well-formed but not its own is nobody's."""
    made = keys.create("tn_a")
    forged = new_token(made.key.key)
    assert key_of(forged) == made.key.key
    assert keys.caller(forged) is Refusal.UNKNOWN


def test_only_hashes_are_at_rest(file_database: Database, tmp_path: Path, clock: Clock) -> None:
    """Neither the database file nor its log holds a token, or its secret part."""
    store = KeyStore(file_database, clock)
    made = store.create("tn_a", name="ci")
    again = store.rotate(made.key.key, 60)
    store.caller(again.token)
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.key.key.encode() in held
    for token in (made.token, again.token):
        secret = token.rpartition("_")[2].encode()
        assert secret not in held
        assert secret[:20] not in held


def test_a_token_is_not_shown_by_accident(keys: KeyStore) -> None:
    """What a new key looks like in a log or a traceback doesn't hold the token."""
    made = keys.create("tn_a")
    assert made.token not in repr(made)


def test_a_revocation_takes_effect_within_five_seconds(database: Database, clock: Clock) -> None:
    """A process that has just seen a key refuses it within five seconds of another's revocation."""
    here, there = KeyStore(database, clock), KeyStore(database, clock)
    made = here.create("tn_a")
    assert isinstance(there.caller(made.token), Caller)
    here.revoke(made.key.key)
    assert here.caller(made.token) is Refusal.REVOKED
    clock.wait(_OBEYED_S)
    assert there.caller(made.token) is Refusal.REVOKED


def test_the_first_key_closes_the_door_within_five_seconds(database: Database, clock: Clock) -> None:
    """A process that served everybody asks for keys within five seconds of the first one."""
    here, there = KeyStore(database, clock), KeyStore(database, clock)
    assert there.caller(None) == LOCAL_CALLER
    here.create("tn_a")
    clock.wait(_OBEYED_S)
    assert there.caller(None) is Refusal.MISSING


def test_a_service_whose_last_key_was_revoked_serves_nobody(database: Database, clock: Clock) -> None:
    """Revoking the only key doesn't open the service to everybody."""
    here = KeyStore(database, clock)
    here.revoke(here.create("tn_a").key.key)
    assert KeyStore(database, clock).caller(None) is Refusal.MISSING


def test_a_key_ends_when_it_was_to_end(keys: KeyStore, clock: Clock) -> None:
    """A second before it is valid, then it isn't, though it was looked up a moment ago."""
    made = keys.create("tn_a", expires_s=clock() + 2)
    clock.wait(1)
    assert isinstance(keys.caller(made.token), Caller)
    assert made.key.state(clock()).startswith("valid until 2026-")
    clock.wait(1)
    assert keys.caller(made.token) is Refusal.EXPIRED
    assert made.key.state(clock()) == "expired"


def test_both_secrets_are_valid_for_the_grace_period(keys: KeyStore, clock: Clock) -> None:
    """After a rotation the new secret works at once and the old one for as long as was said."""
    old = keys.create("tn_a")
    new = keys.rotate(old.key.key, 3600)
    assert keys.caller(old.token) == keys.caller(new.token)
    clock.wait(3600)
    assert keys.caller(old.token) is Refusal.EXPIRED
    assert isinstance(keys.caller(new.token), Caller)


def test_without_grace_the_old_secret_ends_at_once(keys: KeyStore) -> None:
    """Zero hours leave the new secret alone."""
    old = keys.create("tn_a")
    new = keys.rotate(old.key.key, 0)
    assert keys.caller(old.token) is Refusal.UNKNOWN
    assert isinstance(keys.caller(new.token), Caller)
    assert new.key.former_until_s is None


def test_a_second_rotation_ends_the_first_secret(keys: KeyStore) -> None:
    """There are never more than two secrets of one key."""
    first = keys.create("tn_a")
    second = keys.rotate(first.key.key, 3600)
    third = keys.rotate(first.key.key, 3600)
    assert keys.caller(first.token) is Refusal.UNKNOWN
    assert keys.caller(second.token) == keys.caller(third.token)


def test_revoking_ends_the_former_secret_too(keys: KeyStore) -> None:
    """Neither secret of a key in its grace period outlives it."""
    old = keys.create("tn_a")
    new = keys.rotate(old.key.key, 3600)
    keys.revoke(old.key.key)
    assert keys.caller(new.token) is Refusal.REVOKED
    assert isinstance(keys.caller(old.token), Refusal)
    with pytest.raises(OptionError, match="has ended"):
        keys.rotate(old.key.key, 3600)


def test_use_is_noted_to_five_minutes(database: Database, clock: Clock) -> None:
    """The first use is noted, then none for five minutes, however often it is used."""
    store = KeyStore(database, clock)
    made = store.create("tn_a")
    first = clock()
    noted = list[float | None]()
    for _ in range(5):
        store.caller(made.token)
        noted.append(store.list()[0].used_s)
        clock.wait(100)
    assert noted == [first, first, first, first + 300, first + 300]


@pytest.mark.parametrize("grace_s", [-1.0, float("nan"), float("inf")])
def test_senseless_times_are_refused(keys: KeyStore, clock: Clock, grace_s: float) -> None:
    """No key is made that would never be valid, or valid for ever by a figure that is none."""
    made = keys.create("tn_a")
    with pytest.raises(OptionError):
        keys.rotate(made.key.key, grace_s)
    with pytest.raises(OptionError):
        keys.create("tn_a", expires_s=clock() + grace_s)


def test_unknown_keys_and_scopes_are_refused(keys: KeyStore) -> None:
    """A key that isn't there can't be changed, and one that allows nothing isn't made."""
    with pytest.raises(OptionError, match="no such key"):
        keys.revoke("key_none")
    with pytest.raises(OptionError, match="no such key"):
        keys.rotate("key_none", 0)
    with pytest.raises(OptionError, match="scope"):
        keys.create("tn_a", scopes=())


@pytest.mark.parametrize("text", ["", ",", "evaluations", "evaluations:read,root", "ADMIN"])
def test_lists_of_scopes_are_read_strictly(text: str) -> None:
    """A scope that doesn't exist is refused, not left out."""
    with pytest.raises(OptionError):
        read_scopes(text)


def test_scopes_are_read_in_their_order() -> None:
    """Commas and blanks divide them; all but metrics and admin are given if none is named."""
    assert read_scopes("batches:read, evaluations:read") == ("evaluations:read", "batches:read")
    assert set(SCOPES) - set(DEFAULT_SCOPES) == {"metrics", "admin"}


def test_admin_may_do_everything(keys: KeyStore) -> None:
    """The scope `admin` stands for all others."""
    caller = keys.caller(keys.create("tn_a", scopes=("admin",)).token)
    assert isinstance(caller, Caller)
    assert all(caller.may(scope) for scope in SCOPES)


def test_keys_are_listed_with_their_tenants(database: Database, clock: Clock) -> None:
    """Each key stands under its tenant's name, in the order they were made; nothing of a secret is among it."""
    tenants, store = TenantStore(database, clock), KeyStore(database, clock)
    for name in ("Acme", "Övriga"):
        store.create(tenants.ensure(name).tenant, name=f"for {name}")
        clock.wait(1)
    assert [(key.tenant_name, key.name) for key in store.list()] == [("Acme", "for Acme"), ("Övriga", "for Övriga")]


def test_a_process_sees_the_keys_of_another(file_database: Database, tmp_path: Path, clock: Clock) -> None:
    """A key that one process makes is valid in the other, and what that one revokes ends in this."""
    store = KeyStore(file_database, clock)
    made = store.create("tn_a")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_use_and_revoke, (tmp_path / "service.sqlite", made.token)) == "tn_a"
    clock.wait(_OBEYED_S)
    assert store.caller(made.token) is Refusal.REVOKED


def test_a_key_is_found_while_the_database_takes_no_writes(file_database: Database, tmp_path: Path) -> None:
    """That its use can't be noted is no reason to refuse a key."""
    store = KeyStore(file_database)
    made = store.create("tn_a")
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as other:
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON sv_keys BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert isinstance(store.caller(made.token), Caller)


def test_tenants_are_made_once(database: Database, clock: Clock) -> None:
    """A name stands for one tenant, found by name and by id; `local` for the one that was there without keys."""
    tenants = TenantStore(database, clock)
    made = tenants.ensure("Acme")
    assert tenants.ensure("Acme") == tenants.find("Acme") == tenants.find(made.tenant) == made
    assert tenants.ensure("local").tenant == LOCAL_TENANT
    with pytest.raises(OptionError, match="no such tenant"):
        tenants.find("Nobody")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\x1b[31m", "x" * 101, "a\u202eb"])
def test_names_that_nobody_can_read_are_refused(keys: KeyStore, database: Database, name: str) -> None:
    """Tenants and keys have names of printable characters."""
    with pytest.raises(OptionError, match="printable"):
        TenantStore(database).ensure(name)
    if name:
        with pytest.raises(OptionError, match="printable"):
            keys.create("tn_a", name=name)


def test_limits_take_effect_within_five_seconds(database: Database, clock: Clock) -> None:
    """A process that has just read a tenant's limits obeys another's change within five seconds."""
    here, there = TenantStore(database, clock), TenantStore(database, clock)
    tenant = here.ensure("Acme").tenant
    assert there.limits(tenant) == Limits()
    here.limit(tenant, Limits(60, 4, 12.5))
    clock.wait(_OBEYED_S)
    assert there.limits(tenant) == here.limits(tenant) == Limits(60, 4, 12.5)
    assert there.limits("tn_unknown") == Limits()


@pytest.mark.parametrize("wrong", [(0, None, None), (None, 0, None), (None, None, -1.0), (None, None, float("nan"))])
def test_senseless_limits_are_refused(wrong: tuple[int | None, int | None, float | None]) -> None:
    """No limit is zero requests, negative or no number."""
    with pytest.raises(OptionError):
        Limits(*wrong)


def _use_and_revoke(path: Path, token: str) -> str:
    with closing(Database(path)) as database:
        store = KeyStore(database)
        caller = store.caller(token)
        store.revoke(key_of(token) or "")
        return caller.tenant if isinstance(caller, Caller) else "nobody"
