"""Calls about evaluations and their reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, cast

from evaluator.client.call import Body, Call, Form, JsonValue, as_json, nothing, reader
from evaluator.client.resources.evaluations import (
    EvaluationOptions,
    EvaluationResource,
    EvaluationSummary,
    ReviewResource,
    ReviewsOfEvaluation,
    Status,
)
from evaluator.client.resources.shared import Page
from evaluator.errors import OptionError

__all__ = [
    "create_evaluation",
    "delete_evaluation",
    "delete_review",
    "export_labels",
    "get_evaluation",
    "get_reviews",
    "list_evaluations",
    "put_review",
]

_ALL: Final = "/v1/evaluations"
_ONE: Final = "/v1/evaluations/{id}"
_REVIEW: Final = "/v1/evaluations/{id}/reviews/{criterion}"


def create_evaluation(  # noqa: PLR0913 - one of three forms of a transcript, and how it is sent
    transcript: str | None,
    turns: Sequence[Mapping[str, JsonValue]] | None,
    file: Path | None,
    options: EvaluationOptions,
    *,
    key: str | None = None,
    later: bool = False,
) -> Call[EvaluationResource]:
    """Judge a transcript, now or later.

    Raises:
        OptionError: Not exactly one of text, turns and file is given, or the file can't be read.
    """
    return Call(
        method="POST",
        path=_ALL,
        read=reader(EvaluationResource),
        body=_transcript(transcript, turns, file, cast("Mapping[str, JsonValue]", options)),
        headers={"Prefer": "respond-async"} if later else {},
        key=key,
    )


def get_evaluation(id_: str) -> Call[EvaluationResource]:
    """Fetch one evaluation."""
    return Call(method="GET", path=_ONE, names={"id": id_}, read=reader(EvaluationResource))


def list_evaluations(  # noqa: PLR0913 - one parameter per filter of the list
    cursor: str | None = None,
    *,
    limit: int = 100,
    status: Status | None = None,
    rubric: str | None = None,
    candidate: str | None = None,
    batch: str | None = None,
    band: str | None = None,
    needs_review: bool | None = None,
) -> Call[Page[EvaluationSummary]]:
    """Fetch one page of evaluations."""
    return Call(
        method="GET",
        path=_ALL,
        read=reader(Page[EvaluationSummary]),
        query={
            "cursor": cursor,
            "limit": limit,
            "status": status,
            "rubric": rubric,
            "candidate": candidate,
            "batch": batch,
            "band": band,
            "needs_review": needs_review,
        },
    )


def delete_evaluation(id_: str) -> Call[None]:
    """Delete one evaluation."""
    return Call(method="DELETE", path=_ONE, names={"id": id_}, read=nothing)


def put_review(
    id_: str, criterion: str, verdict: Literal["present", "absent", "na"], reason: str, reviewer: str | None
) -> Call[ReviewResource]:
    """Confirm or override a verdict."""
    return Call(
        method="PUT",
        path=_REVIEW,
        names={"id": id_, "criterion": criterion},
        read=reader(ReviewResource),
        body=as_json({"verdict": verdict, "reason": reason, "reviewer": reviewer}),
    )


def get_reviews(id_: str) -> Call[ReviewsOfEvaluation]:
    """Read the reviews of an evaluation."""
    return Call(method="GET", path=f"{_ONE}/reviews", names={"id": id_}, read=reader(ReviewsOfEvaluation))


def delete_review(id_: str, criterion: str, reviewer: str | None) -> Call[None]:
    """Withdraw a review."""
    return Call(
        method="DELETE",
        path=_REVIEW,
        names={"id": id_, "criterion": criterion},
        query={"reviewer": reviewer},
        read=nothing,
    )


def export_labels(rubric: str | None, judge: str | None) -> Call[bytes]:
    """Export reviews as labels, one JSON object a line."""
    return Call(
        method="GET",
        path="/v1/reviews/labels",
        query={"rubric": rubric, "judge": judge},
        headers={"Accept": "application/jsonl"},
        read=bytes,
    )


def _transcript(
    transcript: str | None,
    turns: Sequence[Mapping[str, JsonValue]] | None,
    file: Path | None,
    options: Mapping[str, JsonValue],
) -> Body | Form:
    if [transcript, turns, file].count(None) != 2:  # noqa: PLR2004 - of the three, all but one
        raise OptionError("give one of: the text, `turns`, `file`", where="transcript")
    if file is None:
        told = {"transcript": transcript, "turns": None if turns is None else [dict(turn) for turn in turns]}
        return as_json({**told, **options})
    try:
        return Form(file.name, file.read_bytes(), options)
    except OSError as error:
        raise OptionError(f"the file can't be read: {error.strerror}", where=file.name) from error
