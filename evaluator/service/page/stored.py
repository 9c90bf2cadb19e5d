"""Stored evaluations: one with its evidence, two side by side, a candidate's history; to delete, to take as files."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from evaluator.reports.html import render_html
from evaluator.reports.view import view
from evaluator.service.context import Service, service_of
from evaluator.service.evaluations.wire import EvaluationResource
from evaluator.service.page.attempts import Attempts, attempt_of
from evaluator.service.page.guard import PageRoute, visitor
from evaluator.service.page.rendering import respond
from evaluator.service.page.results import result_values
from evaluator.service.page.trends import changes, grid, score_line
from evaluator.service.problems import Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.wire import LINE
from evaluator.values.evaluation import Evaluation

__all__ = ["router"]

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_Id = Annotated[str, Path(max_length=64, pattern=LINE)]
_QueryId = Annotated[str, Query(max_length=64, pattern=LINE)]
_Candidate = Annotated[str, Query(max_length=200, pattern=LINE)]
_Reader = Annotated[Caller, Depends(visitor("evaluations:read"))]
_SHOWN: Final = 30
_HISTORY: Final = 24
_CANDIDATES: Final = 60


@router.get("/evaluations")
async def list_attempts(
    request: Request, caller: _Reader, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> Response:
    """Return what is stored outside of batches, newest first, and whose it is."""
    attempts = Attempts(service_of(request).database)
    shown = await asyncio.to_thread(attempts.recent, caller.tenant, _SHOWN + 1, offset)
    people = await asyncio.to_thread(attempts.candidates, caller.tenant, _CANDIDATES) if not offset else []
    return await respond(
        request,
        "attempts.html",
        {
            "attempts": shown[:_SHOWN],
            "candidates": people,
            "onward": offset + _SHOWN if len(shown) > _SHOWN else None,
            "backward": max(0, offset - _SHOWN) if offset else None,
        },
    )


@router.get("/evaluations/{id}")
async def show_evaluation(request: Request, caller: _Reader, id: _Id) -> Response:  # noqa: A002 - its name in the path
    """Return an evaluation; while it is a job, how it stands."""
    service = service_of(request)
    resource = await asyncio.to_thread(_found, service, caller.tenant, id)
    if resource.evaluation is None:
        return await respond(request, "waiting.html", {"resource": resource})
    values = await asyncio.to_thread(result_values, service, caller.tenant, resource)
    return await respond(request, "result.html", values)


@router.post("/evaluations/{id}/delete")
async def delete_evaluation(
    request: Request,
    caller: Annotated[Caller, Depends(visitor("evaluations:write"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> Response:
    """Delete an evaluation with its transcript, for good."""
    if not await asyncio.to_thread(service_of(request).evaluations.delete, caller.tenant, id):
        raise _unknown()
    return RedirectResponse("/evaluations", 303)


@router.get("/evaluations/{id}/report.html")
async def take_report(request: Request, caller: _Reader, id: _Id) -> Response:  # noqa: A002 - its name in the path
    """Return the report as one file that needs nothing else."""
    evaluation = _judged(await asyncio.to_thread(_found, service_of(request), caller.tenant, id))
    html = await asyncio.to_thread(render_html, evaluation)
    return _file(html, "text/html; charset=utf-8", f"{id}.html")


@router.get("/evaluations/{id}/evaluation.json")
async def take_json(request: Request, caller: _Reader, id: _Id) -> Response:  # noqa: A002 - its name in the path
    """Return the evaluation as JSON, as the API gives it."""
    resource = await asyncio.to_thread(_found, service_of(request), caller.tenant, id)
    return _file(resource.model_dump_json(indent=2), "application/json", f"{id}.json")


@router.get("/candidate")
async def show_candidate(request: Request, caller: _Reader, id: _Candidate) -> Response:  # noqa: A002 - its name in the address
    """Return the history of a candidate: the scores, and each failure mode over the attempts."""
    service = service_of(request)
    attempts = await asyncio.to_thread(Attempts(service.database).of_candidate, caller.tenant, id, _HISTORY)
    if not attempts:
        raise Problem(404, "not_found", "Nothing is stored of this candidate", where="id")
    judged = [attempt for attempt in attempts if attempt.verdicts]
    return await respond(
        request,
        "candidate.html",
        {
            "candidate": id,
            "attempts": attempts,
            "grid": grid(judged),
            "line": score_line(judged),
            "most": _HISTORY,
        },
    )


@router.get("/compare")
async def compare(request: Request, caller: _Reader, a: _QueryId, b: _QueryId) -> Response:
    """Return two attempts side by side: what changed, and both transcripts."""
    service = service_of(request)

    def both() -> tuple[EvaluationResource, EvaluationResource]:
        return _found(service, caller.tenant, a), _found(service, caller.tenant, b)

    first, second = await asyncio.to_thread(both)
    older, newer = _judged(first), _judged(second)
    return await respond(
        request,
        "compare.html",
        {
            "first": first,
            "second": second,
            "first_view": view(older),
            "second_view": view(newer),
            "changes": changes(attempt_of(first), attempt_of(second)),
            "same_rubric": older.rubric.sha256 == newer.rubric.sha256,
            "same_judge": older.judge == newer.judge,
        },
    )


def _found(service: Service, tenant: str, id_: str) -> EvaluationResource:
    found = service.evaluations.get(tenant, id_)
    if found is None:
        raise _unknown()
    return found


def _judged(resource: EvaluationResource) -> Evaluation:
    if resource.evaluation is None:
        raise Problem(
            409, "not_judged", "It isn't judged", where="id", remedy="come again when its status is completed"
        )
    return resource.evaluation


def _file(content: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type=media_type)


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such evaluation", where="id", remedy="it may have been deleted")
