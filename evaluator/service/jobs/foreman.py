"""The thread that moves jobs on: into the queue, out of it into their rows, and back where that may help."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from evaluator.errors import EvaluatorError
from evaluator.service.jobs.job import Settled
from evaluator.service.jobs.lanes import LaneStore

__all__ = ["Foreman", "Queue"]

_LOGGER: Final = logging.getLogger("evaluator.service")
_LOOK_S: Final = 0.2
_TEND_S: Final = 2.0  # between two looks for what failed, was left or is over


class Queue(Protocol):
    """Takes shards, as `Desk` does."""

    def enqueue(self, shards: Sequence[str]) -> None:
        """Queue shards; one that was queued before stays as it is."""
        ...

    def check(self) -> None:
        """Raise what made the worker unable to go on."""
        ...


class Foreman:
    """Moves the jobs of one process's queue on, until it is closed."""

    def __init__(
        self,
        lanes: LaneStore,
        queue: Queue,
        *,
        settled: Callable[[Sequence[Settled]], None] = lambda _: None,
        chores: Sequence[Callable[[], object]] = (),
    ) -> None:
        """Start the thread.

        Args:
            lanes: Where the jobs are.
            queue: Who grades them.
            settled: Told what was settled, after it was.
            chores: Done every few seconds.
        """
        self._lanes = lanes
        self._queue = queue
        self._settled = settled
        self._chores = (lanes.sweep, *chores)
        self._nudged = threading.Event()
        self._closing = False
        self.failure: EvaluatorError | None = None
        self._thread = threading.Thread(target=self._work, name="foreman", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Look at once: there is something new."""
        self._nudged.set()

    def close(self) -> None:
        """End the thread, once what was graded is settled."""
        self._closing = True
        self._nudged.set()
        self._thread.join()

    def _work(self) -> None:
        tended_s = 0.0
        while True:
            closing = self._closing
            try:
                self._settle()
                if closing:
                    return
                self._queue.check()
                self._enqueue()
                if time.monotonic() - tended_s >= _TEND_S:
                    self._tend()
                    tended_s = time.monotonic()
                self.failure = None
            except EvaluatorError as error:
                self.failure = error
                _LOGGER.error("jobs don't move: %s", type(error).__name__)  # noqa: TRY400 - a trace may hold values
                if closing:
                    return
            except Exception as error:  # noqa: BLE001 - the service must say that it isn't ready, whatever it was
                self.failure = EvaluatorError(f"jobs don't move: {type(error).__name__}")
                _LOGGER.error("jobs don't move: %s", type(error).__name__)  # noqa: TRY400 - likewise
                if closing:
                    return
            self._nudged.wait(_LOOK_S if self.failure is None else _TEND_S)
            self._nudged.clear()

    def _enqueue(self) -> None:
        shards = self._lanes.unqueued()
        if shards:
            self._queue.enqueue(shards)
            self._lanes.queued(shards)

    def _settle(self) -> None:
        while settled := self._lanes.settle():
            self._settled(settled)

    def _tend(self) -> None:
        stopped = self._lanes.fail_stopped()
        if stopped:
            self._settled(stopped)
        self._lanes.revive()
        for chore in self._chores:
            chore()
