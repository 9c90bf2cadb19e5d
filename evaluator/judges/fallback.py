"""`Fallback`: another judge, if the caller asked for one, when the first gives no answer; the result says so."""

from __future__ import annotations

from dataclasses import replace

from evaluator.errors import JudgeError
from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag

__all__ = ["Fallback"]


class Fallback:
    """Asks the second judge only if the first fails."""

    def __init__(self, first: Judge, second: Judge) -> None:
        """Name both."""
        self._first = first
        self._second = second

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the first; the second isn't asked about a language that it can't read."""
        return self._first.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the first's; a result that the second gave carries its own."""
        return self._first.info(rubric)

    async def judge(self, case: Case) -> Judgement:
        """Judge by the first, else by the second, flagged ``fallback_judge`` and with the second's own info.

        Raises:
            JudgeError: The first's, if the second failed too or can't read the language.
        """
        try:
            return await self._first.judge(case)
        except JudgeError as error:
            failure = error
        readable = self._second.languages
        if readable is not None and case.transcript.language not in {*readable, "und"}:
            raise failure
        try:
            judgement = await self._second.judge(case)
        except JudgeError as error:
            raise failure from error
        info = judgement.answered_by or self._second.info(case.rubric)
        flag = Flag(
            code="fallback_judge",
            message=f"The judge asked for gave no answer ({failure.message}); {info.backend} {info.model} judged.",
        )
        return replace(
            judgement, flags=(flag, *judgement.flags), answered_by=info, kept=False
        )  # the first is asked again
