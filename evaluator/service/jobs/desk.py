"""The worker inside a service: takes up the lanes' shards as `evaluator work` does, alone or among others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from evaluator.backends.sharing import Sharing
from evaluator.batch.allotment import Allotments
from evaluator.batch.database import Database
from evaluator.batch.durable import Durable, Seat
from evaluator.batch.results import ResultStore
from evaluator.batch.run import shards_in_hand
from evaluator.batch.runs import RunStore, Spec
from evaluator.batch.station import Place, Station
from evaluator.batch.worker import Tools, Worker
from evaluator.judging import Judge
from evaluator.service.jobs.lanes import LANE
from evaluator.store.answers import AnswerStore

__all__ = ["Desk", "DeskPlan"]

_ALONE: Final = "service"
_REMEMBERED_S: Final = 3600.0
_TIDY_S: Final = 60.0  # between two looks, if the last one found nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """What a desk works with.

    Attributes:
        database: Where the lanes are.
        url: Its address, if it is a Postgres that others share.
        queue: File of the queue, if it isn't.
        name: What this worker is called among others.
        concurrency: Most transcripts that are graded at once.
        sharing: What this machine's judges share.
        judge: Builds the judge of a run, as `JudgeRoom.of_run` does.
    """

    database: Database
    url: str | None
    queue: Path
    name: str
    concurrency: int
    sharing: Sharing
    judge: Callable[[RunStore, Allotments | None, str, Spec, AnswerStore], Judge]


class Desk:
    """One worker of lanes."""

    def __init__(self, plan: DeskPlan, *, remembered_s: float = _REMEMBERED_S) -> None:
        """Begin to work, with what a former life left.

        Args:
            plan: What it works with.
            remembered_s: How long the queue remembers a shard that ended.

        Raises:
            EvaluatorError: The database or the queue can't be used.
        """
        self._remembered_s = remembered_s
        self._tidy_s = 0.0
        runs = RunStore(plan.database)
        parts = Allotments(plan.database) if plan.url else None
        tools = Tools(
            runs=runs,
            results=ResultStore(plan.database),
            answers=None,
            judge=lambda run, spec, store: plan.judge(runs, parts, run, spec, store),
            concurrency=plan.concurrency,
            closed=parts.give_back if parts else lambda: None,
        )
        shards = shards_in_hand(plan.concurrency) * 4  # a lane's shards often hold one item
        self._hand: Worker | Station
        if plan.url is None:
            self._hand = Worker(Seat(plan.queue, _ALONE, shards), tools)
            self._hand.begin()
        else:
            place = Place(url=plan.url, base=plan.name, shards=shards, sharers=plan.sharing.share)
            self._hand = Station(place, plan.database, tools)

    def enqueue(self, shards: Sequence[str]) -> None:
        """Queue shards; one that was queued before stays as it is.

        Raises:
            DatabaseFailed: The queue can't be written.
        """
        self._queue.enqueue(shards)

    def check(self) -> None:
        """Raise what made this worker unable to go on, if anything did.

        Raises:
            EvaluatorError: The database stayed away.
        """
        self._hand.check()

    def tidy(self) -> None:
        """Forget, now and then, what the queue remembers of lanes' shards that ended long ago.

        Raises:
            DatabaseFailed: The queue can't be written.
        """
        if time.monotonic() < self._tidy_s or (isinstance(self._hand, Station) and not self._hand.begun):
            return
        before = datetime.now(UTC) - timedelta(seconds=self._remembered_s)
        if not self._queue.forget(LANE, before):
            self._tidy_s = time.monotonic() + _TIDY_S

    def drain(self) -> None:
        """Begin nothing more; what is in work goes on."""
        reason = "the service stops"
        if isinstance(self._hand, Worker):
            self._hand.drain(reason, leave=True)
        else:
            self._hand.drain(reason)

    def close(self, drain_s: float) -> None:
        """Begin nothing more, let what is in work end, for so long at most, and leave the rest for the next life."""
        self.drain()
        self._hand.idle(drain_s)
        self._hand.close()

    @property
    def _queue(self) -> Durable:
        return self._hand.queue if isinstance(self._hand, Worker) else self._hand.queue()
