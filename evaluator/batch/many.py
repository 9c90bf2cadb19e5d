"""Many transcripts from Python: `evaluate_many`, which survives crashes, and `evaluate_each`, which needs nothing.

Both yield one record for each transcript, in order; a transcript that failed is a record too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from evaluator.batch.grading import judge_one
from evaluator.batch.loop import LoopThread
from evaluator.batch.records import FailedItem, GradedItem, Item, Problem
from evaluator.batch.run import BatchRun, Work
from evaluator.batch.spec import make_spec
from evaluator.errors import JudgeMisuse
from evaluator.judges.building import JudgePlan, build_judge
from evaluator.judging import Judge
from evaluator.rubric import Rubric, load_rubric
from evaluator.store.answers import AnswerStore
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript

__all__ = ["evaluate_each", "evaluate_many"]

_Judging: TypeAlias = Judge | JudgePlan | str
_AT_ONCE: Final = 32
_CHUNK: Final = 500
_LOOK_S: Final = 0.1


async def evaluate_many(
    transcripts: Iterable[Transcript | Item],
    rubric: Rubric | Path | str = "netflix_pm_metrics",
    judge: _Judging = "local",
    *,
    folder: Path | str,
    concurrency: int = _AT_ONCE,
) -> AsyncIterator[GradedItem | FailedItem]:
    """Grade many transcripts durably, as `evaluator batch` does; needs the extra ``batch``.

    Called again with the same folder, after a crash or an edit of the rubric, it goes on: what has a result isn't
    graded again, and what was answered isn't paid for again.

    Args:
        transcripts: In order; read once, before the first is graded. A bare transcript is named by its number, from 0.
        rubric: A rubric, or the id or path of one.
        judge: A plan, or the name of a backend, whose answers are kept as they come; or a judge, whose results alone
            are kept.
        folder: State of the run.
        concurrency: Most transcripts that are graded at once.

    Yields:
        A record for each transcript, in order, as soon as it and all before it are there.

    Raises:
        OptionError: The folder can't be used, or another process works in it.
        RubricError: The rubric can't be loaded.
        MissingExtra: A package isn't installed.
        JudgeError: The run was stopped: no transcript would be answered. What was graded before the first gap has been
            yielded.
    """
    rubric = rubric if isinstance(rubric, Rubric) else load_rubric(rubric)
    work = Work(
        folder=Path(folder),
        spec=make_spec(rubric, _built(judge), {}),
        judge=lambda _, store, __: _built(judge, store),
        concurrency=concurrency,
    )
    with closing(await asyncio.to_thread(BatchRun, work)) as run:
        counts = await asyncio.to_thread(run.plan, _items(transcripts))
        if counts.open:
            await asyncio.to_thread(run.start)
        going, told, stopped = counts.open > 0, 0, None
        while True:
            settled = going or stopped is not None
            ready = await asyncio.to_thread(_some, run.records(after=told - 1, settled=settled))
            for record in ready:
                yield record
            told += len(ready)
            if not ready and not going:
                break
            if going:
                going = await asyncio.to_thread(run.going_on, _LOOK_S)
                stopped = None if going else await asyncio.to_thread(run.stopped)
        if stopped is not None:
            raise JudgeMisuse(stopped)


def _some(records: Iterator[GradedItem | FailedItem]) -> list[GradedItem | FailedItem]:
    """Return the next few: as many as may stand in memory."""
    return list(islice(records, _CHUNK))


def evaluate_each(
    transcripts: Iterable[Transcript | Item],
    rubric: Rubric | Path | str = "netflix_pm_metrics",
    judge: _Judging = "local",
    *,
    concurrency: int = _AT_ONCE,
) -> Iterator[GradedItem | FailedItem]:
    """Grade a handful of transcripts, several at once; nothing is kept.

    Args:
        transcripts: In order; read as they are needed. A bare transcript is named by its number, from 0.
        rubric: A rubric, or the id or path of one.
        judge: A judge, a plan of one, or the name of a backend.
        concurrency: Most transcripts that are graded at once.

    Yields:
        A record for each transcript, in order.

    Raises:
        RubricError: The rubric can't be loaded.
        MissingExtra: A package isn't installed.
        JudgeMisuse: No transcript would be answered.
    """
    rubric = rubric if isinstance(rubric, Rubric) else load_rubric(rubric)
    judge = _built(judge)
    with closing(LoopThread()) as loop:
        running: deque[tuple[Item, Future[Evaluation | Problem] | None]] = deque()
        for item in _items(transcripts):
            running.append((item, loop.submit(judge_one(item.transcript, rubric, judge)) if item.transcript else None))
            if len(running) >= concurrency:
                yield _record(*running.popleft())
        while running:
            yield _record(*running.popleft())


def _built(judge: _Judging, store: AnswerStore | None = None) -> Judge:
    if isinstance(judge, str):
        judge = JudgePlan(backend=judge)
    return build_judge(replace(judge, cache=None) if store else judge, store) if isinstance(judge, JudgePlan) else judge


def _items(transcripts: Iterable[Transcript | Item]) -> Iterator[Item]:
    for number, one in enumerate(transcripts):
        yield one if isinstance(one, Item) else Item(str(number), one)


def _record(item: Item, future: Future[Evaluation | Problem] | None) -> GradedItem | FailedItem:
    outcome = item.problem if future is None else future.result()
    columns = dict(item.columns)
    if isinstance(outcome, Evaluation):
        return GradedItem(item=item.name, columns=columns, evaluation=outcome)
    problem = outcome or Problem("empty", "This item holds neither a transcript nor a reason why it has none.")
    return FailedItem(item=item.name, columns=columns, code=problem.code, message=problem.message, again=problem.again)
