"""`Weighing`: a judge that notes what it would send and answers nothing, so that a price can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable

from evaluator.backends.estimates import NOTHING, Estimate
from evaluator.judging import Case, Judgement
from evaluator.rubric import Rubric
from evaluator.types import JudgeInfo

__all__ = ["Weighing"]


class Weighing:
    """Adds up the estimates of the cases it is asked about. Not to be shared: one for each sum.

    Attributes:
        total: The sum so far.
    """

    def __init__(self, estimate: Callable[[Case], Estimate]) -> None:
        """Start at nothing; ``estimate`` is from `build_estimate`."""
        self._estimate = estimate
        self.total = NOTHING

    @property
    def languages(self) -> frozenset[str] | None:
        """Any: what is asked in a language that a judge can't read would only cost less."""
        return None

    def info(self, rubric: Rubric) -> JudgeInfo:  # noqa: ARG002 - the protocol's
        """Return that nobody judges."""
        return JudgeInfo(backend="none", method="estimate", model="none")

    async def judge(self, case: Case) -> Judgement:
        """Add a case; no opinion is given."""
        self.total += self._estimate(case)
        return Judgement(())
