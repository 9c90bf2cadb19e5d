"""Score, band and vetoes, and the sum behind them."""

from __future__ import annotations

from pydantic import Field, model_validator

from evaluator.values.criterion import Severity
from evaluator.values.frozen import Frozen
from evaluator.values.judge import Verdict

__all__ = ["BandLine", "ScoreLine", "Scorecard", "SeverityCount", "Veto"]


class ScoreLine(Frozen):
    """One line of the sum behind the score: ``score = 100 * (1 - sum(lost) / sum(weight of decided lines))``."""

    criterion: str = Field(description="Id of the criterion.")
    severity: Severity = Field(description="Decides the weight.")
    verdict: Verdict = Field(description="As in its finding.")
    weight: float = Field(ge=0, description="From the rubric; counts only when present or absent.")
    lost: float = Field(ge=0, description="`weight` if present, else 0.")


class SeverityCount(Frozen):
    """How many criteria of one severity the candidate fell into."""

    present: int = Field(ge=0, description="Criteria the candidate fell into.")
    of: int = Field(ge=0, description="Criteria of this severity that apply and were decided.")


class BandLine(Frozen):
    """What one band of the rubric asks, and whether this evaluation met it."""

    band: str = Field(description="Band id.")
    met: bool = Field(description="Whether every limit was kept.")
    reason: str = Field(description="What it asked, and what kept this answer out, if anything.")


class Veto(Frozen):
    """A rule of the rubric that lowered the band."""

    id: str = Field(description="Id of the rule.")
    reason: str = Field(description="Why it exists; the rubric's words.")
    criteria: tuple[str, ...] = Field(
        description="The criteria that fired it: present, or flagged by committee members."
    )
    best_band: str = Field(description="Best band that it leaves open.")


class Scorecard(Frozen):
    """Score and band, computed from verdicts by the rubric's data; no judge writes here."""

    score: float | None = Field(default=None, ge=0, le=100, description="Null if no applicable criterion was decided.")
    score_range: tuple[float, float] | None = Field(
        default=None, description="Score if every unscored criterion were present, and if every one were absent."
    )
    band: str | None = Field(default=None, description="Band id; null when a person must look first.")
    band_range: tuple[str, str] | None = Field(
        default=None, description="Band if every unscored criterion were present, and if every one were absent."
    )
    coverage: float = Field(ge=0, le=1, description="Decided criteria / applicable criteria; 0 if none applies.")
    needs_review: bool = Field(description="True exactly if there are review reasons, and then there is no band.")
    review_reasons: tuple[str, ...] = Field(default=(), description="Each is a stable code, a colon and a sentence.")
    vetoes: tuple[Veto, ...] = ()
    by_severity: dict[Severity, SeverityCount]
    bands: tuple[BandLine, ...] = Field(description="Best band first; the first that is met is the band.")
    lines: tuple[ScoreLine, ...] = Field(description="The sum behind the score, in the rubric's order.")

    @model_validator(mode="after")
    def _review_or_band(self) -> Scorecard:
        if not (self.needs_review == bool(self.review_reasons) == (self.band is None)):
            raise ValueError("a scorecard has either a band or reasons for a review")
        return self
