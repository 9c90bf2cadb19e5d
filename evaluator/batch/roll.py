"""Who works on a shared Postgres: names that last, signs of life, and whose work is left behind.

A worker joins under a name that nobody alive has, and gives a sign of life every few seconds, by the database's clock.
One that gave none for a while is taken for dead: its name gets a new epoch, so that it learns of it should it live
after all, and its shards go back to the queue. Nobody is taken for dead by a worker that was itself away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Transaction

__all__ = ["BEAT_S", "LEASE_S", "Member", "Roll"]

BEAT_S: Final = 3.0
LEASE_S: Final = 20.0  # six signs of life may be lost on the way
_NOW: Final = "extract(epoch FROM clock_timestamp())"
_LOCK: Final = 0x4556_5257
_NAMES: Final = 1000


@dataclass(frozen=True, slots=True)
class Member:
    """One worker's place on the roll.

    Attributes:
        name: Its name; the same after a restart, if nobody took it meanwhile.
        epoch: How often somebody joined under it, or was taken for dead.
    """

    name: str
    epoch: int


class Roll:
    """The roll of one database, as one worker sees it. Not safe to share between threads."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Look at a database whose tables are there.

        Args:
            database: A Postgres.
            clock: Seconds, never going back; tells only how long this worker was itself away.
        """
        self._database = database
        self._clock = clock
        self._steady_since: float | None = None
        self._last_beat = 0.0

    def join(self, base: str) -> Member:
        """Take the first free name of ``base-0``, ``base-1``, ..."""

        def work(transaction: Transaction) -> Member:
            transaction.rows("SELECT pg_advisory_xact_lock(:lock)", {"lock": _LOCK})
            taken = {
                name
                for (name,) in transaction.rows(
                    f"SELECT name FROM ev_workers WHERE seen_s > {_NOW} - :lease",  # noqa: S608 - our own text
                    {"lease": LEASE_S},
                )
            }
            name = next(f"{base}-{number}" for number in range(_NAMES) if f"{base}-{number}" not in taken)
            ((epoch,),) = transaction.rows(
                f"""INSERT INTO ev_workers VALUES (:name, 1, {_NOW})
                ON CONFLICT (name) DO UPDATE SET epoch = ev_workers.epoch + 1, seen_s = {_NOW}
                RETURNING epoch""",  # noqa: S608 - our own text
                {"name": name},
            )
            return Member(name, epoch)

        self._steady_since = None
        return self._database.write(work)

    def leave(self, member: Member) -> None:
        """Free the name at once: nothing is left behind under it."""
        self._database.write(
            lambda transaction: transaction.run(
                "UPDATE ev_workers SET seen_s = 0 WHERE name = :name AND epoch = :epoch",
                {"name": member.name, "epoch": member.epoch},
            )
        )

    def beat(self, member: Member) -> int | None:
        """Give a sign of life; return how many workers are alive, or ``None`` if this one was taken for dead."""

        def work(transaction: Transaction) -> int | None:
            mine = transaction.run(
                f"UPDATE ev_workers SET seen_s = {_NOW} WHERE name = :name AND epoch = :epoch",  # noqa: S608 - our own text
                {"name": member.name, "epoch": member.epoch},
            )
            if not mine:
                return None
            ((alive,),) = transaction.rows(
                f"SELECT count(*) FROM ev_workers WHERE seen_s > {_NOW} - :lease",  # noqa: S608 - our own text
                {"lease": LEASE_S},
            )
            return int(alive)

        alive = self._database.write(work)
        now = self._clock()
        if self._steady_since is None or now - self._last_beat > LEASE_S / 2:
            self._steady_since = now  # it was away itself: the others may have been so too, and come back
        self._last_beat = now
        return alive

    def bury(self, take_over: Callable[[Sequence[str]], int]) -> int:
        """Take for dead whoever gave no sign of life, and let their work be taken over; return how much that was.

        Of several workers that try, one does it; one that died in doing so is followed by another.

        Args:
            take_over: Queues again what workers of these names had in hand, and returns how many shards that was.
        """
        if self._steady_since is None or self._clock() - self._steady_since < LEASE_S:
            return 0

        def work(transaction: Transaction) -> int:
            ((mine,),) = transaction.rows("SELECT pg_try_advisory_xact_lock(:lock)", {"lock": _LOCK})
            if not mine:
                return 0
            transaction.run(
                f"UPDATE ev_workers SET epoch = epoch + 1, seen_s = 0 WHERE seen_s > 0 AND seen_s < {_NOW} - :lease",  # noqa: S608 - our own text
                {"lease": LEASE_S},
            )
            dead = [name for (name,) in transaction.rows("SELECT name FROM ev_workers WHERE seen_s = 0")]
            return take_over(dead) if dead else 0

        return self._database.write(work)
