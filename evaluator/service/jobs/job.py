"""A job of the service, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.service.evaluations.store import Kept
from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript

__all__ = ["Job", "Settled"]


@dataclass(frozen=True, slots=True)
class Job:
    """One evaluation to be graded; or, without a transcript, one that failed before it could be."""

    kept: Kept
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job; its words are nowhere but in its own row.

    Attributes:
        tenant: Whose it is.
        id: Its id.
        batch: Its batch, if any.
        status: ``completed`` or ``failed``.
        rubric: As asked for.
        judge: As asked for.
        score: As in its scorecard.
        band: Likewise.
        cost_usd: What it cost.
        evaluation: The result, if there is one.
        code: Why it failed, if it did.
    """

    tenant: str
    id: str
    batch: str | None
    status: str
    rubric: str
    judge: str
    score: float | None
    band: str | None
    cost_usd: float
    evaluation: Evaluation | None
    code: str | None
