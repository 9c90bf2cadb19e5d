"""Which judge decided, and what its voices said about a criterion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluator.values.frozen import Frozen

__all__ = ["Confirmation", "JudgeInfo", "Verdict", "Vote"]

Verdict = Literal["present", "absent", "na", "unscored"]


class JudgeInfo(Frozen):
    """Which judge decided, exactly enough to repeat it."""

    backend: str = Field(description="Row of the BACKENDS table.")
    method: str = Field(description="How verdicts are reached, e.g. `embedding`; never dressed up as another.")
    model: str = Field(description="Model name or path.")
    model_sha256: str | None = Field(default=None, description="Hash of local weights.")
    prompt_sha256: str | None = Field(default=None, description="Hash of the prompt files; null if none was used.")
    calibration: str | None = Field(default=None, description="Id of the calibration file; null if untrained.")


class Vote(Frozen):
    """What one of several answers said about a criterion."""

    voter: str = Field(description="Member of the committee, or number of the answer.")
    verdict: Verdict = Field(description="What it said; `unscored` if it couldn't tell or could not be used.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="How sure it was; null if unsaid, and where no usable answer was had."
    )
    reason: str = Field(description="Why, in one sentence.")


class Confirmation(Frozen):
    """How stable the verdicts were that were asked about again."""

    asked: int = Field(ge=0, description="Criteria that were asked about more than once.")
    flipped: int = Field(ge=0, description="Of those, how many got different verdicts; the flip rate is the share.")
