"""Who works on a request that may come again, and what was answered.

A request is claimed before it is worked on, and gets the id of what it makes then: whoever takes over from a process
that died makes the same thing under the same id, so that nothing is made twice. A claim is held by renewing it; one
that isn't renewed lapses.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.service.idempotency.sealing import Asked, Seal, new_salt, seal_of

__all__ = ["Busy", "Claim", "ClaimStore", "Other", "Replay"]

_KEPT_S: Final = 24 * 3600.0
_LEASE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a request.

    Attributes:
        tenant: Whose request it is.
        name: Hash of its Idempotency-Key.
        id: Id of what it makes, the same for everyone who ever works on it.
        seal: Closes the answer.
        again: Whether somebody worked on it before and left no answer.
        token: Tells this holder from others.
    """

    tenant: str
    name: str
    id: str
    seal: Seal
    again: bool
    token: str


@dataclass(frozen=True, slots=True)
class Replay:
    """The request was answered; this is the answer, as it was kept."""

    answer: bytes


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody works on the request.

    Attributes:
        lapses_after_s: Until when they must have said that they still do.
    """

    lapses_after_s: float


@dataclass(frozen=True, slots=True)
class Other:
    """The same Idempotency-Key was used for another request."""


class ClaimStore:
    """The requests of one database, whose tables are there. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.time,
        *,
        lease_s: float = _LEASE_S,
        kept_s: float = _KEPT_S,
    ) -> None:
        """Look at a database.

        Args:
            database: Where.
            clock: Seconds since 1970, which all processes of the database agree on to a second.
            lease_s: How long a claim lasts that isn't renewed.
            kept_s: How long an answer is kept.
        """
        self.lease_s = lease_s
        self._database = database
        self._clock = clock
        self._kept_s = kept_s

    def claim(self, tenant: str, key: str, asked: Asked, new_id: str) -> Claim | Replay | Busy | Other:
        """Claim a request, or learn what became of it.

        Args:
            tenant: Whose request.
            key: Its Idempotency-Key.
            asked: The rest of it.
            new_id: Id of what it is to make, if nobody worked on it before.

        Raises:
            DatabaseFailed: It can't be read or written.
        """
        name = hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()
        now, salt, token = self._clock(), new_salt(), secrets.token_hex(12)
        fresh = seal_of(tenant, key, asked, salt)
        values = {
            "tenant": tenant,
            "name": name,
            "salt": salt,
            "mark": fresh.mark,
            "id": new_id,
            "claim": token,
            "now": now,
            "lapses_s": now + self.lease_s,
            "until_s": now + self._kept_s,
        }

        def work(transaction: Transaction) -> Claim | Replay | Busy | Other:
            transaction.run(_END_ONE, values)
            ((salt_, mark, made, holder, lapses_s, sealed),) = transaction.rows(_BEGIN, values)
            seal = seal_of(tenant, key, asked, bytes(salt_))
            if not seal.fits(bytes(mark)):
                return Other()
            answer = None if sealed is None else seal.open(bytes(sealed))
            if answer is not None:
                return Replay(answer)
            if holder not in {None, token} and lapses_s > now:
                return Busy(lapses_s - now)
            transaction.run(_TAKE_OVER, values)
            return Claim(tenant, name, made, seal, again=holder != token, token=token)

        return self._database.write(work)

    def renew(self, claim: Claim) -> bool:
        """Say that a claim is still worked on; return whether it is still held.

        Raises:
            DatabaseFailed: It can't be written.
        """
        return self._change(claim, _RENEW, {"lapses_s": self._clock() + self.lease_s})

    def keep(self, claim: Claim, answer: bytes) -> bool:
        """Keep the answer to a request, sealed; return whether the claim was still held.

        Raises:
            DatabaseFailed: It can't be written.
        """
        return self._change(claim, _KEEP, {"sealed": claim.seal.close(answer)})

    def let_go(self, claim: Claim) -> bool:
        """Give up a claim without an answer, so that the next try runs; return whether it was still held.

        Raises:
            DatabaseFailed: It can't be written; the claim lapses.
        """
        return self._change(claim, _LET_GO, {})

    def forget(self, claim: Claim) -> bool:
        """Let the Idempotency-Key stand for nothing again; return whether the claim was still held.

        For a request that was refused: it made nothing, and may be mended and sent with the same key.

        Raises:
            DatabaseFailed: It can't be written; the claim lapses.
        """
        return self._change(claim, _FORGET, {})

    def free(self) -> int:
        """Let go of all claims: whoever held them has died; return how many these were.

        Raises:
            DatabaseFailed: It can't be written.
        """
        return self._database.write(lambda transaction: transaction.run(_FREE))

    def purge(self) -> int:
        """Delete what is older than a day, of all tenants; return how many requests that were.

        Raises:
            DatabaseFailed: It can't be written.
        """
        values = {"now": self._clock()}
        return self._database.write(lambda transaction: transaction.run(_END_ALL, values))

    def _change(self, claim: Claim, statement: str, values: Mapping[str, object]) -> bool:
        """Change what a claim holds; one that somebody else took over changes nothing."""
        values = {**values, "tenant": claim.tenant, "name": claim.name, "claim": claim.token}
        return self._database.write(lambda transaction: transaction.run(statement, values)) > 0


_BEGIN: Final = """INSERT INTO sv_requests (tenant, name, salt, mark, id, claim, lapses_s, until_s)
    VALUES (:tenant, :name, :salt, :mark, :id, :claim, :lapses_s, :until_s)
    ON CONFLICT (tenant, name) DO UPDATE SET id = sv_requests.id
    RETURNING salt, mark, id, claim, lapses_s, sealed"""  # what is there already is locked and returned as it is
_TAKE_OVER: Final = """UPDATE sv_requests SET claim = :claim, lapses_s = :lapses_s
    WHERE tenant = :tenant AND name = :name"""
_RENEW: Final = """UPDATE sv_requests SET lapses_s = :lapses_s
    WHERE tenant = :tenant AND name = :name AND claim = :claim"""
_KEEP: Final = """UPDATE sv_requests SET claim = NULL, lapses_s = 0, sealed = :sealed
    WHERE tenant = :tenant AND name = :name AND claim = :claim"""
_LET_GO: Final = """UPDATE sv_requests SET claim = NULL, lapses_s = 0
    WHERE tenant = :tenant AND name = :name AND claim = :claim"""
_FREE: Final = "UPDATE sv_requests SET claim = NULL, lapses_s = 0 WHERE claim IS NOT NULL"
_FORGET: Final = "DELETE FROM sv_requests WHERE tenant = :tenant AND name = :name AND claim = :claim"
_END_ONE: Final = """DELETE FROM sv_requests
    WHERE tenant = :tenant AND name = :name AND until_s <= :now AND lapses_s <= :now"""
_END_ALL: Final = "DELETE FROM sv_requests WHERE until_s <= :now AND lapses_s <= :now"
