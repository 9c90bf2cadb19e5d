"""Stores, items and judges for the tests of durable runs; every evaluation comes from the real pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from evaluator.batch.allotment import Purse
from evaluator.batch.database import Database
from evaluator.batch.progress import Counts
from evaluator.batch.records import FailedItem, GradedItem, Item, Problem
from evaluator.batch.results import Claim, Result, ResultStore
from evaluator.batch.run import BatchRun, Work
from evaluator.batch.runs import Round, RunStore, Spec
from evaluator.batch.spec import make_spec
from evaluator.judges.cached import Cached
from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.store.answers import AnswerStore
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import JudgeInfo
from evaluator.values.usage import Usage
from tests.fakes import make_evaluation, make_rubric, make_transcript, opinion

__all__ = [
    "SPEC",
    "Counting",
    "Stores",
    "drive",
    "evaluation_of",
    "item",
    "items",
    "make_work",
    "open_run",
    "problem",
    "result",
    "run_to_end",
    "unreadable",
]

_RUBRIC: Final = make_rubric()
SPEC: Final = Spec(_RUBRIC, {"backend": "fake", "attempts": 5}, "grading-1")
_ASKED: Final = ("vanity", "no_goal", "no_guardrail", "vague", "rambling")
_SAID: Final = tuple(opinion(key, "absent", confidence=0.9) for key in _ASKED)


def item(name: str, words: str | None = None, **columns: str) -> Item:
    """Return a readable item; its words are its name's if none are given."""
    return Item(name, make_transcript(words or f"I would track the clicks of {name}."), columns=columns)


def items(count: int) -> list[Item]:
    """Return so many different items."""
    return [item(f"item {number}") for number in range(count)]


def unreadable(name: str) -> Item:
    """Return an item that is no transcript."""
    return Item(name, None, Problem("transcript", "It holds no words (export it)."))


def evaluation_of(words: str = "I would track clicks.") -> Evaluation:
    """Return what the pipeline makes of some words."""
    return make_evaluation(make_transcript(words), *_SAID, rubric=_RUBRIC)


def problem(*, again: bool = True) -> Problem:
    """Return why an item was not graded."""
    return Problem("judge_unavailable" if again else "judge_refused", "The judge did not answer.", again=again)


def result(claim: Claim, key: str, outcome: Evaluation | Problem | None = None, *, cost_usd: float = 0.0) -> Result:
    """Return what became of a transcript: graded if nothing else is said."""
    told = outcome or evaluation_of()
    spent = Usage(requests=1, input_tokens=10, output_tokens=1, cost_usd=cost_usd)
    if isinstance(told, Problem):
        return Result(claim, key, None, told, spent)
    return Result(claim, key, told, None, spent)


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one database, with one run in it."""

    database: Database
    runs: RunStore
    results: ResultStore

    @classmethod
    def at(cls, path: Path) -> Stores:
        """Open or make them."""
        database = Database(path)
        return cls(database, RunStore(database), ResultStore(database))

    def begin(self, *of: Item, spec: Spec = SPEC, run: str = "run") -> tuple[Counts, Round]:
        """Set the items; return what there is to do, and the first turn."""
        counts, attempt = self.runs.begin(run, spec, of)
        return counts, Round(run, spec.grading, attempt, 0)

    def claims(self, turn: Round, size: int = 64, owner: str = "me") -> list[Claim]:
        """Divide what is open and take all of it."""
        return [self.results.claim(shard, owner) for shard in self.runs.make_shards(turn, size)]

    def told(self, *, settled: bool = False, spec: Spec = SPEC, run: str = "run") -> list[GradedItem | FailedItem]:
        """Return the records."""
        return list(self.results.records(run, spec.grading, settled=settled))


class Counting:
    """A judge that remembers which criteria of which words it was asked about, and may fail by words."""

    def __init__(
        self,
        error: Callable[[str], Exception | None] = lambda _: None,
        *,
        latency_s: float = 0.0,
        model: str = "m",
    ) -> None:
        """Hold what to raise for which words, and how long to take."""
        self.asked: list[tuple[str, str]] = []
        self.cases: list[str] = []
        self.in_flight = self.most = 0
        self._error = error
        self._latency_s = latency_s
        self._model = model

    @property
    def languages(self) -> frozenset[str] | None:
        """Any."""
        return None

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return who this is."""
        del rubric
        return JudgeInfo(backend="counting", method="chat", model=self._model, prompt_sha256="p")

    async def judge(self, case: Case) -> Judgement:
        """Find every failure absent, or fail."""
        words = case.transcript.turns[-1].text
        self.cases.append(words)
        self.asked += [(words, criterion.id) for criterion in case.criteria]
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self._latency_s)
        finally:
            self.in_flight -= 1
        if (error := self._error(words)) is not None:
            raise error
        wanted = {criterion.id for criterion in case.criteria}
        given = tuple(replace(one, confidence=0.9) for one in _SAID if one.criterion in wanted)
        return Judgement(given, usage=Usage(requests=1, input_tokens=10, output_tokens=1, cost_usd=0.01))


def make_work(
    folder: Path,
    judge: Judge,
    *,
    rubric: Rubric = _RUBRIC,
    concurrency: int = 8,
    pauses_s: tuple[float, ...] = (0.0, 0.0),
) -> Work:
    """Return a run's work with a judge whose answers are kept."""

    def build(spec: Spec, store: AnswerStore, purse: Purse) -> Judge:
        del spec, purse
        return Cached(judge, store)

    spec = make_spec(rubric, judge, {})
    return Work(folder=folder, spec=spec, judge=build, concurrency=concurrency, pauses_s=pauses_s)


@contextmanager
def open_run(work: Work) -> Generator[BatchRun]:
    """Yield a run and close it."""
    with BatchRun(work) as run:
        yield run


def drive(run: BatchRun, *, until: Callable[[], bool] = lambda: False) -> None:
    """Let a run that was planned go on to its end, or until something holds."""
    run.start()
    while run.going_on(0.02):
        if until():
            return


def run_to_end(work: Work, of: Sequence[Item]) -> tuple[Counts, list[GradedItem | FailedItem], str | None]:
    """Run some items to the end; return what there was to do, the records, and why it stopped, if it did."""
    with BatchRun(work) as run:
        counts = run.plan(of)
        if counts.open:
            drive(run)
        return counts, list(run.records()), run.stopped()
