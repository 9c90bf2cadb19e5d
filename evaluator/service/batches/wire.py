"""What is sent to and from ``/v1/batches``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluator.service.wire import LINE, TEXT, Label, Time, Wire

__all__ = ["BatchCounts", "BatchOptions", "BatchResource", "BatchStatus"]

BatchStatus = Literal["reading", "running", "completed", "cancelled"]


class BatchOptions(Wire):
    """How a batch is read and judged."""

    title: Label | None = Field(default=None, description="Yours, to tell it from others.")
    rubric: Label = Field(default="netflix_pm_metrics", description="Id of a rubric, or `ID@VERSION`.")
    judge: Label | None = Field(default=None, description="One of `/v1/judges`; the default if not given.")
    store: bool | None = Field(
        default=None, description="A batch is kept until it expires or is deleted; `false` is refused."
    )
    question: str | None = Field(
        default=None, max_length=4000, pattern=TEXT, description="Question of all transcripts."
    )
    question_type: str | None = Field(default=None, max_length=100, pattern=LINE, description="Its type.")
    name_column: Label | None = Field(default=None, description="Column, or key, that names an item.")
    candidate_column: Label | None = Field(
        default=None, description="Column with your id of the candidate, for their history."
    )


class BatchCounts(Wire):
    """How far a batch is."""

    items: int = Field(ge=0, description="All.")
    queued: int = Field(ge=0, description="Not judged yet.")
    completed: int = Field(ge=0, description="With an evaluation.")
    needs_review: int = Field(ge=0, description="Of these, those that a person must look at.")
    failed: int = Field(ge=0, description="Without, and with a reason.")
    cancelled: int = Field(ge=0, description="Not judged because the batch was cancelled.")
    cost_usd: float = Field(ge=0, description="Cost so far, US dollars.")


class BatchResource(Wire):
    """One batch."""

    id: str = Field(description="Its id.")
    object: Literal["batch"] = "batch"
    status: BatchStatus = Field(description="`completed` when nothing is queued any more; failures are results too.")
    title: str | None = Field(default=None, description="Yours.")
    rubric: str = Field(description="As asked for.")
    judge: str = Field(description="As asked for.")
    created_at: Time = Field(description="When it was sent.")
    settled_at: Time | None = Field(default=None, description="When the last item was settled.")
    expires_at: Time = Field(description="When it is deleted.")
    counts: BatchCounts
