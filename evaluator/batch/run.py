"""A durable run from its items to its results: what `evaluator batch` and `evaluate_many` do.

In: items, a spec, an output folder. Out: progress while it goes on, then one record for each item. The same call again,
after a crash or an interrupt or for good measure, goes on where it was: what has a result is not asked again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from evaluator.batch.allotment import Allotments, Purse
from evaluator.batch.database import Database
from evaluator.batch.durable import Durable, Seat
from evaluator.batch.folder import RunFolder
from evaluator.batch.progress import Counts, Progress
from evaluator.batch.records import FailedItem, GradedItem, Item
from evaluator.batch.results import ResultStore
from evaluator.batch.roll import Rhythm
from evaluator.batch.runs import Round, RunStore, Spec
from evaluator.batch.slots import room_for
from evaluator.batch.station import Place, Station
from evaluator.batch.worker import Tools, Worker
from evaluator.judging import Judge
from evaluator.rubric import Rubric
from evaluator.store.answers import AnswerFile, AnswerStore
from evaluator.values.transcript import Transcript

__all__ = ["BatchRun", "Work", "shards_in_hand"]

_SHARD: Final = 64
_AHEAD: Final = 4  # shards in hand beyond those that fill all slots, so that a shard's last items leave none empty
_PAUSES_S: Final = (5.0, 60.0)
_PASSING: Final = 1
_UNTOUCHED: Final = 2
_ALONE: Final = "local"
_LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a run is to do, and with what.

    Attributes:
        folder: Output folder.
        spec: How it grades.
        judge: Builds the judge, which keeps its answers in the store that is given, within the purse.
        concurrency: Most transcripts that are graded at once.
        answers: File of paid answers; ``None`` keeps them in the folder.
        database_url: A Postgres that other workers share; ``None`` works in the folder alone.
        base: What this machine's name begins with among those workers.
        sharers: Told how many workers there are, again and again, where there are several.
        spent: Returns what a budget that is kept here alone counts as spent; 0 where none is.
        pauses_s: Before each further round for what failed in a way that may pass; as many rounds as pauses.
        rhythm: How often these give signs of life.
    """

    folder: Path
    spec: Spec
    judge: Callable[[Spec, AnswerStore, Purse], Judge]
    concurrency: int
    answers: Path | None = None
    database_url: str | None = None
    base: str = "worker"
    sharers: Callable[[int], None] = lambda _: None
    spent: Callable[[], float] = lambda: 0.0
    pauses_s: tuple[float, ...] = _PAUSES_S
    rhythm: Rhythm = field(default_factory=Rhythm)


