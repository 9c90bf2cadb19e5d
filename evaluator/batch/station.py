"""A worker's place among others on a shared Postgres: it joins, gives signs of life, takes over from the dead.

A worker that was taken for dead while it lived stops what it does, which nobody would keep, and joins anew.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from evaluator.batch.database import Database
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.durable import Durable, Seat
from evaluator.batch.roll import Rhythm, Roll
from evaluator.batch.worker import Tools, Worker
from evaluator.errors import EvaluatorError

__all__ = ["Place", "Station"]

_SETTLED: Final = 3  # beats before a newcomer asks: by then the others know that they share with one more
_STRAY: Final = 5  # beats that a shard is thought to be in hand here and isn't: its delivery was lost in an outage
_FAILURES: Final = 10  # beats in a row at which the queue failed, though the database answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a station stands.

    Attributes:
        url: Address of the Postgres.
        base: What its name begins with; the machine's name, usually.
        shards: Most shards in hand at once.
        sharers: Told how many workers there are, again and again, before this one asks anything.
        rhythm: How often workers give signs of life.
    """

    url: str
    base: str
    shards: int
    sharers: Callable[[int], None]
    rhythm: Rhythm = field(default_factory=Rhythm)


class Station:
    """One worker of several, tended by a thread of its own."""

    def __init__(self, place: Place, database: Database, tools: Tools) -> None:
        """Join, and begin when the others know of it: at once if there are none, else after a few seconds.

        Raises:
            EvaluatorError: The database can't be used.
        """
        self._place = place
        self._tools = tools
        self._roll = Roll(database, place.rhythm)
        self._closing = threading.Event()
        self._begun = threading.Event()
        self._changing = threading.Lock()  # of the worker, for another life of it
        self._failure: EvaluatorError | None = None
        self._failures = 0
        self._leaving: str | None = None
        self._refused = set[str]()
        self._join()
        self._tend()
        self._thread = threading.Thread(target=self._tend_on, name="station", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Name of the worker, as it lives now."""
        return self._member.name

    @property
    def begun(self) -> bool:
        """Whether this worker takes up shards."""
        return self._begun.is_set()

    def queue(self) -> Durable:
        """Return the queue, as soon as this worker has begun.

        Raises:
            EvaluatorError: Tending it has failed, or it was closed before it began.
        """
        while not self._begun.wait(self._place.rhythm.beat_s):
            self.check()
            if self._closing.is_set():
                raise EvaluatorError("this worker was closed", where=self.name)
        return self._worker.queue

    def check(self) -> None:
        """Raise what made this worker unable to go on, if anything did.

        Raises:
            EvaluatorError: The database stayed away.
        """
        if self._failure is not None:
            raise self._failure
        self._worker.check()

    def refusals(self) -> list[str]:
        """Return why this worker leaves runs to others, each reason once."""
        new = [reason for reason in self._worker.refusals() if reason not in self._refused]
        self._refused.update(new)
        return new

    def drain(self, reason: str) -> None:
        """Begin no item more; those that are being graded are finished and kept."""
        with self._changing:
            self._leaving = reason
            self._worker.drain(reason, leave=True)

    def idle(self, wait_s: float) -> bool:
        """Return whether no shard is in hand, having waited so long for it."""
        return self._worker.idle(wait_s)

    def close(self) -> None:
        """End; what is in hand is left to others."""
        self._closing.set()
        self._thread.join()
        self._worker.close()
        if not isinstance(self._failure, DatabaseFailed):  # it would be waited for once more
            self._roll.leave(self._member)

    def _join(self) -> None:
        self._member = self._roll.join(self._place.base)
        self._worker = Worker(Seat(self._place.url, self._member.life, self._place.shards), self._tools)
        self._beats = 0
        self._strays = Counter[str]()

    def _tend_on(self) -> None:
        while not self._closing.wait(self._place.rhythm.beat_s):
            try:
                self._tend()
            except EvaluatorError as error:
                self._failure = error
                return
            except Exception as error:  # noqa: BLE001 - a worker that nobody tends must end, whatever it was
                self._failure = EvaluatorError(f"the worker failed: {type(error).__name__}", where=self.name)
                return

    def _tend(self) -> None:
        """Give a sign of life; begin, take over or join anew, as is due."""
        alive = self._roll.beat(self._member)
        if alive is None:
            self._begin_anew()
            return
        self._place.sharers(alive)
        self._beats += 1
        try:
            self._work_on(alone=alive == 1)
        except DatabaseFailed:
            self._failures += 1
            if self._failures >= _FAILURES:
                raise
        else:
            self._failures = 0

    def _begin_anew(self) -> None:
        """Drop everything and join as another, unless this worker is leaving anyway."""
        with self._changing:
            self._begun.clear()
            self._worker.close()
            self._join()
            if self._leaving is not None:
                self._worker.drain(self._leaving, leave=True)

    def _work_on(self, *, alone: bool) -> None:
        """Begin if it is time, heed what stopped, and take over what nobody has in hand.

        Raises:
            DatabaseFailed: The queue can't be used now.
        """
        if not self._begun.is_set():
            if self._leaving is not None or not (alone or self._beats >= _SETTLED):
                return
            self._worker.begin()
            self._begun.set()
        self._worker.heed()
        queue = self._worker.queue
        self._roll.bury(queue.in_hands, queue.take_back)
        mine = {shard for shard, life in queue.in_hands().items() if life == self._member.life}
        self._strays = Counter({shard: self._strays[shard] + 1 for shard in mine if not self._worker.holds(shard)})
        lost = [shard for shard, beats in self._strays.items() if beats >= _STRAY]
        queue.take_back(lost)
