"""``/v1/evaluations``: thin, since reading, judging and keeping stand elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from evaluator.errors import EvaluatorError
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.service.context import Service, service_of
from evaluator.service.costs import CALL_S
from evaluator.service.evaluations.grading import ClientGone, grade
from evaluator.service.evaluations.reading import REQUEST_BODY, Submission, read_submission
from evaluator.service.evaluations.store import Filters, Kept, resource_of
from evaluator.service.evaluations.wire import EvaluationResource, EvaluationSummary, Status
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.jobs.job import Job
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import LINE, Cursor, Page, read_cursor, write_cursor

__all__ = ["Wanted", "judge_now", "router", "wanted_of"]

router: Final = APIRouter(prefix="/v1/evaluations", tags=["evaluations"], responses=PROBLEM_ANSWERS)
_FORM: Final = "^[0-9A-Za-z_-]{1,64}$"  # no null character, which one of the databases can't even be asked for
_Id = Annotated[
    str, Path(description="Id of the evaluation.", pattern=_FORM, examples=["eval_5f0c6b1d9e2a4c3b8d7e6f50"])
]
_Text = Annotated[str | None, Query(max_length=200, pattern=LINE)]
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
    later = re.search(r"(?:^|,)\s*respond-async\s*(?:[;,]|$)", prefer or "", re.IGNORECASE) is not None

    async def work(id_: str) -> Response:
        wanted = await asyncio.to_thread(wanted_of, service, caller, submission, id_)
        if later:
            return await _submit(service, wanted)
        return _answer(await judge_now(request, service, wanted))

    try:
        body = submission.body + (b"\nrespond-async" if later else b"")
        return await idempotent(request, caller, body, "eval", work)
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """A submission, once its rubric and judge are known to be there.

    Attributes:
        submission: What was sent.
        rubric: Judges it.
        kept: Its row, as long as nothing is judged.
    """

    submission: Submission
    rubric: Rubric
    kept: Kept


def wanted_of(service: Service, caller: Caller, submission: Submission, id_: str) -> Wanted:
    """Return a submission with its rubric.

    Raises:
        Problem: There is no such rubric, or no such judge.
    """
    asked = submission.asked
    now_s = service.clock()
    rubric = service.rubrics.asked(caller.tenant, asked.rubric)
    kept = Kept(
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
    return Wanted(submission, rubric, kept)


async def _submit(service: Service, wanted: Wanted) -> Response:
    kept, transcript = wanted.kept, wanted.submission.transcript
    if wanted.submission.asked.store is False:
        raise Problem(
            422,
            "store_required",
            "A job can't be fetched if it isn't stored",
            where="store",
            remedy="leave `store` out, or wait for the answer without `Prefer: respond-async`",
        )

    def submit() -> EvaluationResource | None:
        spec = service.judges.spec(kept.judge, wanted.rubric)
        service.purser.hold(kept.tenant, kept.judge, wanted.rubric, transcript, kept.id)
        service.lanes.submit(kept.tenant, spec, [Job(kept, transcript)])
        return service.evaluations.get(kept.tenant, kept.id)

    resource = await asyncio.to_thread(submit)
    service.nudge()
    if resource is None:
        raise _unknown()
    headers = {"Location": f"/v1/evaluations/{kept.id}", "Retry-After": "1", "Preference-Applied": "respond-async"}
    return _answer(resource, 202, headers)


async def judge_now(request: Request, service: Service, wanted: Wanted) -> EvaluationResource:
    """Judge while the caller waits, at their tenant's cost; keep the evaluation if that was asked for.

    Raises:
        Problem: Too much is in work, the tenant's money is spent, or the deadline passed.
        ClientGone: Nobody waits.
        EvaluatorError: As `aevaluate`.
    """
    asked, kept, transcript = wanted.submission.asked, wanted.kept, wanted.submission.transcript
    if asked.store is True:
        before = await asyncio.to_thread(service.evaluations.get, kept.tenant, kept.id)
        if before is not None:  # the process that judged it died before it could answer
            return before
    judge = await asyncio.to_thread(service.judges.judge, kept.judge)
    deadline_s = min(asked.deadline_s or service.config.deadline_s, service.config.deadline_s)
    with service.room.place():
        async with service.tenancy.slots.hold(kept.tenant), _paid(service, wanted) as paid:
            work = aevaluate(transcript, wanted.rubric, judge)
            try:
                evaluation = await grade(request, service, work, deadline_s)
            except (EvaluatorError, Problem):  # no answer, or none in time
                service.metrics.failed(kept.judge, kept.rubric)
                raise
            paid.append(evaluation.usage.cost_usd)
    service.tenancy.usage.add(kept.tenant, "evaluations")
    service.metrics.evaluated(kept.judge, kept.rubric, evaluation)
    done = replace(kept, status="completed", evaluation=evaluation, settled_s=service.clock())
    if asked.store is True:
        await asyncio.to_thread(service.evaluations.add, done)
    return resource_of(done, stored=asked.store is True)


@asynccontextmanager
async def _paid(service: Service, wanted: Wanted) -> AsyncGenerator[list[float]]:
    """Set money aside while the block runs, and count what it says that was paid; if it says nothing, all of it."""
    kept = wanted.kept
    if not service.judges.hosted(kept.judge):
        yield []
        return
    transcript = wanted.submission.transcript
    held = await asyncio.to_thread(
        service.purser.hold,
        kept.tenant,
        kept.judge,
        wanted.rubric,
        transcript,
        f"{kept.id} {service.clock()}",
        lapses_after_s=CALL_S,
    )
    paid: list[float] = []
    try:
        yield paid
    except EvaluatorError:  # providers bill no request that they refused
        paid.append(0.0)
        raise
    finally:
        await asyncio.shield(asyncio.to_thread(service.purser.settle, held, paid[0] if paid else held.usd))


def _answer(
    resource: EvaluationResource, status: Literal[200, 202] = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(resource.model_dump_json(), status, headers=headers, media_type="application/json")


def _unknown() -> Problem:
    return Problem(404, "not_found", "There is no such evaluation", where="id")
