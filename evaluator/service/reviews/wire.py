"""What is sent to and from the reviews of an evaluation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from evaluator.agreement.labels import Label
from evaluator.service.wire import LINE, TEXT, Time, Wire
from evaluator.values.judge import Verdict

__all__ = ["CriterionReview", "ReviewRequest", "ReviewResource", "Reviewer", "ReviewsOfEvaluation"]

Reviewer = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=LINE)]
_Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=TEXT)]


class ReviewRequest(Wire):
    """What a person says of one verdict."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "verdict": "absent",
                    "reason": "Retention is named in the second sentence, as the goal.",
                    "reviewer": "coach-7",
                }
            ]
        }
    )

    verdict: Label = Field(
        description="What it should be: the judge's own verdict confirms it, another one overrides it."
    )
    reason: _Reason = Field(description="Why, for whoever reads it later.")
    reviewer: Reviewer | None = Field(
        default=None, description="Your id of the person; the key's id, or `local`, if not given."
    )


class ReviewResource(Wire):
    """What one person said of one verdict, once."""

    criterion: str = Field(description="Id of the criterion.")
    judged: Verdict = Field(description="The judge's verdict, which stays as it is.")
    verdict: Label = Field(description="What it should be.")
    outcome: Literal["confirmed", "overridden"] = Field(description="Whether the judge was right by this review.")
    reason: str = Field(description="Why.")
    reviewer: str = Field(description="Who said so.")
    created_at: Time = Field(description="When.")
    current: bool = Field(description="Whether it counts: it is this reviewer's latest on the criterion.")


class CriterionReview(Wire):
    """What all reviewers together say of one verdict."""

    criterion: str = Field(description="Id of the criterion.")
    judged: Verdict = Field(description="The judge's verdict.")
    verdict: Label = Field(description="What most reviewers say; of as many, what was said last.")
    disputed: bool = Field(description="Whether reviewers differ; such a label counts in no figure.")


class ReviewsOfEvaluation(Wire):
    """All that people said of one evaluation's verdicts."""

    evaluation: str = Field(description="Id of the evaluation.")
    verdicts: tuple[CriterionReview, ...] = Field(description="What counts, one for each criterion that was reviewed.")
    reviews: tuple[ReviewResource, ...] = Field(description="Every review, oldest first, the history included.")
