"""Grades the transcripts of claimed shards, so many at once, and keeps what became of each.

In: a `Claim`. Out: a `Result` for each of its transcripts, kept when `grade` returns, unless the run was halted. Apart
from the queue so that a run grades in the same way with and without one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from evaluator.batch.records import Problem
from evaluator.batch.results import Claim, ClaimLost, Result
from evaluator.batch.slots import Slots
from evaluator.errors import EvaluatorError, JudgeMisuse, JudgeUnavailable, MissingExtra
from evaluator.judging import Judge
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript
from evaluator.values.usage import Usage

__all__ = ["Grading", "judge_one"]

_MISUSES: Final = 20  # so many refusals, and not one answer: whatever else is asked will be refused too


async def judge_one(transcript: Transcript, rubric: Rubric, judge: Judge) -> Evaluation | Problem:
    """Return a transcript's evaluation, or why there is none.

    Raises:
        JudgeMisuse: No other transcript would fare better.
        MissingExtra: Nor would it where a package is missing.
    """
    try:
        return await aevaluate(transcript, rubric, judge)
    except JudgeUnavailable as error:
        return Problem("judge_unavailable", str(error), again=True)
    except JudgeMisuse as error:
        if error.for_all:
            raise
        return Problem("judge_refused", str(error))
    except MissingExtra:
        raise
    except EvaluatorError as error:
        return Problem("judge_failed", str(error), again=True)
    except Exception as error:  # noqa: BLE001 - one transcript must not end the run of ten thousand others
        return Problem("defect", f"the program failed at this transcript: {type(error).__name__}", again=True)


@dataclass(slots=True)
class Grading:
    """How one run's transcripts are graded by this worker.

    Attributes:
        rubric: The rubric.
        judge: The judge.
        keep: Keeps a result; returns when it is safe.
        slots: Let so many be judged at once.
        halted: Why no more is begun; ``None`` while the run goes on.
        unkept: Why a result couldn't be kept, which is no fault of the run; ``None`` if all were.
    """

    rubric: Rubric
    judge: Judge
    keep: Callable[[Result], Awaitable[None]]
    slots: Slots
    halted: str | None = None
    unkept: EvaluatorError | None = None
    _answered: int = field(default=0, init=False)
    _refused: int = field(default=0, init=False)

    def halt(self, reason: str) -> None:
        """Begin nothing more; what is being graded is finished. The first reason stays."""
        self.halted = self.halted or reason

    async def grade(self, claim: Claim) -> None:
        """Grade what is open of a shard.

        Raises:
            ExceptionGroup: Of `ClaimLost`: another worker has taken the shard; the rest of it is left to that one.
        """
        async with asyncio.TaskGroup() as group:
            for key, transcript in claim.open.items():
                group.create_task(self._grade(claim, key, transcript))

    async def _grade(self, claim: Claim, key: str, transcript: Transcript) -> None:
        async with self.slots.one() as slot:
            if self.halted is not None:
                return
            try:
                outcome = await judge_one(transcript, self.rubric, slot.held_for(self.judge))
            except (JudgeMisuse, MissingExtra) as error:
                self.halt(str(error))
                return
            self._look_at(outcome)
            try:
                await self.keep(_result(claim, key, outcome))
            except ClaimLost:
                raise
            except EvaluatorError as error:
                self.unkept = error
                self.halt(str(error))

    def _look_at(self, outcome: Evaluation | Problem) -> None:
        refused = isinstance(outcome, Problem) and outcome.code == "judge_refused"
        self._refused += refused
        self._answered += not refused
        if self._refused >= _MISUSES and not self._answered and isinstance(outcome, Problem):
            self.halt(f"the first {self._refused} transcripts were all refused; the last one: {outcome.message}")


def _result(claim: Claim, key: str, outcome: Evaluation | Problem) -> Result:
    if isinstance(outcome, Problem):
        return Result(claim, key, None, outcome, Usage())
    return Result(claim, key, outcome, None, outcome.usage)
