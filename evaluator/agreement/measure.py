"""From labelled rows to evaluations: asks a judge, or takes evaluations made earlier; never leaves a gap.

A row without an evaluation is a `Failure` with its reason: a transcript that can't be read, a judge that gave no
answer, an evaluation that is missing or belongs to other words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from evaluator.agreement.labels import LabelledRow
from evaluator.errors import EvaluatorError, MissingExtra
from evaluator.judging import Judge
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Turn

__all__ = ["CONCURRENCY", "Failure", "Measurement", "match", "measure"]

CONCURRENCY: Final = 8  # more requests at once run into the rate limits of small accounts


class Failure(BaseModel):
    """A row that no figure counts, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    line: int = Field(ge=1, description="Line of the file of labels.")
    error: str = Field(description="Kind of error, e.g. `JudgeUnavailable`.")
    message: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a judge said about a set of rows.

    Attributes:
        evaluations: By row id.
        failures: The other rows, in the order of the file.
    """

    evaluations: Mapping[str, Evaluation]
    failures: tuple[Failure, ...]


async def measure(
    rows: Sequence[LabelledRow],
    rubric: Rubric,
    judge: Judge,
    *,
    concurrency: int = CONCURRENCY,
    on_done: Callable[[LabelledRow, Evaluation | Failure], None] = lambda _row, _outcome: None,
) -> Measurement:
    """Ask the judge about every row, at most ``concurrency`` at a time.

    Args:
        rows: Labelled rows; their labels are not shown to the judge.
        rubric: What to judge by.
        judge: Who is measured.
        concurrency: How many transcripts are under way at once.
        on_done: Called once for each row as soon as it is through, in no fixed order.

    Raises:
        MissingExtra: The judge needs a package that isn't installed; no row could succeed.
    """
    outcomes: dict[str, Evaluation | Failure] = {}
    waiting = iter(rows)

    async def work() -> None:
        for row in waiting:
            outcomes[row.id] = await _outcome(row, rubric, judge)
            on_done(row, outcomes[row.id])

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(rows))):
                group.create_task(work())
    except* MissingExtra as missing:
        raise next(error for error in missing.exceptions if isinstance(error, MissingExtra)) from None
    return _measurement(rows, outcomes)


def match(rows: Sequence[LabelledRow], rubric: Rubric, evaluations: Mapping[str, Evaluation]) -> Measurement:
    """Take each row's evaluation from those made earlier; one of other words or another rubric is a failure."""
    return _measurement(rows, {row.id: _matched(row, rubric, evaluations.get(row.id)) for row in rows})


async def _outcome(row: LabelledRow, rubric: Rubric, judge: Judge) -> Evaluation | Failure:
    if row.transcript is None:
        return _unreadable(row)
    try:
        return await aevaluate(row.transcript, rubric, judge, question_type=row.question_type)
    except MissingExtra:
        raise
    except EvaluatorError as error:
        return Failure(id=row.id, line=row.line, error=type(error).__name__, message=str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one judge must not cost the rows already paid for
        # The text of a foreign error may hold candidate text.
        return Failure(id=row.id, line=row.line, error=type(error).__name__, message="the judge broke down")


def _matched(row: LabelledRow, rubric: Rubric, evaluation: Evaluation | None) -> Evaluation | Failure:
    if row.transcript is None:
        return _unreadable(row)
    if evaluation is None:
        why = "there is no evaluation of this id"
    elif evaluation.rubric.id != rubric.id:
        why = f"it was judged by another rubric, {evaluation.rubric.id}"
    elif _words(evaluation.transcript.turns) != _words(row.transcript.turns):
        why = "the evaluation of this id is of other words"
    else:
        return evaluation
    return Failure(id=row.id, line=row.line, error="NoMatch", message=why)


def _words(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in turns]


def _unreadable(row: LabelledRow) -> Failure:
    return Failure(id=row.id, line=row.line, error="TranscriptError", message=row.problem or "no transcript")


def _measurement(rows: Sequence[LabelledRow], outcomes: Mapping[str, Evaluation | Failure]) -> Measurement:
    found = [(row.id, outcomes[row.id]) for row in rows]
    return Measurement(
        evaluations={row_id: outcome for row_id, outcome in found if isinstance(outcome, Evaluation)},
        failures=tuple(outcome for _, outcome in found if isinstance(outcome, Failure)),
    )
