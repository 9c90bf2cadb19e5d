"""One worker: takes shards from the queue, grades them on its own event loop, keeps what became of each item.

In: a seat, and what builds the judge of a run. Out: results in the database. A laptop runs one; many machines run one
each on the same Postgres.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from evaluator.batch.durable import Durable, Seat
from evaluator.batch.grading import Grading
from evaluator.batch.loop import LoopThread
from evaluator.batch.results import Claim, ClaimLost, ResultStore, ShardGone
from evaluator.batch.runs import RunStore, Spec
from evaluator.batch.scribe import Scribe
from evaluator.batch.slots import Slots
from evaluator.errors import EvaluatorError
from evaluator.judging import Judge
from evaluator.store.answers import AnswerFile, AnswerStore

__all__ = ["Tools", "Unfit", "Worker"]

_MOST_GRADINGS: Final = 64
_REFUSING_S: Final = 5.0  # a shard that is let go of comes again in another one: meanwhile others may take that


class Unfit(EvaluatorError):
    """This worker can't grade a run as the run asks for; another one may, so that it lets go of the run's shards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a worker works with.

    Attributes:
        runs: The runs.
        results: Their results, in the same database.
        answers: Where paid answers are kept; ``None`` keeps them in that database.
        judge: Builds the judge of a run, which keeps its answers in the store that is given; raises `Unfit` if this
            machine can't, and any other error of ours if no machine could.
        concurrency: Most transcripts that are judged at once.
        closed: Called when a worker has ended, and nothing of its is in flight.
    """

    runs: RunStore
    results: ResultStore
    answers: AnswerFile | None
    judge: Callable[[str, Spec, AnswerStore], Judge]
    concurrency: int
    closed: Callable[[], None] = lambda: None


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
        self._slots = Slots(tools.concurrency)
        self._gradings: dict[str, asyncio.Task[Grading]] = {}
        self._draining: str | None = None
        self._leaving = False
        self._failure: EvaluatorError | None = None
        self._in_hand = 0
        self._held = Counter[str]()  # twice, if it came back while it was taken for dead and didn't know
        self._refused = set[str]()
        self._claims: dict[tuple[str, int], Claim] = {}
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
        self._loop.call(partial(self._halt, reason))

    def idle(self, wait_s: float) -> bool:
        """Return whether no shard is in hand, having waited so long for it."""
        return self._idle.wait(wait_s)

    def check(self) -> None:
        """Raise what made this worker unable to go on, if anything did.

        Raises:
            EvaluatorError: The database stayed away.
        """
        if self._failure is not None:
            raise self._failure

    def refusals(self) -> list[str]:
        """Return why this worker lets go of runs without grading them."""
        return sorted(self._refused)

    def holds(self, shard: str) -> bool:
        """Return whether a shard is in hand here, or kept for another life of this worker."""
        return self._held[shard] > 0

    def heed(self) -> None:
        """Begin nothing more of runs that were stopped, here or by another worker.

        Raises:
            DatabaseFailed: It can't be read.
        """
        for run in {claim.run for claim in list(self._claims.values())}:
            reason = self._tools.runs.stopped(run)
            if reason is not None:
                self._loop.call(partial(self._halt, reason, run))

    def close(self) -> None:
        """End at once; what isn't finished is taken up by another life of this worker."""
        self.drain("this worker was closed", leave=True)  # or a slot that one shard frees goes to the next one's item
        self.queue.close()
        self._loop.close()
        self._scribe.close()
        self._tools.closed()

    async def _graded(self, shard: str) -> None:
        """Grade a shard on this worker's own loop; called on the queue's."""
        await asyncio.wrap_future(self._loop.submit(self._grade(shard)))

    async def _grade(self, shard: str) -> None:
        self._in_hand += 1
        self._held[shard] += 1
        self._idle.clear()
        try:
            finished = await self._grade_claimed(shard)
        except EvaluatorError as error:
            self._failure = self._failure or error
            finished = False
        except Exception as error:  # noqa: BLE001 - whatever it is, the queue mustn't take the shard for graded
            self._failure = self._failure or EvaluatorError(f"the program failed: {type(error).__name__}", where=shard)
            finished = False
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()
        if not finished:
            await asyncio.Event().wait()  # the queue must see it unfinished until this worker is gone
        self._held[shard] -= 1

    async def _grade_claimed(self, shard: str) -> bool:
        """Grade what is open of a shard; return whether it is finished, as opposed to left to somebody else.

        Raises:
            EvaluatorError: This worker can't go on.
        """
        tools = self._tools
        try:
            claim = await asyncio.to_thread(tools.results.claim, shard, self.name)
        except ShardGone:
            return True
        self._claims[shard, claim.epoch] = claim
        try:
            fit = not claim.open or await self._grade_open(claim)
        finally:
            del self._claims[shard, claim.epoch]
        if self._leaving and await asyncio.to_thread(tools.runs.stopped, claim.run) is None:
            return False
        await asyncio.to_thread(tools.results.release, claim)
        if not fit:
            await asyncio.sleep(_REFUSING_S)
        return True

    async def _grade_open(self, claim: Claim) -> bool:
        """Grade what is open of a shard, as far as it goes; return whether this worker is fit to."""
        runs = self._tools.runs
        if self._draining is not None or await asyncio.to_thread(runs.stopped, claim.run) is not None:
            return True
        try:
            grading = await self._grading(claim)
        except Unfit as error:
            self._refused.add(str(error))
            return False
        except EvaluatorError as error:
            await asyncio.to_thread(runs.stop, claim.run, str(error))
            return True
        if self._draining is not None:  # it was asked for while the judge was built
            grading.halt(self._draining)
        try:
            await grading.grade(claim)
        except* ClaimLost:
            pass  # whoever took the shard grades the rest of it
        if grading.unkept is not None:
            raise grading.unkept
        if grading.halted is not None and self._draining is None:
            await asyncio.to_thread(runs.stop, claim.run, grading.halted)
        return True

    async def _grading(self, claim: Claim) -> Grading:
        """Return how a run is graded; made once, and again when the run begins anew or was long over."""
        key = _key(claim)
        if key not in self._gradings:
            self._forget()
            self._gradings[key] = asyncio.ensure_future(asyncio.to_thread(self._make_grading, claim.run))
        return await self._gradings[key]

    def _forget(self) -> None:
        """Forget how runs are graded of which nothing is in hand, if there are many: a service goes on for months."""
        if len(self._gradings) >= _MOST_GRADINGS:
            wanted = set(map(_key, self._claims.values()))
            self._gradings = {key: making for key, making in self._gradings.items() if key in wanted}

    def _make_grading(self, run: str) -> Grading:
        spec = self._tools.runs.spec(run)
        judge = self._tools.judge(run, spec, self._scribe)
        return Grading(spec.rubric, judge, self._scribe.keep, self._slots)

    def _halt(self, reason: str, run: str = "") -> None:
        """Begin nothing more of a run, or of any."""
        for key, making in self._gradings.items():
            ready = making.done() and not making.cancelled() and making.exception() is None
            if ready and key.startswith(f"{run} " if run else ""):
                making.result().halt(reason)


def _key(claim: Claim) -> str:
    return f"{claim.run} {claim.attempt} {claim.grading}"  # `_halt` knows the run by the beginning
