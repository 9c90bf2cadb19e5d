"""`Replayed`: a judge whose answers come from recordings, which its results say."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Flag

__all__ = ["Replayed"]

_FLAG: Final = Flag(
    code="replayed",
    message="Answers come from recordings, and nothing was sent; each recording says whether a model really gave it.",
)


class Replayed:
    """Marks what a judge says as replayed."""

    def __init__(self, judge: Judge) -> None:
        """Wrap a judge whose transport answers from recordings."""
        self._judge = judge

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's: the recordings are its answers."""
        return self._judge.info(rubric)

    async def judge(self, case: Case) -> Judgement:
        """Judge, and flag the judgement ``replayed``.

        Raises:
            RecordingMissing: A request was never recorded.
            JudgeError: As the judge.
        """
        judgement = await self._judge.judge(case)
        return replace(judgement, flags=(_FLAG, *judgement.flags))
