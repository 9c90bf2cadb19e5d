"""Claims on requests that may come again."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from evaluator.batch.database import Database
from evaluator.service.idempotency.claims import Busy, Claim, ClaimStore, Other, Replay
from evaluator.service.idempotency.sealing import Asked
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback
_ASKED: Final = Asked("POST", "/v1/evaluations", b'{"transcript": "We grew revenue by a tenth."}')
_DAY_S: Final = 86_400.0
_DIES: Final = """
import os, signal, sys
from pathlib import Path
from evaluator.batch.database import Database
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.sealing import Asked
claims = ClaimStore(Database(Path(sys.argv[1])), lease_s=float(sys.argv[2]))
print(claims.claim("tn_a", "k", Asked("POST", "/", b"x"), sys.argv[3]).id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def claims(database: Database, clock: Clock) -> ClaimStore:
    """Return the claims of a database, none yet."""
    return ClaimStore(database, clock)


def _claimed(claims: ClaimStore, key: str = "k", asked: Asked = _ASKED, new_id: str = "eval_1") -> Claim:
    found = claims.claim("tn_a", key, asked, new_id)
    assert isinstance(found, Claim)
    return found


def test_a_request_is_worked_on_once_and_then_replayed(claims: ClaimStore) -> None:
    """The first gets the claim, those beside it are told to wait, and those after it get the answer."""
    claim = _claimed(claims)
    assert (claim.id, claim.again) == ("eval_1", False)
    assert isinstance(claims.claim("tn_a", "k", _ASKED, "eval_2"), Busy)
    assert claims.keep(claim, b"the answer")
    assert claims.claim("tn_a", "k", _ASKED, "eval_3") == Replay(b"the answer")


@pytest.mark.parametrize("answered", [False, True])
def test_another_request_under_the_same_key_is_told_apart(claims: ClaimStore, *, answered: bool) -> None:
    """Another body, route, query or type of body is another request, whether the first is answered or not."""
    claim = _claimed(claims)
    if answered:
        claims.keep(claim, b"the answer")
    for other in (
        Asked("POST", _ASKED.path, _ASKED.body + b" "),
        Asked("POST", "/v1/batches", _ASKED.body),
        Asked("POST", f"{_ASKED.path}?x=1", _ASKED.body),
        Asked("PUT", _ASKED.path, _ASKED.body),
        Asked("POST", _ASKED.path, _ASKED.body, "text/plain"),
    ):
        assert claims.claim("tn_a", "k", other, "eval_2") == Other()


def test_tenants_may_use_the_same_key(claims: ClaimStore) -> None:
    """A key of one tenant means nothing for another: it neither gets the answer nor learns that there is one."""
    claims.keep(_claimed(claims), b"the answer")
    theirs = claims.claim("tn_b", "k", _ASKED, "eval_2")
    assert isinstance(theirs, Claim)
    assert (theirs.id, theirs.again) == ("eval_2", False)


def test_a_claim_that_lapsed_is_taken_over_with_the_same_id(claims: ClaimStore, clock: Clock) -> None:
    """Whoever takes over from a process that died makes the same thing; the dead one, back again, keeps nothing."""
    dead = _claimed(claims)
    clock.wait(claims.lease_s)
    alive = _claimed(claims, new_id="eval_2")
    assert (alive.id, alive.again) == ("eval_1", True)
    assert not claims.renew(dead)
    assert not claims.keep(dead, b"a late answer")
    assert not claims.let_go(dead)
    assert claims.keep(alive, b"the answer")
    assert claims.claim("tn_a", "k", _ASKED, "eval_3") == Replay(b"the answer")


def test_a_claim_that_is_renewed_lasts(claims: ClaimStore, clock: Clock) -> None:
    """Long work keeps its claim for as long as it says so."""
    claim = _claimed(claims)
    for _ in range(5):
        clock.wait(claims.lease_s - 1)
        assert claims.renew(claim)
    assert isinstance(claims.claim("tn_a", "k", _ASKED, "eval_2"), Busy)


def test_what_was_let_go_runs_again_with_the_same_id(claims: ClaimStore) -> None:
    """After a failure the next try runs at once, under the id that may be in use already."""
    claims.let_go(_claimed(claims))
    again = _claimed(claims, new_id="eval_2")
    assert (again.id, again.again) == ("eval_1", True)


def test_a_service_that_is_alone_frees_what_a_former_life_held(claims: ClaimStore, database: Database) -> None:
    """A claim of a process that is known to be dead doesn't keep its request waiting; answers stay."""
    answered = _claimed(claims, "answered")
    claims.keep(answered, b"the answer")
    held = _claimed(claims)
    assert ClaimStore(database).free() == 1
    after = _claimed(claims, new_id="eval_2")
    assert (after.id, after.again) == (held.id, True)
    assert not claims.keep(held, b"too late")
    assert claims.claim("tn_a", "answered", _ASKED, "eval_3") == Replay(b"the answer")


def test_what_was_refused_may_be_mended_under_the_same_key(claims: ClaimStore) -> None:
    """A request that made nothing doesn't bind its key to its body."""
    assert claims.forget(_claimed(claims))
    mended = _claimed(claims, asked=Asked("POST", _ASKED.path, b"mended"), new_id="eval_2")
    assert (mended.id, mended.again) == ("eval_2", False)


def test_answers_are_kept_for_a_day(claims: ClaimStore, clock: Clock) -> None:
    """A moment before the day is over the answer is there; then the key is free, and nothing is left of it."""
    claims.keep(_claimed(claims), b"the answer")
    clock.wait(_DAY_S - 1)
    assert claims.purge() == 0
    assert isinstance(claims.claim("tn_a", "k", _ASKED, "eval_2"), Replay)
    clock.wait(1)
    fresh = _claimed(claims, new_id="eval_2")
    assert (fresh.id, fresh.again) == ("eval_2", False)


def test_purging_deletes_what_is_older_than_a_day(claims: ClaimStore, database: Database, clock: Clock) -> None:
    """Old rows of all tenants go; what is worked on still stays."""
    claims.keep(_claimed(claims, "old"), b"the answer")
    working = _claimed(claims, "working")
    clock.wait(_DAY_S - 1)
    claims.renew(working)
    _claimed(claims, "new")
    clock.wait(1)
    assert claims.purge() == 1
    assert database.read(lambda transaction: transaction.rows("SELECT count(*) FROM sv_requests"))[0][0] == 2


def test_nothing_readable_is_kept(file_database: Database, tmp_path: Path, clock: Clock) -> None:
    """Neither the key, the body nor the answer stands in the database or its log, plainly or as a bare hash."""
    import hashlib  # noqa: PLC0415 - only to look for what must not be there

    claims = ClaimStore(file_database, clock)
    claims.keep(_claimed(claims, "order-4711"), b'{"quote": "We grew revenue by a tenth."}')
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"eval_1" in held
    body = hashlib.sha256(_ASKED.body)
    for secret in (b"revenue", b"order-4711", body.hexdigest().encode(), body.digest()):
        assert secret not in held


def test_of_a_hundred_at_once_one_gets_the_claim(claims: ClaimStore) -> None:
    """However many send the same at once, one works on it."""
    barrier = threading.Barrier(8)

    def send(number: int) -> object:
        if number < 8:
            barrier.wait()
        return claims.claim("tn_a", "k", _ASKED, f"eval_{number}")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(100)))
    assert sum(isinstance(each, Claim) for each in found) == 1
    assert sum(isinstance(each, Busy) for each in found) == 99


def test_a_process_that_is_killed_leaves_its_id_to_the_next(file_database: Database, tmp_path: Path) -> None:
    """Each of three processes, killed in its work, had the same id; so has the one that lives."""
    path = str(tmp_path / "service.sqlite")
    ids = list[str]()
    for number in range(3):
        dying = [sys.executable, "-c", _DIES, path, "0.0", f"eval_{number}"]
        done = subprocess.run(dying, check=False, capture_output=True, text=True, cwd=Path.cwd())
        assert done.returncode == -signal.SIGKILL, done.stderr
        ids.append(done.stdout.strip())
    last = ClaimStore(file_database).claim("tn_a", "k", Asked("POST", "/", b"x"), "eval_last")
    assert isinstance(last, Claim)
    assert {*ids, last.id} == {"eval_0"}
    assert last.again
