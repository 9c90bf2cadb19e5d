"""Stored evaluations, jobs, and what people say of their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from evaluator.client.operations import evaluations as calls
from evaluator.client.resources.evaluations import (
    EvaluationResource,
    EvaluationSummary,
    ReviewResource,
    ReviewsOfEvaluation,
    Status,
)
from evaluator.client.synchronous.connection import Connection

__all__ = ["Evaluations", "Reviews"]


class Evaluations:
    """What is stored, and what is in work."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def get(self, id_: str) -> EvaluationResource:
        """Return an evaluation, or the job that it still is."""
        return self._connection.send(calls.get_evaluation(id_))

    def wait(self, id_: str, *, timeout_s: float = 600.0) -> EvaluationResource:
        """Return an evaluation once it is judged, failed or cancelled.

        Raises:
            NotSettled: It is none of these, within the time.
            ServiceError: As ever.
        """
        return self._connection.settled(lambda: self.get(id_), lambda found: found.status != "queued", timeout_s)

    def list(  # noqa: PLR0913 - one parameter per filter of the list
        self,
        *,
        status: Status | None = None,
        rubric: str | None = None,
        candidate: str | None = None,
        batch: str | None = None,
        band: str | None = None,
        needs_review: bool | None = None,
    ) -> Iterator[EvaluationSummary]:
        """Yield evaluations, newest first, page by page as they are asked for."""
        return self._connection.pages(
            lambda cursor: calls.list_evaluations(
                cursor,
                status=status,
                rubric=rubric,
                candidate=candidate,
                batch=batch,
                band=band,
                needs_review=needs_review,
            )
        )

    def delete(self, id_: str) -> None:
        """Delete an evaluation and the transcript in it, for good."""
        self._connection.send(calls.delete_evaluation(id_))


class Reviews:
    """What people say of verdicts."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def put(
        self,
        id_: str,
        criterion: str,
        verdict: Literal["present", "absent", "na"],
        reason: str,
        *,
        reviewer: str | None = None,
    ) -> ReviewResource:
        """Confirm or override a verdict of an evaluation."""
        return self._connection.send(calls.put_review(id_, criterion, verdict, reason, reviewer))

    def of(self, id_: str) -> ReviewsOfEvaluation:
        """Return the reviews of an evaluation."""
        return self._connection.send(calls.get_reviews(id_))

    def delete(self, id_: str, criterion: str, *, reviewer: str | None = None) -> None:
        """Withdraw what one reviewer said of a verdict."""
        self._connection.send(calls.delete_review(id_, criterion, reviewer))

    def labels(self, *, rubric: str | None = None, judge: str | None = None) -> Iterator[bytes]:
        """Yield all reviews as lines of a file of labels."""
        return self._connection.lines(calls.export_labels(rubric, judge))
