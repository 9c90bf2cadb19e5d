"""`Weighing`: a judge that notes what it would send and answers nothing, so that a price can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable

from evaluator.backends.estimates import NOTHING, Estimate
from evaluator.judging import Case, Judgement
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo

__all__ = ["Weighing"]


class Weighing:
    """Adds up the estimates of the cases it is asked about. Not to be shared: one for each sum.

    Attributes:
        total: The sum so far.
    """

    def __init__(self, estimate: Callable[[Case], Estimate], stands_for: JudgeInfo | None = None) -> None:
        """Start at nothing.

        Args:
            estimate: From `build_estimate`.
            stands_for: Who would answer, so that a store in front of this judge knows what was answered before.
        """
        self._estimate = estimate
        self._info = stands_for or JudgeInfo(backend="none", method="estimate", model="none")
        self.total = NOTHING

    @property
    def languages(self) -> frozenset[str] | None:
        """Any: what is asked in a language that a judge can't read would only cost less."""
        return None

    def info(self, rubric: Rubric) -> JudgeInfo:  # noqa: ARG002 - the protocol's
        """Return whom it stands for."""
        return self._info

    async def judge(self, case: Case) -> Judgement:
        """Add a case; no opinion is given."""
        self.total += self._estimate(case)
        return Judgement(())
