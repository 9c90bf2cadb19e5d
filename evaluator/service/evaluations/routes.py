"""``/v1/evaluations``: thin, since reading, judging and keeping stand elsewhere."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from evaluator.pipeline import aevaluate
from evaluator.service.context import Service, new_id, service_of
from evaluator.service.evaluations.grading import ClientGone, grade
from evaluator.service.evaluations.reading import REQUEST_BODY, Submission, read_submission
from evaluator.service.evaluations.store import Filters, Kept
from evaluator.service.evaluations.wire import EvaluationResource, EvaluationSummary, Status
from evaluator.service.jobs.lanes import Job
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import Cursor, Page, read_cursor, time_of, write_cursor

__all__ = ["judge_now", "router", "row_of"]

router: Final = APIRouter(prefix="/v1/evaluations", tags=["evaluations"], responses=PROBLEM_ANSWERS)
_Id = Annotated[
    str, Path(description="Id of the evaluation.", max_length=64, examples=["eval_5f0c6b1d9e2a4c3b8d7e6f50"])
]
_Text = Annotated[str | None, Query(max_length=200)]
_CLIENT_GONE: Final = 499


@router.post(
    "",
    summary="Judge one transcript",
    response_model=EvaluationResource,
    responses={202: {"model": EvaluationResource, "description": "A job, whose result is fetched later."}},
    openapi_extra={"requestBody": REQUEST_BODY},
)
async def create_evaluation(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:write"))],
    prefer: Annotated[
        str | None, Header(description="`respond-async` answers 202 with a job.", examples=["respond-async"])
    ] = None,
) -> Response:
    """Judge a transcript and wait for the evaluation; or, with `Prefer: respond-async`, leave a job and fetch it later.

    Nothing is kept of a transcript that is judged at once, unless `store` asks for it.
    """
    service = service_of(request)
    submission = await read_submission(request)
    kept = await asyncio.to_thread(row_of, service, caller, submission, new_id("eval"))
    if re.search(r"(?:^|,)\s*respond-async\s*(?:[;,]|$)", prefer or "", re.IGNORECASE):
        return await _submit(service, caller, submission, kept)
    try:
        return _answer(await judge_now(request, service, submission, kept))
    except ClientGone:
        return Response(status_code=_CLIENT_GONE)


@router.get("", summary="List evaluations, newest first")
async def list_evaluations(  # noqa: PLR0913, PLR0917 - one parameter per filter of the list
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:read"))],
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most of them in one page.")] = 20,
    status: Annotated[Status | None, Query()] = None,
    rubric: _Text = None,
    candidate: _Text = None,
    batch: _Text = None,
    band: _Text = None,
    needs_review: Annotated[bool | None, Query()] = None,
) -> Page[EvaluationSummary]:
    """Return what is stored or in work, newest first, narrowed by whatever filters are given."""
    filters = Filters(
        status=status, rubric=rubric, candidate=candidate, batch=batch, band=band, needs_review=needs_review
    )
    before = read_cursor(cursor)
    found, more = await asyncio.to_thread(service_of(request).evaluations.page, caller.tenant, filters, before, limit)
    return Page[EvaluationSummary](data=found, next_cursor=None if more is None else write_cursor(more))


@router.get("/{id}", summary="Fetch one evaluation")
async def get_evaluation(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:read"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> EvaluationResource:
    """Return an evaluation, or the job that it still is."""
    found = await asyncio.to_thread(service_of(request).evaluations.get, caller.tenant, id)
    if found is None:
        raise _unknown()
    return found


@router.delete("/{id}", status_code=204, summary="Delete one evaluation", response_class=Response)
async def delete_evaluation(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("evaluations:write"))],
    id: _Id,  # noqa: A002 - its name in the path
) -> None:
    """Delete an evaluation and the transcript in it, for good; a job that isn't judged yet is dropped."""
    if not await asyncio.to_thread(service_of(request).evaluations.delete, caller.tenant, id):
        raise _unknown()


def row_of(service: Service, caller: Caller, submission: Submission, id_: str) -> Kept:
    """Return the row of a submission, once its rubric and judge are known to be there."""
    asked = submission.asked
    now_s = service.clock()
    service.rubrics.asked(caller.tenant, asked.rubric)
    return Kept(
        tenant=caller.tenant,
        id=id_,
        status="queued",
        created_s=now_s,
        expires_s=service.expires_s(),
        rubric=asked.rubric,
        judge=service.judges.known(asked.judge),
        candidate=asked.candidate,
        metadata=asked.metadata,
    )


async def _submit(service: Service, caller: Caller, submission: Submission, kept: Kept) -> Response:
    if submission.asked.store is False:
        raise Problem(
            422,
            "store_required",
            "A job can't be fetched if it isn't stored",
            where="store",
            remedy="leave `store` out, or wait for the answer without `Prefer: respond-async`",
        )

    def submit() -> EvaluationResource | None:
        rubric = service.rubrics.asked(caller.tenant, kept.rubric)
        spec = service.judges.spec(kept.judge, rubric)
        service.lanes.submit(caller.tenant, spec, [Job(kept, submission.transcript)])
        return service.evaluations.get(caller.tenant, kept.id)

    resource = await asyncio.to_thread(submit)
    service.nudge()
    if resource is None:
        raise _unknown()
    headers = {"Location": f"/v1/evaluations/{kept.id}", "Retry-After": "1", "Preference-Applied": "respond-async"}
    return _answer(resource, 202, headers)


async def judge_now(request: Request, service: Service, submission: Submission, kept: Kept) -> EvaluationResource:
    """Judge a submission while its caller waits; keep the evaluation if that was asked for.

    Raises:
        Problem: The service has too much in work, or the deadline passed.
        ClientGone: Nobody waits.
        EvaluatorError: As `aevaluate`.
    """
    asked = submission.asked
    rubric = await asyncio.to_thread(service.rubrics.asked, kept.tenant, kept.rubric)
    judge = await asyncio.to_thread(service.judges.judge, kept.judge)
    deadline_s = min(asked.deadline_s or service.config.deadline_s, service.config.deadline_s)
    with service.room.place():
        evaluation = await grade(request, service.loop, aevaluate(submission.transcript, rubric, judge), deadline_s)
    now_s = service.clock()
    card = evaluation.scorecard
    stored = asked.store is True
    if stored:
        whole = Kept(
            tenant=kept.tenant,
            id=kept.id,
            status="completed",
            created_s=kept.created_s,
            expires_s=kept.expires_s,
            rubric=kept.rubric,
            judge=kept.judge,
            candidate=kept.candidate,
            metadata=kept.metadata,
            evaluation=evaluation,
            settled_s=now_s,
        )
        await asyncio.to_thread(service.evaluations.add, whole)
    return EvaluationResource(
        id=kept.id,
        status="completed",
        stored=stored,
        created_at=time_of(kept.created_s),
        settled_at=time_of(now_s),
        expires_at=time_of(kept.expires_s) if stored else None,
        candidate=kept.candidate,
        metadata=dict(kept.metadata),
        rubric=kept.rubric,
        judge=kept.judge,
        score=card.score,
        band=card.band,
        needs_review=card.needs_review,
        evaluation=evaluation,
    )


def _answer(
    resource: EvaluationResource, status: Literal[200, 202] = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(resource.model_dump_json(), status, headers=headers, media_type="application/json")


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such evaluation", where="id")
