"""Reviews over HTTP: what people say of an evaluation's verdicts, and all of it as labels."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from evaluator.rubric import Rubric
from evaluator.service.context import Service, service_of
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.reviews.labels import label_line
from evaluator.service.reviews.review import Review, consensus
from evaluator.service.reviews.wire import (
    CriterionReview,
    Reviewer,
    ReviewRequest,
    ReviewResource,
    ReviewsOfEvaluation,
)
from evaluator.service.tenants.caller import LOCAL_TENANT, Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import MOST_BYTES, time_of
from evaluator.values.judge import Verdict

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1", tags=["reviews"], responses=PROBLEM_ANSWERS)
_JSON_LINES: Final = "application/jsonl"
_FORM: Final = "^[0-9A-Za-z_-]{1,100}$"  # no null character, which one of the databases can't even be asked for
_NAME: Final = r"^[^\x00-\x1f\x7f]*$"
_Id = Annotated[
    str, Path(description="Id of the evaluation.", pattern=_FORM, examples=["eval_5f0c6b1d9e2a4c3b8d7e6f50"])
]
_Criterion = Annotated[str, Path(description="Id of the criterion.", pattern=_FORM, examples=["vanity_metric"])]


@router.put("/evaluations/{id}/reviews/{criterion}", summary="Confirm or override a verdict", max_body_size=MOST_BYTES)
async def put_review(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("reviews:write"))],
    id: _Id,  # noqa: A002 - its name in the path
    criterion: _Criterion,
    said: ReviewRequest,
) -> ReviewResource:
    """Say what a verdict should be, and why.

    It is kept beside the judge's verdict, which stays. What the same reviewer said before becomes history.
    """
    service = service_of(request)
    review = await asyncio.to_thread(
        service.reviews.put,
        caller.tenant,
        id,
        criterion,
        said.verdict,
        said.reason,
        said.reviewer or _name(caller),
        service.clock(),
    )
    return _resource(review)


@router.get("/evaluations/{id}/reviews", summary="Read the reviews of an evaluation")
async def get_reviews(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:read"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> ReviewsOfEvaluation:
    """Return what people said of each verdict: what counts, and the history."""
    reviews = await asyncio.to_thread(service_of(request).reviews.of, caller.tenant, id)
    judged: dict[str, Verdict] = {review.criterion: review.judged for review in reviews}
    return ReviewsOfEvaluation(
        evaluation=id,
        verdicts=tuple(
            CriterionReview(criterion=name, judged=judged[name], verdict=word.verdict, disputed=word.disputed)
            for name, word in consensus(reviews).items()
        ),
        reviews=tuple(map(_resource, reviews)),
    )


@router.delete(
    "/evaluations/{id}/reviews/{criterion}", status_code=204, summary="Withdraw a review", response_class=Response
)
async def delete_review(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("reviews:write"))],
    id: _Id,  # noqa: A002 - its name in the path
    criterion: _Criterion,
    reviewer: Annotated[Reviewer | None, Query(description="Whose; the key's id, or `local`, if not given.")] = None,
) -> None:
    """Delete all that one reviewer said of a verdict, for good."""
    service = service_of(request)
    if not await asyncio.to_thread(service.reviews.withdraw, caller.tenant, id, criterion, reviewer or _name(caller)):
        raise Problem(404, "not_found", "There is no such review", where="criterion")


@router.get(
    "/reviews/labels",
    summary="Export reviews as labels",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One JSON object a line, as `evaluator agreement` and `evaluator fit` read it.",
            "content": {_JSON_LINES: {"schema": {"type": "string"}}},
        }
    },
)
async def export_labels(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:read"))],
    rubric: Annotated[
        str,
        Query(description="Rubric whose criteria are labelled: `ID`, or `ID@VERSION`.", max_length=200, pattern=_NAME),
    ] = "netflix_pm_metrics",
    judge: Annotated[
        str | None, Query(description="Only what this judge judged.", max_length=200, pattern=_NAME)
    ] = None,
) -> StreamingResponse:
    """Return every reviewed transcript with its labels; nothing at all if nothing was reviewed."""
    service = service_of(request)
    found = await asyncio.to_thread(service.rubrics.get, caller.tenant, rubric)
    return StreamingResponse(_lines(service, caller.tenant, found.rubric, judge), media_type=_JSON_LINES)


def _lines(service: Service, tenant: str, rubric: Rubric, judge: str | None) -> Iterator[str]:
    for reviewed in service.reviews.each(tenant, rubric.id, judge):
        line = label_line(reviewed, rubric)
        if line is not None:
            yield f"{line}\n"


def _name(caller: Caller) -> str:
    return caller.key or LOCAL_TENANT


def _resource(review: Review) -> ReviewResource:
    return ReviewResource(
        criterion=review.criterion,
        judged=review.judged,
        verdict=review.verdict,
        outcome=review.outcome,
        reason=review.reason,
        reviewer=review.reviewer,
        created_at=time_of(review.created_s),
        current=review.current,
    )
