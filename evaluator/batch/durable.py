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
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evaluator.batch.database_address import checked_url, file_url
from evaluator.batch.database_failures import DatabaseFailed, translated
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
_CONNECTIONS: Final = 8  # of the queue's own; with those of the results a worker has sixteen at most
_ENDED: Final = frozenset({"SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a worker stands.

    Attributes:
        place: File of the queue, or address of a Postgres that workers share.
        worker: Name of the worker. Alone, it is the same after a restart, so that it finds its own work again; among
            others, each life has a name of its own, so that what an earlier one left is known as such.
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
        """Begin to work, with what a former life under the same name left unfinished.

        Raises:
            DatabaseFailed: The queue can't be opened or made; it may be tried again.
        """
        place = self._seat.place
        if isinstance(place, Path):
            with translated(place):
                with contextlib.closing(sqlite3.connect(place)) as connection:
                    connection.execute("PRAGMA journal_mode=WAL")  # three times the steps a second; it stays so
                place.chmod(0o600)
                self._launch(file_url(place))
            return
        try:
            with _told():
                self._launch(checked_url(place))
        except DatabaseFailed:
            self._dbos.destroy(workflow_completion_timeout_sec=0)
            raise

    def _launch(self, url: str) -> None:
        from dbos import DBOSPortableJSONSerializer

        self._dbos(
            config={
                "name": _NAME,
                "system_database_url": url,
                "sys_db_pool_size": _CONNECTIONS,
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

    def in_hands(self) -> dict[str, str]:
        """Return which shards the workers have in hand, and under which name each.

        Raises:
            DatabaseFailed: The queue can't be read.
        """
        with _told():
            found = self._dbos.list_workflows(status="PENDING", queue_name=_QUEUE, load_input=False, load_output=False)
        return {status.workflow_id: status.executor_id or "" for status in found}

    def take_back(self, shards: Sequence[str]) -> None:
        """Queue again what somebody has in hand who can't finish it; a result that comes from there is dropped.

        Raises:
            DatabaseFailed: The queue can't be written.
        """
        with _told():
            for shard in shards:
                self._dbos.resume_workflow(shard, queue_name=_QUEUE)

    def forget(self, prefix: str, ended_before: datetime, most: int = 500) -> int:
        """Forget some shards that ended before a time, and whose ids begin so; return how many these were.

        Raises:
            DatabaseFailed: The queue can't be written.
        """
        with _told():
            found = self._dbos.list_workflows(
                workflow_id_prefix=prefix,
                status=sorted(_ENDED),
                completed_before=ended_before.isoformat(),
                limit=most,
                load_input=False,
                load_output=False,
            )
            if found:
                self._dbos.delete_workflows([status.workflow_id for status in found])
        return len(found)

    def close(self) -> None:
        """Take up nothing more and forget what is in hand; another life of this worker goes on with it."""
        self._dbos.destroy(workflow_completion_timeout_sec=0)
        logger = logging.getLogger("dbos")  # it holds the error stream of today, which may be another one next time
        for handler in [handler for handler in logger.handlers if handler.name == _CONSOLE]:
            logger.removeHandler(handler)
        _HAND.grade = None


@contextlib.contextmanager
def _told() -> Generator[None]:
    """Turn whatever DBOS raises of a Postgres into one error of ours, which repeats nothing: it may hold a value."""
    try:
        yield
    except Exception as error:
        raise DatabaseFailed(
            f"the queue can't be used: {type(getattr(error, 'orig', None) or error).__name__}",
            where="database_url",
            remedy="check that the server runs, and that this user may make a schema in the database",
        ) from error


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
