"""A worker's place among others on a shared Postgres: it joins, gives signs of life, takes over from the dead.

A worker that was taken for dead while it lived stops what it does, which nobody would keep, and joins anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, DatabaseFailed
from evaluator.batch.durable import Seat
from evaluator.batch.roll import BEAT_S, Member, Roll
from evaluator.batch.worker import Tools, Worker

__all__ = ["Place", "Station"]

_SETTLED: Final = 2  # beats before a newcomer asks: by then the others know that they share with one more


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a station stands.

    Attributes:
        url: Address of the Postgres.
        base: What its name begins with; the machine's name, usually.
        shards: Most shards in hand at once.
        alone: Called with how many workers there are, whenever it may have changed.
    """

    url: str
    base: str
    shards: int
    sharers: Callable[[int], None]


class Station:
    """One worker of several. `tend` must be called every few seconds, by one thread."""

    def __init__(self, place: Place, database: Database, tools: Tools) -> None:
        """Join; nothing is graded before `tend` was called a few times.

        Raises:
            DatabaseFailed: The database can't be used.
        """
        self._place = place
        self._tools = tools
        self._roll = Roll(database)
        self._lock = threading.Lock()
        self._join()

    @property
    def worker(self) -> Worker:
        """The worker, as it lives now."""
        return self._worker

    def tend(self) -> None:
        """Give a sign of life; begin, take over or join anew, as is due. Called every `BEAT_S`."""
        alive = self._roll.beat(self._member)
        if alive is None:
            self._worker.close()
            self._join()
            return
        self._place.sharers(alive)
        self._beats += 1
        if not self._begun and (alive == 1 or self._beats >= _SETTLED):
            self._worker.begin()
            self._begun = True
        if self._begun:
            self._roll.bury(self._worker.queue.take_over)

    def close(self) -> None:
        """End, and leave what is in hand to others at once."""
        if self._begun:
            self._worker.close()
        self._roll.leave(self._member)

    def _join(self) -> None:
        self._member: Member = self._roll.join(self._place.base)
        self._worker = Worker(Seat(self._place.url, self._member.name, self._place.shards), self._tools)
        self._begun = False
        self._beats = 0
