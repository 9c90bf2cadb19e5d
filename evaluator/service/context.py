"""`Service`: what the routes work with, opened and closed with the process; at ``request.app.state.service``."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, cast

from fastapi import Request

from evaluator.batch.database import Database, Transaction
from evaluator.batch.loop import LoopThread
from evaluator.errors import EvaluatorError
from evaluator.pipeline import aevaluate
from evaluator.service.batches.following import Followers
from evaluator.service.batches.reading import forget_incoming
from evaluator.service.batches.store import BatchStore, Ended
from evaluator.service.config import ServiceConfig
from evaluator.service.costs import Purser
from evaluator.service.evaluations.grading import Room
from evaluator.service.evaluations.store import EvaluationStore
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.replays import Idempotency
from evaluator.service.jobs.desk import Desk, DeskPlan
from evaluator.service.jobs.foreman import Foreman
from evaluator.service.jobs.job import Settled
from evaluator.service.jobs.lanes import LaneStore
from evaluator.service.judges import JudgeRoom
from evaluator.service.page.sessions import SessionStore
from evaluator.service.privacy.retention import Retention
from evaluator.service.reviews.store import ReviewStore
from evaluator.service.rubrics.store import RubricShelf
from evaluator.service.tables import create_service_tables
from evaluator.service.telemetry.metrics import Metrics
from evaluator.service.tenants.tenancy import Tenancy
from evaluator.service.tenure import Tenure
from evaluator.service.webhooks.announcing import Announcer
from evaluator.service.webhooks.parts import Webhooks, open_webhooks
from evaluator.transcripts import parse_transcript

__all__ = ["Service", "service_of"]

_WARMING: Final = "Candidate: I would measure how many members come back each week, because a habit keeps them."
_QUEUE: Final = "queue.sqlite"
_DAY_S: Final = 86_400.0
_REQUESTS_SHARE: Final = 0.5  # of the time to stop in; jobs have all of it
_LEAST_S: Final = 0.5


class Service:
    """The parts of one service process."""

    def __init__(
        self, config: ServiceConfig, *, clock: Callable[[], float] = time.time, metrics: Metrics | None = None
    ) -> None:
        """Open the database and build the parts; nothing works before `start`.

        Args:
            config: How it runs.
            clock: Seconds since 1970.
            metrics: What counts; figures of its own if not given.

        Raises:
            OptionError: The data folder or the address of the database can't be used.
            DatabaseFailed: The database can't be used.
        """
        self.config = config
        self.clock = clock
        self.metrics = metrics or Metrics((), config.judges)
        self.judges = JudgeRoom(config.settings, config.judges)
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database = Database(config.database, erases=True)
        create_service_tables(self.database)
        self.webhooks: Webhooks = open_webhooks(self.database, config, clock)
        self._announcer = Announcer(self.webhooks.outbox)
        self.evaluations = EvaluationStore(self.database)
        self.batches = BatchStore(self.database, clock=clock, announce=self._batches_ended, deleted=self._batch_deleted)
        self.retention = Retention(self.database, clock)
        self.rubrics = RubricShelf(self.database)
        self.reviews = ReviewStore(self.database)
        self.sessions = SessionStore(self.database, clock)
        self.lanes = LaneStore(self.database, clock=clock, announce=self._jobs_ended)
        self.tenancy = Tenancy.over(self.database, clock, longest_s=config.deadline_s)
        self.door = self.tenancy.door
        self.claims = ClaimStore(self.database, clock)
        self.idempotency = Idempotency(self.claims)
        self.purser = Purser(self.judges, self.tenancy.budgets)
        self.loop = LoopThread()
        self.room = Room(config.in_flight)
        self.measuring = Room(1, remedy="come again")
        self.followers = Followers()
        self.draining = asyncio.Event()
        self.giving_up = asyncio.Event()
        self._stops_s: float | None = None
        self._tenure: Tenure | None = None
        self._desk: Desk | None = None
        self._foreman: Foreman | None = None

    def start(self) -> None:
        """Begin to work on jobs, with what a former life left.

        Raises:
            OptionError: Another service works in the data folder.
            EvaluatorError: The queue can't be used.
        """
        if not self.database.shared:
            self._tenure = Tenure(self.config.data)
            self.claims.free()
            forget_incoming(self.config.data, 0.0)
        plan = DeskPlan(
            database=self.database,
            url=self.config.database_url,
            queue=self.config.data / _QUEUE,
            name=_machine(),
            concurrency=self.judges.hands(),
            sharing=self.judges.sharing,
            judge=self.judges.of_run,
        )
        self._desk = Desk(plan)
        incoming = partial(forget_incoming, self.config.data)
        chores = [self.batches.end, self.retention.tend, self.idempotency.purge, incoming, self._desk.tidy]
        self._foreman = Foreman(self.lanes, self._desk, settled=self._settled, chores=chores)
        self.webhooks.courier.start()
        self._warm()

    def _warm(self) -> None:
        """Let a judge of this machine load its model now, rather than with the first who asks."""
        name = self.judges.known(None)
        if self.judges.hosted(name):
            return
        with suppress(EvaluatorError):  # whoever asks first is told
            judge = self.judges.judge(name)
            self.loop.submit(aevaluate(parse_transcript(_WARMING), judge=judge))

    def expires_s(self) -> float:
        """Return when what is stored now is deleted, seconds since 1970."""
        return self.clock() + self.config.retention_days * _DAY_S

    def nudge(self) -> None:
        """Say that there is a new job."""
        if self._foreman is not None:
            self._foreman.nudge()

    def fault(self) -> str | None:
        """Return why jobs don't move, if they don't."""
        if self._foreman is None:
            return "the jobs haven't begun"
        failure: EvaluatorError | None = self._foreman.failure
        return None if failure is None else failure.message

    def _settled(self, settled: Sequence[Settled]) -> None:
        """Count what was judged."""
        for job in settled:
            self.tenancy.usage.add(job.tenant, "evaluations")
            if job.evaluation is None:
                self.metrics.failed(job.judge, job.rubric)
            else:
                self.metrics.evaluated(job.judge, job.rubric, job.evaluation)

    def _jobs_ended(self, transaction: Transaction, settled: Sequence[Settled]) -> None:
        """Tell of jobs and count what they cost, in the transaction that settles them: no crash comes between."""
        self._announcer.evaluations(transaction, settled)
        for job in sorted(settled, key=lambda job: job.tenant):
            if job.batch is None:
                self.purser.settle_named(transaction, job.tenant, job.judge, job.id, job.cost_usd)

    def _batches_ended(self, transaction: Transaction, ended: Sequence[Ended]) -> None:
        """Do so for batches, whose items aren't told or counted one by one."""
        self._announcer.batches(transaction, ended)
        for one in sorted(ended, key=lambda one: one.tenant):
            self.purser.settle_named(transaction, one.tenant, one.judge, one.id, one.counts.cost_usd)

    def _batch_deleted(self, transaction: Transaction, gone: Ended) -> None:
        self.purser.close_named(transaction, gone.tenant, gone.judge, gone.id, gone.counts.cost_usd)

    def drain(self) -> float:
        """Begin no job more and end streams, on the event loop; return for how long requests may go on, seconds.

        Then `giving_up` is to be set, so that requests which still wait are told so.
        """
        self._stops_s = time.monotonic() + self.config.drain_s
        self.draining.set()
        if self._desk is not None:
            self._desk.drain()
        return self.config.drain_s * _REQUESTS_SHARE

    def close(self) -> None:
        """Let what is in work end, keep the rest for the next life, and close everything."""
        self.webhooks.courier.end()
        left_s = self.config.drain_s if self._stops_s is None else self._stops_s - time.monotonic()
        if self._desk is not None:
            self._desk.close(max(_LEAST_S, left_s))
        if self._foreman is not None:
            self._foreman.close()
        self.webhooks.courier.close()
        self.loop.close()
        self.tenancy.usage.flush()
        self.database.close()
        if self._tenure is not None:
            self._tenure.end()


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    return cast("Service", request.app.state.service)


def _machine() -> str:
    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[:60] or "service"
