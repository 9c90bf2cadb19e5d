"""Who works on a shared Postgres: names that last, signs of life, and whose work is left behind.

A worker joins under a name that nobody alive has, and gives a sign of life every few seconds, by the database's clock.
One that gave none for a while is taken for dead: its name gets a new epoch, so that it learns of it should it live
after all. Work is held under name and epoch together, so that what an earlier life had is known as such, and goes back
to the queue. Nobody is taken for dead by a worker that was itself away.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Transaction

__all__ = ["Member", "Rhythm", "Roll"]

_NOW: Final = "extract(epoch FROM clock_timestamp())"
_LOCK: Final = 0x4556_5257
_NAMES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often workers give signs of life; the same for all workers of a database.

    Attributes:
        beat_s: Between two signs of life.
        lease_s: Who gave none for so long is taken for dead; six may be lost on the way.
    """

    beat_s: float = 3.0
    lease_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Member:
    """One worker's place on the roll.

    Attributes:
        name: Its name; the same after a restart, if nobody took it meanwhile.
        epoch: How often somebody joined under it, or was taken for dead.
    """

    name: str
    epoch: int

    @property
    def life(self) -> str:
        """What no other worker, nor this one in another life, is called."""
        return f"{self.name}.{self.epoch}"


class Roll:
    """The roll of one database, as one worker sees it. Not safe to share between threads."""

    def __init__(
        self, database: Database, rhythm: Rhythm | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look at a database whose tables are there.

        Args:
            database: A Postgres.
            rhythm: How often workers give signs of life; the usual one if not given.
            clock: Seconds, never going back; tells only how long this worker was itself away.
        """
        self._database = database
        self._lease_s = (rhythm or Rhythm()).lease_s
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
                    {"lease": self._lease_s},
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
                {"lease": self._lease_s},
            )
            return int(alive)

        alive = self._database.write(work)
        now = self._clock()
        if self._steady_since is None or now - self._last_beat > self._lease_s / 2:
            self._steady_since = now  # it was away itself: the others may have been so too, and come back
        self._last_beat = now
        return alive

    def bury(self, in_hands: Callable[[], Mapping[str, str]], take_back: Callable[[Sequence[str]], None]) -> int:
        """Take for dead whoever gave no sign of life, and queue again what the dead had in hand; return how much.

        Of several workers that try, one does it; one that died in doing so is followed by another.

        Args:
            in_hands: Returns which shards are in hand, and under which `Member.life` each.
            take_back: Queues shards again.
        """
        steady = self._steady_since is not None and self._clock() - self._steady_since >= self._lease_s

        def work(transaction: Transaction) -> int:
            ((mine,),) = transaction.rows("SELECT pg_try_advisory_xact_lock(:lock)", {"lock": _LOCK})
            if not mine:
                return 0
            if steady:
                transaction.run(
                    f"""UPDATE ev_workers SET epoch = epoch + 1, seen_s = 0
                    WHERE seen_s > 0 AND seen_s < {_NOW} - :lease""",  # noqa: S608 - our own text
                    {"lease": self._lease_s},
                )
            held = in_hands()  # before the living are asked for: a worker that joins meanwhile is one of them
            living = {
                Member(name, epoch).life
                for name, epoch in transaction.rows("SELECT name, epoch FROM ev_workers WHERE seen_s > 0")
            }
            left = sorted(shard for shard, life in held.items() if life not in living)
            take_back(left)
            return len(left)

        return self._database.write(work)
