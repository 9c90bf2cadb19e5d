"""Batches as the service answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypedDict

from evaluator.client.resources.shared import Resource

__all__ = ["BatchCounts", "BatchOptions", "BatchResource", "BatchStatus"]

BatchStatus = Literal["reading", "running", "completed", "cancelled"]


class BatchOptions(TypedDict, total=False):
    """How a batch is read and judged.

    Attributes:
        title: Yours, to tell it from others.
        rubric: Id of a rubric, or ``ID@VERSION``.
        judge: One of the service's judges.
        question: Question of all transcripts.
        question_type: Its type.
        name_column: Column, or key, that names an item.
        candidate_column: Column with your id of the candidate.
    """

    title: str | None
    rubric: str
    judge: str | None
    question: str | None
    question_type: str | None
    name_column: str | None
    candidate_column: str | None


class BatchCounts(Resource):
    """How far a batch is."""

    items: int
    queued: int
    completed: int
    needs_review: int
    failed: int
    cancelled: int
    cost_usd: float


class BatchResource(Resource):
    """One batch."""

    id: str
    object: Literal["batch"]
    status: BatchStatus
    title: str | None = None
    rubric: str
    judge: str
    created_at: datetime
    settled_at: datetime | None = None
    expires_at: datetime
    counts: BatchCounts

    @property
    def done(self) -> bool:
        """Whether nothing of it will change any more."""
        return self.status in ("completed", "cancelled") and not self.counts.queued
