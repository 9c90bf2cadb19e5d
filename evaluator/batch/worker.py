"""One worker: takes shards from the queue, grades them on its own event loop, keeps what became of each item.

In: a seat, and what builds the judge of a run. Out: results in the database. A laptop runs one; many machines run one
each on the same Postgres.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

from evaluator.batch.durable import Durable, Seat
from evaluator.batch.grading import Grading
from evaluator.batch.loop import LoopThread
from evaluator.batch.results import Claim, ClaimLost, ResultStore
from evaluator.batch.runs import RunStore, Spec
from evaluator.batch.scribe import Scribe
from evaluator.errors import EvaluatorError
from evaluator.judging import Judge
from evaluator.store.answers import AnswerFile, AnswerStore

__all__ = ["Tools", "Worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a worker works with.

    Attributes:
        runs: The runs.
        results: Their results, in the same database.
        answers: Where paid answers are kept; ``None`` keeps them in that database.
        judge: Builds the judge of a run, which keeps its answers in the store that is given.
        concurrency: Most transcripts that are graded at once.
    """

    runs: RunStore
    results: ResultStore
    answers: AnswerFile | None
    judge: Callable[[str, Spec, AnswerStore], Judge]
    concurrency: int


class Worker:
    """Grades shards until it is closed."""

    def __init__(self, seat: Seat, tools: Tools) -> None:
        """Prepare; nothing is graded before `begin`.

        Raises:
            MissingExtra: The extra `batch` isn't installed.
        """
        self._seat = seat
        self._tools = tools
        self._loop = LoopThread()
        self._scribe = Scribe(tools.results, tools.answers)
        self._slots = asyncio.Semaphore(tools.concurrency)
        self._gradings: dict[str, asyncio.Task[Grading]] = {}
        self._draining: str | None = None
        self._leaving = False
        self._failure: Exception | None = None
        self._in_hand = 0
        self._idle = threading.Event()
        self._idle.set()
        self.queue = Durable(seat, self._graded)

    @property
    def name(self) -> str:
        """As its seat says."""
        return self._seat.worker

    def begin(self) -> None:
        """Take up shards from now on."""
        self.queue.launch()

    def drain(self, reason: str, *, leave: bool = False) -> None:
        """Begin no item more; those that are being graded are finished and kept.

        Args:
            reason: Why.
            leave: Leave shards in hand for other workers, rather than to let go of what is open of them.
        """
        self._draining = self._draining or reason
        self._leaving = leave
        self._loop.call(self._halt_all)

    def check(self) -> None:
        """Raise what kept a shard from being graded or its end from being kept, if anything did.

        Raises:
            EvaluatorError: The database can't be used.
        """
        if self._failure is not None:
            raise self._failure

    def idle(self, wait_s: float) -> bool:
        """Return whether no shard is in hand, having waited so long for it."""
        return self._idle.wait(wait_s)

    def close(self) -> None:
        """End at once; what isn't finished is taken up by another life of this worker."""
        self.queue.close()
        self._loop.close()
        self._scribe.close()

    async def _graded(self, shard: str) -> None:
        """Grade a shard on this worker's own loop; called on the queue's."""
        await asyncio.wrap_future(self._loop.submit(self._grade(shard)))

    async def _grade(self, shard: str) -> None:
        self._in_hand += 1
        self._idle.clear()
        try:
            claim = await asyncio.to_thread(self._tools.results.claim, shard, self.name)
            if claim.open:
                await self._grade_open(claim)
            if not self._leaving:
                await asyncio.to_thread(self._tools.results.release, claim)
        except Exception as error:
            self._failure = self._failure or error  # nobody would finish this shard, and nobody must wait for it
            raise
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()
        if self._leaving:
            await asyncio.Event().wait()  # the queue must see it unfinished until this worker is gone

    async def _grade_open(self, claim: Claim) -> None:
        runs = self._tools.runs
        if self._draining is not None or await asyncio.to_thread(runs.stopped, claim.run) is not None:
            return
        try:
            grading = await self._grading(claim)
        except EvaluatorError as error:
            await asyncio.to_thread(runs.stop, claim.run, str(error))
            return
        if self._draining is not None:  # it was asked for while the judge was built
            grading.halt(self._draining)
        try:
            await grading.grade(claim)
        except* ClaimLost:
            pass  # whoever took the shard grades the rest of it
        if grading.halted is not None and self._draining is None:
            await asyncio.to_thread(runs.stop, claim.run, grading.halted)

    async def _grading(self, claim: Claim) -> Grading:
        """Return how a run is graded; made once, and again when the run begins anew."""
        key = f"{claim.run} {claim.attempt} {claim.grading}"
        if key not in self._gradings:
            self._gradings[key] = asyncio.ensure_future(asyncio.to_thread(self._make_grading, claim.run))
        return await self._gradings[key]

    def _make_grading(self, run: str) -> Grading:
        spec = self._tools.runs.spec(run)
        judge = self._tools.judge(run, spec, self._scribe)
        return Grading(spec.rubric, judge, self._scribe.keep, self._slots)

    def _halt_all(self) -> None:
        for making in self._gradings.values():
            if making.done() and not making.cancelled() and making.exception() is None:
                making.result().halt(self._draining or "")
