"""Review mode: a coach confirms or overrides a verdict with a reason, which stands beside the judge's from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from pydantic import ValidationError

from evaluator.service.context import service_of
from evaluator.service.page.forms import read_fields
from evaluator.service.page.guard import PageRoute, visitor
from evaluator.service.page.rendering import respond
from evaluator.service.page.results import findings_by_verdict, result_values
from evaluator.service.problems import Problem
from evaluator.service.reviews.labels import label_line
from evaluator.service.reviews.wire import ReviewRequest
from evaluator.service.tenants.caller import LOCAL_TENANT, Caller
from evaluator.service.wire import LINE

__all__ = ["router"]

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_Id = Annotated[str, Path(max_length=64, pattern=LINE)]


@router.get("/evaluations/{id}/review")
async def review(
    request: Request,
    caller: Annotated[Caller, Depends(visitor("reviews:write"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> Response:
    """Return all verdicts with a form each, beside the transcript."""
    return await _page(request, caller, id)


@router.post("/evaluations/{id}/review")
async def put_review(
    request: Request,
    caller: Annotated[Caller, Depends(visitor("reviews:write"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> Response:
    """Keep what a coach says of one verdict, and go on at the same place."""
    service = service_of(request)
    form = await read_fields(request)
    criterion, reviewer = form.get("criterion", ""), form.get("reviewer", "").strip()
    try:
        said = ReviewRequest.model_validate(
            {"verdict": form.get("verdict"), "reason": form.get("reason", "").strip(), "reviewer": reviewer or None}
        )
    except ValidationError:
        problem = Problem(
            422,
            "invalid_request",
            "The review isn't complete",
            detail="it needs a verdict and a reason",
            where=criterion or None,
            remedy="say why in a sentence: the next coach, and the judge's measure, learn from it",
        )
        return await _page(request, caller, id, problem=problem, unsent=form)
    await asyncio.to_thread(
        service.reviews.put,
        caller.tenant,
        id,
        criterion,
        said.verdict,
        said.reason,
        said.reviewer or caller.key or LOCAL_TENANT,
        service.clock(),
    )
    return RedirectResponse(f"/evaluations/{id}/review#on-{criterion}", 303)


@router.get("/labels.jsonl")
async def take_labels(
    request: Request,
    caller: Annotated[Caller, Depends(visitor("evaluations:read"))],
    rubric: Annotated[str, Query(max_length=200, pattern=LINE)],
) -> Response:
    """Return all reviewed transcripts with their labels, as `evaluator agreement` reads them."""
    service = service_of(request)
    found = (await asyncio.to_thread(service.rubrics.get, caller.tenant, rubric)).rubric

    def lines() -> Iterator[str]:
        for reviewed in service.reviews.each(caller.tenant, found.id, None):
            line = label_line(reviewed, found)
            if line is not None:
                yield f"{line}\n"

    headers = {"Content-Disposition": 'attachment; filename="labels.jsonl"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), headers=headers, media_type="application/x-ndjson")


async def _page(
    request: Request,
    caller: Caller,
    id_: str,
    *,
    problem: Problem | None = None,
    unsent: dict[str, str] | None = None,
) -> Response:
    service = service_of(request)

    def values() -> dict[str, object]:
        resource = service.evaluations.get(caller.tenant, id_)
        if resource is None or resource.evaluation is None:
            raise Problem(404, "not_found", "There is no such evaluation to review", where="id")
        shown = result_values(service, caller.tenant, resource)
        return {**shown, "shown_findings": findings_by_verdict(resource.evaluation)}

    return await respond(
        request,
        "review.html",
        {
            **await asyncio.to_thread(values),
            "problem": problem,
            "unsent": unsent or {},
            "reviewer": (unsent or {}).get("reviewer", ""),
        },
        status=problem.status if problem else 200,
    )
