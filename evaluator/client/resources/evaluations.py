"""Evaluations as the service answers them, and what people said of their verdicts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict

from pydantic import Field

from evaluator.client.resources.shared import Resource
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict

__all__ = [
    "CriterionReview",
    "EvaluationFailure",
    "EvaluationOptions",
    "EvaluationResource",
    "EvaluationSummary",
    "ReviewResource",
    "ReviewsOfEvaluation",
    "Status",
]

Status = Literal["queued", "completed", "failed", "cancelled"]


class EvaluationOptions(TypedDict, total=False):
    """What can be told beside the words of a transcript.

    Attributes:
        format: Form of the transcript; told from its contents if not given.
        speaker: Label of the candidate in the transcript.
        question: Question asked, if the words don't say.
        question_type: Question type of the rubric.
        rubric: Id of a rubric, or ``ID@VERSION``.
        judge: One of the service's judges.
        store: Whether the evaluation is kept.
        candidate: Your own id of the candidate.
        metadata: Yours: kept and returned as it is.
        deadline_s: Longest time to wait for the answer.
    """

    format: str | None
    speaker: str | None
    question: str | None
    question_type: str | None
    rubric: str
    judge: str | None
    store: bool | None
    candidate: str | None
    metadata: dict[str, str]
    deadline_s: float | None


class EvaluationFailure(Resource):
    """Why there is no evaluation."""

    code: str
    message: str
    again: bool


class EvaluationSummary(Resource):
    """One evaluation of a list."""

    id: str
    object: Literal["evaluation"]
    status: Status
    stored: bool
    created_at: datetime
    settled_at: datetime | None = None
    expires_at: datetime | None = None
    batch: str | None = None
    name: str | None = None
    candidate: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict[str, str])
    rubric: str
    judge: str
    score: float | None = None
    band: str | None = None
    needs_review: bool = False
    problem: EvaluationFailure | None = None


class EvaluationResource(EvaluationSummary):
    """One evaluation, with the result once it is judged."""

    evaluation: Evaluation | None = None


class ReviewResource(Resource):
    """What one person said of one verdict, once."""

    criterion: str
    judged: Verdict
    verdict: Literal["present", "absent", "na"]
    outcome: Literal["confirmed", "overridden"]
    reason: str
    reviewer: str
    created_at: datetime
    current: bool


class CriterionReview(Resource):
    """What all reviewers together say of one verdict."""

    criterion: str
    judged: Verdict
    verdict: Literal["present", "absent", "na"]
    disputed: bool


class ReviewsOfEvaluation(Resource):
    """All that people said of one evaluation's verdicts."""

    evaluation: str
    verdicts: tuple[CriterionReview, ...]
    reviews: tuple[ReviewResource, ...]
