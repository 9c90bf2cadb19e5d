"""The keys of tenants: made, shown once, changed, revoked, and found again by what a caller sends.

In: tokens. Out: callers. Only hashes are kept. A key is never removed, only revoked: a service whose last key was
revoked must not fall back to serving everybody.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

from evaluator.batch.database import Database
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.errors import OptionError
from evaluator.service.tenants.caller import LOCAL_CALLER, SCOPES, Caller, Scope, no_scope
from evaluator.service.tenants.key_records import KEY_COLUMNS, KeptKey, Key, NewKey, read_key
from evaluator.service.tenants.limits import check_name
from evaluator.service.tenants.recent import Recent
from evaluator.service.tenants.tokens import digest, key_of, new_token

__all__ = ["DEFAULT_SCOPES", "Key", "KeyStore", "NewKey", "Refusal"]

DEFAULT_SCOPES: Final[tuple[Scope, ...]] = tuple(scope for scope in SCOPES if scope not in {"metrics", "admin"})
_USED_EVERY_S: Final = 300.0  # a write for each request would cost more than knowing the second is worth
_FOREVER_S: Final = 1e11  # no year that a calendar holds
_NOBODY: Final = digest("")


class Refusal(StrEnum):
    """Why a caller is nobody."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyStore:
    """The keys of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Look at a database."""
        self._database = database
        self._clock = clock
        self._recent: Recent[KeptKey | None] = Recent(clock)
        self._any: Recent[bool] = Recent(clock)
        self._guarded = False

    def any(self) -> bool:
        """Return whether a key was ever made, so that every request needs one.

        Raises:
            DatabaseFailed: It can't be read.
        """
        if not self._guarded and self._any.get("any") is None:
            now = self._clock()
            rows = self._database.read(lambda transaction: transaction.rows("SELECT 1 FROM sv_keys LIMIT 1"))
            self._guarded = bool(rows)
            self._any.put("any", self._guarded, now)
        return self._guarded

    def caller(self, token: str | None) -> Caller | Refusal:
        """Return whose token it is, as it was at most a few seconds ago.

        Args:
            token: What the caller sent; ``None`` if nothing.

        Raises:
            DatabaseFailed: The keys can't be read.
        """
        if not self.any():
            return LOCAL_CALLER
        if token is None:
            return Refusal.MISSING
        key = key_of(token)
        if key is None:
            return Refusal.UNKNOWN
        if (found := self._recent.get(key)) is not None:
            return self._checked(found[0], digest(token))
        known = self._read(key)
        outcome = self._checked(known, digest(token))
        if known is not None and isinstance(outcome, Caller):
            self._note_use(known.key)
        return outcome

    def recalls(self, token: str | None) -> bool:
        """Return whether `caller` needs no look into the database now."""
        if not self._guarded:
            return self._any.get("any") is not None
        key = None if token is None else key_of(token)
        return key is None or self._recent.get(key) is not None

    def create(
        self, tenant: str, *, name: str = "", scopes: Sequence[Scope] = DEFAULT_SCOPES, expires_s: float | None = None
    ) -> NewKey:
        """Make a key for a tenant that exists.

        Raises:
            OptionError: The name isn't printable, no or an unknown scope is named, or it would have ended already.
            DatabaseFailed: It can't be written.
        """
        key, now = f"key_{secrets.token_hex(12)}", self._clock()
        if name:
            check_name(name, "--name")
        if not scopes:
            raise no_scope()
        if expires_s is not None and not now < expires_s < _FOREVER_S:
            raise OptionError("the key would have ended already", where="--expires-days", remedy="give more days")
        token = new_token(key)
        values = {
            "key": key,
            "tenant": tenant,
            "name": name,
            "scopes": " ".join(scope for scope in SCOPES if scope in scopes),
            "digest": digest(token),
            "created_s": now,
            "expires_s": expires_s,
        }
        self._database.write(
            lambda transaction: transaction.run(
                """INSERT INTO sv_keys (key, tenant, name, scopes, digest, created_s, expires_s)
                VALUES (:key, :tenant, :name, :scopes, :digest, :created_s, :expires_s) ON CONFLICT (key) DO NOTHING""",
                values,
            )
        )
        return NewKey(self._one(key), token)

    def list(self) -> list[Key]:
        """Return all keys, the newest last; nothing of their secrets.

        Raises:
            DatabaseFailed: They can't be read.
        """
        rows = self._database.read(lambda transaction: transaction.rows(f"{KEY_COLUMNS} ORDER BY k.created_s, k.key"))
        return [read_key(row).key for row in rows]

    def revoke(self, key: str) -> Key:
        """End a key, with the secret before its last rotation; everywhere within five seconds. Twice does no more.

        Raises:
            OptionError: There is no such key.
            DatabaseFailed: It can't be written.
        """
        values = {"key": key, "now": self._clock()}
        self._database.write(
            lambda transaction: transaction.run(
                """UPDATE sv_keys SET revoked_s = coalesce(revoked_s, :now), former = NULL, former_until_s = NULL
                WHERE key = :key""",
                values,
            )
        )
        self._recent.drop(key)
        return self._one(key)

    def rotate(self, key: str, grace_s: float) -> NewKey:
        """Give a key a new secret; the one before is valid for so long still, and the one before that no more.

        Raises:
            OptionError: There is no such key, or it has ended.
            DatabaseFailed: It can't be written.
        """
        now, token = self._clock(), new_token(key)
        if not 0 <= grace_s < _FOREVER_S:
            raise OptionError(
                "a grace period is no less than nothing", where="--grace-hours", remedy="give hours, or 0"
            )
        before = self._one(key)
        if before.revoked_s is not None or (before.expires_s is not None and before.expires_s <= now):
            raise OptionError("this key has ended", where="KEY", remedy="make a new one: evaluator keys create")
        values = {"key": key, "digest": digest(token), "until": now + grace_s, "grace": int(grace_s > 0)}
        changed = self._database.write(
            lambda transaction: transaction.run(
                # Run twice, after a connection that broke, it doesn't take the new secret for the former one.
                """UPDATE sv_keys SET former = CASE WHEN :grace = 1 THEN digest END,
                    former_until_s = CASE WHEN :grace = 1 THEN :until END, digest = :digest
                WHERE key = :key AND digest <> :digest AND revoked_s IS NULL""",
                values,
            )
        )
        self._recent.drop(key)
        after = self._one(key)
        if not changed and after.revoked_s is not None:
            raise OptionError("this key has ended", where="KEY", remedy="make a new one: evaluator keys create")
        return NewKey(after, token)

    def _one(self, key: str) -> Key:
        rows = self._database.read(
            lambda transaction: transaction.rows(f"{KEY_COLUMNS} WHERE k.key = :key", {"key": key})
        )
        if not rows:
            raise OptionError("there is no such key", where="KEY", remedy="evaluator keys list shows all")
        return read_key(rows[0]).key

    def _checked(self, known: KeptKey | None, sent: str) -> Caller | Refusal:
        """Return the caller of a token by its hash; how long a look takes doesn't tell how much of it was right."""
        now = self._clock()
        current = hmac.compare_digest(sent, known.digest if known else _NOBODY)
        former = hmac.compare_digest(sent, (known.former if known else None) or _NOBODY)
        if known is None or not (current or former):
            return Refusal.UNKNOWN
        key = known.key
        if key.revoked_s is not None:
            return Refusal.REVOKED
        if key.expires_s is not None and key.expires_s <= now:
            return Refusal.EXPIRED
        if not current and (key.former_until_s is None or key.former_until_s <= now):
            return Refusal.EXPIRED
        return Caller(key.tenant, key.key, frozenset(key.scopes))

    def _read(self, key: str) -> KeptKey | None:
        now = self._clock()
        rows = self._database.read(
            lambda transaction: transaction.rows(f"{KEY_COLUMNS} WHERE k.key = :key", {"key": key})
        )
        return self._recent.put(key, read_key(rows[0]) if rows else None, now)

    def _note_use(self, key: Key) -> None:
        now = self._clock()
        if key.used_s is not None and 0 <= now - key.used_s < _USED_EVERY_S:
            return
        values = {"key": key.key, "now": now}
        with suppress(DatabaseFailed):  # a disk that is full is no reason to let nobody in
            self._database.write(
                lambda transaction: transaction.run("UPDATE sv_keys SET used_s = :now WHERE key = :key", values)
            )
