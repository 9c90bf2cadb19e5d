"""What is sent to and from ``/v1/evaluations``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from evaluator.service.wire import LINE, TEXT, Label, Time, Wire
from evaluator.values.evaluation import Evaluation

__all__ = [
    "EXAMPLE",
    "Asked",
    "EvaluationFailure",
    "EvaluationRequest",
    "EvaluationResource",
    "EvaluationSummary",
    "Status",
]

Status = Literal["queued", "completed", "failed", "cancelled"]
_MOST_METADATA: Final = 20

EXAMPLE: Final[dict[str, Any]] = {
    "transcript": (
        "Interviewer: How would you measure the success of a new preview feature?\n"
        "Candidate: The goal is that members find something worth watching sooner, so I'd measure the share of "
        "sessions that start a title within two minutes, because a faster start keeps people from giving up. I'd "
        "guard against regret by watching how many titles are left within five minutes. We'd need play and exit "
        "events per session."
    ),
    "question_type": "metric_design",
}

_ONE_OF_TWO: Final[list[Any]] = [
    {"required": ["transcript"], "properties": {"transcript": {"type": "string"}, "turns": {"type": "null"}}},
    {"required": ["turns"], "properties": {"transcript": {"type": "null"}, "turns": {"type": "array"}}},
]


class Asked(Wire):
    """What can be told about a transcript beside its words, and how it is to be judged."""

    format: str | None = Field(
        default=None,
        max_length=40,
        pattern=LINE,
        description="Form of the transcript; told from its contents if not given.",
    )
    speaker: Label | None = Field(default=None, description="Label of the candidate in the transcript.")
    question: str | None = Field(
        default=None, max_length=4000, pattern=TEXT, description="Question asked, if the words don't say."
    )
    question_type: str | None = Field(
        default=None, max_length=100, pattern=LINE, description="Question type of the rubric."
    )
    rubric: Label = Field(
        default="netflix_pm_metrics", description="Id of a rubric, or `ID@VERSION` of one of your own."
    )
    judge: Label | None = Field(default=None, description="One of `/v1/judges`; the service's default if not given.")
    store: bool | None = Field(
        default=None,
        strict=True,
        description="Whether the evaluation, which holds the transcript, is kept. Nothing is unless you ask for it; a "
        "job has to be, so that not to say anything then means yes.",
    )
    candidate: Label | None = Field(
        default=None, description="Your own id of the candidate, for their history; no name is needed."
    )
    metadata: dict[Label, Annotated[str, StringConstraints(max_length=500, pattern=TEXT)]] = Field(
        default_factory=dict[str, str],
        description="Yours: kept and returned as it is.",
        max_length=_MOST_METADATA,
        json_schema_extra={"additionalProperties": False},
    )
    deadline_s: float | None = Field(
        default=None,
        strict=True,
        ge=0.1,
        le=600,
        description="Longest time to wait for the answer, within the service's own.",
    )


class EvaluationRequest(Asked):
    """One transcript to judge: its text, or its turns."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE], "oneOf": _ONE_OF_TWO})

    transcript: str | None = Field(default=None, min_length=1, description="The text, in any form that is read.")
    turns: list[dict[str, Any]] | None = Field(
        default=None,
        min_length=1,
        description="Instead of text: each `{speaker or role, text, start_s?, end_s?}`.",
        json_schema_extra={"items": {"type": "object", "additionalProperties": True}},
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> EvaluationRequest:
        if (self.transcript is None) == (self.turns is None):
            raise ValueError("give either `transcript` or `turns`")
        return self


class EvaluationFailure(Wire):
    """Why there is no evaluation."""

    code: str = Field(description="Stable name.")
    message: str = Field(description="One sentence, with the place and the remedy; never a candidate's words.")
    again: bool = Field(description="Whether the same may go through later.")


class EvaluationSummary(Wire):
    """One evaluation of a list."""

    id: str = Field(description="Id of the evaluation here.")
    object: Literal["evaluation"] = "evaluation"
    status: Status = Field(description="`queued` until it is judged.")
    stored: bool = Field(description="Whether it can be fetched again.")
    created_at: Time = Field(description="When it was asked for.")
    settled_at: Time | None = Field(default=None, description="When it was judged, or failed.")
    expires_at: Time | None = Field(default=None, description="When it is deleted; null if it isn't stored.")
    batch: str | None = Field(default=None, description="Batch that it belongs to.")
    name: str | None = Field(default=None, description="Name of the item in its batch.")
    candidate: str | None = Field(default=None, description="Your id of the candidate.")
    metadata: dict[str, str] = Field(default_factory=dict[str, str], description="Yours, as it was sent.")
    rubric: str = Field(description="Rubric that was asked for.")
    judge: str = Field(description="Judge that was asked for.")
    score: float | None = Field(
        default=None, description="From 0 to 100; null until judged, or if nothing was decided."
    )
    band: str | None = Field(default=None, description="Band; null until judged, and where a person must look first.")
    needs_review: bool = Field(default=False, description="Whether a person must look first.")
    problem: EvaluationFailure | None = Field(default=None, description="Why there is no evaluation, if it failed.")


class EvaluationResource(EvaluationSummary):
    """One evaluation, with the result once it is judged."""

    evaluation: Evaluation | None = Field(default=None, description="The result; null until it is judged.")
