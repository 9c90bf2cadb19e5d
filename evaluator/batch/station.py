"""A worker's place among others on a shared Postgres: it joins, gives signs of life, takes over from the dead.

A worker that was taken for dead while it lived stops what it does, which nobody would keep, and joins anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database
from evaluator.batch.durable import Durable, Seat
from evaluator.batch.roll import BEAT_S, Roll
from evaluator.batch.worker import Tools, Worker
from evaluator.errors import EvaluatorError

__all__ = ["Place", "Station"]

_SETTLED: Final = 2  # beats before a newcomer asks: by then the others know that they share with one more


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a station stands.

    Attributes:
        url: Address of the Postgres.
        base: What its name begins with; the machine's name, usually.
        shards: Most shards in hand at once.
        sharers: Told how many workers there are, again and again.
    """

    url: str
    base: str
    shards: int
    sharers: Callable[[int], None]


class Station:
    """One worker of several, tended by a thread of its own."""

    def __init__(self, place: Place, database: Database, tools: Tools) -> None:
        """Join, and begin when the others know of it: at once if there are none, else after a few seconds.

        Raises:
            EvaluatorError: The database can't be used.
        """
        self._place = place
        self._tools = tools
        self._roll = Roll(database)
        self._closing = threading.Event()
        self._begun = threading.Event()
        self._failure: EvaluatorError | None = None
        self._join()
        self._tend()
        self._thread = threading.Thread(target=self._tend_on, name="station", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Name of the worker, as it lives now."""
        return self._member.name

    def queue(self) -> Durable:
        """Return the queue, as soon as this worker has begun.

        Raises:
            EvaluatorError: Tending it has failed.
        """
        while not self._begun.wait(BEAT_S):
            self.check()
        return self._worker.queue

    def check(self) -> None:
        """Raise what made this worker unable to go on, if anything did.

        Raises:
            EvaluatorError: The database stayed away.
        """
        if self._failure is not None:
            raise self._failure

    def drain(self, reason: str) -> None:
        """Begin no item more; those that are being graded are finished and kept."""
        self._worker.drain(reason, leave=True)

    def idle(self, wait_s: float) -> bool:
        """Return whether no shard is in hand, having waited so long for it."""
        return self._worker.idle(wait_s)

    def close(self) -> None:
        """End; what is in hand is left to others."""
        self._closing.set()
        self._thread.join()
        self._worker.close()
        self._roll.leave(self._member)

    def _join(self) -> None:
        self._member = self._roll.join(self._place.base)
        self._worker = Worker(Seat(self._place.url, self._member.name, self._place.shards), self._tools)
        self._beats = 0

    def _tend_on(self) -> None:
        while not self._closing.wait(BEAT_S):
            try:
                self._tend()
            except EvaluatorError as error:
                self._failure = error
                return

    def _tend(self) -> None:
        """Give a sign of life; begin, take over or join anew, as is due."""
        alive = self._roll.beat(self._member)
        if alive is None:
            self._begun.clear()
            self._worker.close()
            self._join()
            return
        self._place.sharers(alive)
        self._beats += 1
        if not self._begun.is_set() and (alive == 1 or self._beats >= _SETTLED):
            self._worker.begin()
            self._begun.set()
        if self._begun.is_set():
            self._roll.bury(self._worker.queue.take_over)