class BatchRun:
    """One run. Not safe to share between threads."""

    def __init__(self, work: Work) -> None:
        """Take the output folder and open its database; nothing is asked yet.

        Raises:
            OptionError: The folder can't be used, or another process works in it.
            DatabaseFailed: The database can't be used.
            MissingExtra: The extra `batch` isn't installed.
        """
        self._work = work
        self._folder = RunFolder(work.folder)
        try:
            self._database = Database(work.database_url or self._folder.database)
            self._runs = RunStore(self._database)
            self._results = ResultStore(self._database)
        except BaseException:
            self._folder.close()
            raise
        self._answers: AnswerFile | None = None
        self._worker: Worker | None = None
        self._station: Station | None = None
        self._round: Round | None = None
        self._retries = 0
        self._pause_ends: float | None = None

    @property
    def run(self) -> str:
        """Id of the run; the folder's, the same each time."""
        return self._folder.run

    @property
    def rubric(self) -> Rubric:
        """What is judged by."""
        return self._work.spec.rubric

    @property
    def concurrency(self) -> int:
        """Most transcripts that are graded at once."""
        return self._work.concurrency

    def plan(self, items: Iterable[Item]) -> Counts:
        """Set the items, and return what there is to do."""
        counts, attempt = self._runs.begin(self.run, self._work.spec, items)
        self._round = Round(self.run, self._work.spec.grading, attempt, 0)
        return counts

    def sample(self, size: int) -> list[Transcript]:
        """Return some of the transcripts that need a result, spread evenly."""
        return self._runs.sample(self.run, self._work.spec.grading, size)

    def answers(self) -> AnswerFile | None:
        """Return the file of paid answers; ``None`` where they are kept in a shared database."""
        if self._work.database_url is not None:
            return None
        if self._answers is None:
            self._answers = AnswerFile(self._work.answers or self._folder.answers)
        return self._answers

    def start(self, each_usd: float = 0.0) -> None:
        """Begin to grade, with what a former attempt left unfinished.

        Args:
            each_usd: What one transcript may cost at most, so that a budget holds even if a crash hides what calls in
                flight did cost.
        """
        work, folder = self._work, self._folder
        self._runs.risk(self.run, each_usd * room_for(work.concurrency))
        parts = Allotments(self._database) if work.database_url else None

        def purse(run: str) -> Purse:
            spent_usd = self._runs.spent_usd(run)
            return parts.purse(run, spent_usd) if parts else Purse(spent_usd)

        tools = Tools(
            runs=self._runs,
            results=self._results,
            answers=self.answers(),
            judge=lambda run, spec, store: work.judge(spec, store, purse(run)),
            concurrency=work.concurrency,
            closed=parts.give_back if parts else lambda: None,
        )
        shards = shards_in_hand(work.concurrency)
        if work.database_url is None:
            self._worker = Worker(Seat(folder.queue, _ALONE, shards), tools)
            self._worker.begin()
        else:
            self._station = Station(
                Place(url=work.database_url, base=work.base, shards=shards, sharers=work.sharers, rhythm=work.rhythm),
                self._database,
                tools,
            )
        self._requeue()
        self._begin_round(self._turn)

    def going_on(self, wait_s: float = _LOOK_S) -> bool:
        """Wait a little; return whether there is still something to be graded, or tried again after a pause.

        Raises:
            EvaluatorError: A database can't be used: what was kept is safe, and the rest can't go on.
        """
        time.sleep(wait_s)
        if self._worker is not None:
            self._worker.check()
        if self._station is not None:
            self._station.check()
        if self._runs.in_work(self.run):
            self._pause_ends = None
            return True
        if self._runs.stopped(self.run) is not None:
            return False
        untouched = replace(self._turn, number=self._turn.number + 1, again=_UNTOUCHED)
        if self._runs.still_open(untouched):  # let go of by a worker that left
            self._begin_round(untouched)
            return True
        passing = replace(untouched, again=_PASSING)
        if self._retries >= len(self._work.pauses_s) or not self._runs.still_open(passing):
            return False
        if self._pause_ends is None:
            self._pause_ends = time.monotonic() + self._work.pauses_s[self._retries]
        if time.monotonic() >= self._pause_ends:
            self._retries += 1
            self._begin_round(passing)
        return True

    def progress(self) -> Progress:
        """Return what this attempt has done so far."""
        return self._runs.progress(self.run, self._turn.attempt)

    def drain(self, reason: str) -> None:
        """Begin no item more; what is being graded is finished and kept."""
        self._runs.stop(self.run, reason)
        if self._worker is not None:
            self._worker.drain(reason)
        if self._station is not None:
            self._station.drain(reason)

    def stopped(self) -> str | None:
        """Return why the run was stopped; ``None`` if it wasn't."""
        return self._runs.stopped(self.run)

    def records(self, *, after: int = -1, settled: bool = False) -> Iterator[GradedItem | FailedItem]:
        """Yield a record for each item, in order.

        Args:
            after: Number of the item, from 0, behind which to begin.
            settled: End before the first item whose record may still change.
        """
        return self._results.records(self.run, self._work.spec.grading, after=after, settled=settled)

    def settle(self) -> None:
        """Say that no call is in flight any more: what was spent is known, or guessed where one broke off."""
        self._runs.risk(self.run, max(0.0, self._work.spent() - self.progress().cost_usd))

    def set_aside(self, files: Sequence[str]) -> Path | None:
        """Move outputs that were graded otherwise out of the way; return where to, if there were any."""
        return self._folder.set_aside(files, self._work.spec.grading)

    def close(self) -> None:
        """End at once; what isn't finished is graded when the same is run again."""
        if self._worker is not None:
            self._worker.close()
        if self._station is not None:
            self._station.close()
        if self._answers is not None:
            self._answers.close()
        self._database.close()
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _requeue(self) -> None:
        """Queue what a former attempt had made and not yet queued; let go of what its queue has given up."""
        queue = self._queue()
        left = self._runs.unfinished(self.run)
        ended = queue.ended(left)
        self._runs.let_go(sorted(ended))
        queue.enqueue([shard for shard in left if shard not in ended])

    def _begin_round(self, turn: Round) -> None:
        """Queue what needs a result."""
        self._round = turn
        self._queue().enqueue(self._runs.make_shards(turn, _SHARD))

    @property
    def _turn(self) -> Round:
        if self._round is None:
            raise RuntimeError("`plan` comes first")
        return self._round

    def _queue(self) -> Durable:
        if self._station is not None:
            return self._station.queue()
        if self._worker is None:
            raise RuntimeError("`start` comes first")
        return self._worker.queue


def shards_in_hand(concurrency: int) -> int:
    """Return how many shards a worker needs in hand so that all its slots stay filled."""
    return -(-2 * concurrency // _SHARD) + _AHEAD
