"""Shards as durable work: DBOS queues them, remembers which are done, and begins again what a crash left.

In: ids of shards, and the coroutine that grades one. Out: each graded to its end by some worker, once or, after a
crash, again; what a shard's items had already is not lost, since results are kept one by one. DBOS is one to a process,
and so is this.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evaluator.batch.database import checked_url, file_url, translated
from evaluator.errors import MissingExtra

if TYPE_CHECKING:
    from dbos import DBOS

__all__ = ["Durable", "Seat"]

_NAME: Final = "evaluator"
_VERSION: Final = "1"  # of the work's form: what an older release left unfinished is taken on under the same number
_QUEUE: Final = "shards"
_POLLING_S: Final = 0.2
_CONSOLE: Final = "__dbos_console_log_handler__"  # as DBOS calls its own
_RECOVERIES: Final = 1_000_000  # a shard is not given up because the machine died often
_ENDED: Final = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a worker stands.

    Attributes:
        place: File of the queue, or address of a Postgres that workers share.
        worker: Name of the worker; the same after a restart, so that it finds its own work again.
        shards: Most shards in hand at once.
    """

    place: Path | str
    worker: str
    shards: int


@dataclass(slots=True)
class _Hand:
    """What grades a shard in this process; DBOS calls functions of modules, which can't carry a value."""

    grade: Callable[[str], Awaitable[None]] | None = None
    registered: Callable[[str], Awaitable[None]] | None = field(default=None)


_HAND: Final = _Hand()


class Durable:
    """This process's part of the durable work."""

    def __init__(self, seat: Seat, grade: Callable[[str], Awaitable[None]]) -> None:
        """Prepare; nothing runs before `launch`.

        Args:
            seat: Where this worker stands.
            grade: Grades the shard of an id; called on DBOS's event loop.

        Raises:
            MissingExtra: The extra `batch` isn't installed.
        """
        self._dbos = _dbos()
        self._seat = seat
        self._workflow = _registered(self._dbos)
        _HAND.grade = grade

    def launch(self) -> None:
        """Begin to work, with what a former life of this worker left unfinished.

        Raises:
            DatabaseFailed: The queue can't be used.
        """
        with translated(self._seat.place):
            self._launch()

    def _launch(self) -> None:
        from dbos import DBOSPortableJSONSerializer

        place = self._seat.place
        if isinstance(place, Path):
            with contextlib.closing(sqlite3.connect(place)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")  # three times the steps a second; it stays so
            place.chmod(0o600)
        self._dbos(
            config={
                "name": _NAME,
                "system_database_url": file_url(place) if isinstance(place, Path) else checked_url(place),
                "application_version": _VERSION,
                "executor_id": self._seat.worker,
                "serializer": DBOSPortableJSONSerializer(),
                "log_level": "CRITICAL",
                "console_log_level": "CRITICAL",
            }
        )
        self._dbos.launch()
        self._dbos.register_queue(
            _QUEUE,
            worker_concurrency=self._seat.shards,
            polling_interval_sec=_POLLING_S,
            on_conflict="always_update",
        )

    def enqueue(self, shards: Sequence[str]) -> None:
        """Queue shards; one that was queued before stays as it is.

        Raises:
            DatabaseFailed: The queue can't be written.
        """
        from dbos import SetWorkflowID

        for shard in shards:
            with translated(self._seat.place), SetWorkflowID(shard):
                self._dbos.enqueue_workflow(_QUEUE, self._workflow, shard)

    def ended(self, shards: Sequence[str]) -> set[str]:
        """Return those that no worker will take up again.

        Raises:
            DatabaseFailed: The queue can't be read.
        """
        if not shards:  # the queue would tell of all that it ever held
            return set()
        with translated(self._seat.place):
            found = self._dbos.list_workflows(workflow_ids=list(shards), load_input=False, load_output=False)
        return {status.workflow_id for status in found if status.status in _ENDED}

    def take_over(self, workers: Sequence[str]) -> int:
        """Queue again what dead workers have in hand; return how many shards that is."""
        left = [
            status.workflow_id
            for worker in workers
            for status in self._dbos.list_workflows(
                status="PENDING", executor_id=worker, load_input=False, load_output=False
            )
        ]
        for shard in left:
            self._dbos.resume_workflow(shard, queue_name=_QUEUE)
        return len(left)

    def close(self) -> None:
        """Take up nothing more and forget what is in hand; another life of this worker goes on with it."""
        self._dbos.destroy(workflow_completion_timeout_sec=0)
        logger = logging.getLogger("dbos")  # it holds the error stream of today, which may be another one next time
        for handler in [handler for handler in logger.handlers if handler.name == _CONSOLE]:
            logger.removeHandler(handler)
        _HAND.grade = None


def _dbos() -> type[DBOS]:
    try:
        from dbos import DBOS
    except ImportError as error:
        raise MissingExtra(
            "durable runs need the packages of the extra `batch`",
            remedy="pip install 'interview-evaluator[batch]'",
        ) from error
    return DBOS


def _registered(dbos: type[DBOS]) -> Callable[[str], Awaitable[None]]:
    """Return the workflow, made known to DBOS once a process."""
    if _HAND.registered is None:

        @dbos.step(name="grade_shard")
        async def step(shard: str) -> None:
            if _HAND.grade is None:
                raise asyncio.CancelledError
            await _HAND.grade(shard)

        @dbos.workflow(name="grade_shard", max_recovery_attempts=_RECOVERIES)
        async def workflow(shard: str) -> None:
            await step(shard)

        _HAND.registered = workflow
    return _HAND.registered
