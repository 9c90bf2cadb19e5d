"""``POST /v1/agreement``: labels in, or the word to take the tenant's own reviews; a report on a judge out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from evaluator.agreement.labels import LabelSet, parse_labels
from evaluator.agreement.measure import measure
from evaluator.agreement.report import AgreementReport
from evaluator.agreement.scikit import check_installed
from evaluator.rubric import Rubric
from evaluator.service.agreement.measuring import MOST_REVIEWED, MOST_ROWS, bounded, report_asked, report_reviewed
from evaluator.service.context import Service, service_of
from evaluator.service.costs import CALL_S
from evaluator.service.evaluations.grading import ClientGone, grade
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import Wire

__all__ = ["AgreementRequest", "router"]

router: Final = APIRouter(prefix="/v1/agreement", tags=["agreement"], responses=PROBLEM_ANSWERS)
_MOST_BYTES: Final = 4 * 1024 * 1024
_JSONL: Final = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
_CLIENT_GONE: Final = 499
_NAME: Final = r"^[^\x00-\x1f\x7f]*$"
_BODY: Final = {
    "required": True,
    "content": {
        "application/jsonl": {
            "schema": {
                "type": "string",
                "description": f"At most {MOST_ROWS} labelled transcripts, one JSON object a line.",
            },
            "example": (
                '{"id": "anna-1", "turns": [{"speaker": "candidate", "text": "I would count clicks."}], '
                '"labels": {"vanity_metric": "present"}}\n'
            ),
        },
        "application/json": {"schema": {"$ref": "#/components/schemas/AgreementRequest"}},
    },
}


class AgreementRequest(Wire):
    """Where labels come from, if they aren't sent."""

    source: Literal["reviews"] = Field(
        description=f"Reviews of your own stored evaluations, at most {MOST_REVIEWED:,}; no judge is asked again."
    )


@router.post(
    "",
    summary="Measure how far a judge agrees with people",
    response_model=AgreementReport,
    openapi_extra={"requestBody": _BODY},
    max_body_size=_MOST_BYTES,
)
async def measure_agreement(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("agreement"))],
    rubric: Annotated[
        str, Query(max_length=200, pattern=_NAME, description="Rubric that was labelled by: `ID`, or `ID@VERSION`.")
    ] = "netflix_pm_metrics",
    judge: Annotated[
        str | None,
        Query(max_length=200, pattern=_NAME, description="One of `/v1/judges`; the default one if not given."),
    ] = None,
) -> Response:
    """Return precision, recall, F1, kappa, coverage and calibration for each criterion and over all, with intervals.

    Labels are sent as `evaluator agreement` reads them, and the judge is asked about each transcript; or, with
    `{"source": "reviews"}`, stored verdicts are compared with what people said of them. Nothing of it is kept.
    """
    service = service_of(request)
    body = await _body(request)
    check_installed()
    name = service.judges.known(judge)
    kept = await asyncio.to_thread(service.rubrics.get, caller.tenant, rubric)

    async def work(id_: str) -> Response:
        with service.measuring.place():
            if body is None:
                found = service.reviews.each(caller.tenant, kept.rubric.id, name)
                report = await asyncio.to_thread(report_reviewed, found, kept.rubric)
            else:
                labels = bounded(await asyncio.to_thread(parse_labels, body, kept.rubric))
                report = await _asked(request, service, caller, _Question(labels, kept.rubric, name, id_))
        return Response(report.model_dump_json(), media_type="application/json")

    try:
        return await idempotent(request, caller, body or b"", "agreement", work)
    except ClientGone:
        return Response(status_code=_CLIENT_GONE)


@dataclass(frozen=True, slots=True)
class _Question:
    """What a judge is to be asked.

    Attributes:
        labels: About what.
        rubric: By what.
        judge: Who.
        id: Of the request.
    """

    labels: LabelSet
    rubric: Rubric
    judge: str
    id: str


async def _asked(request: Request, service: Service, caller: Caller, question: _Question) -> AgreementReport:
    labels, rubric, name = question.labels, question.rubric, question.judge
    judge = await asyncio.to_thread(service.judges.judge, name)
    info = await asyncio.to_thread(judge.info, rubric)
    sample = [row.transcript for row in labels.rows if row.transcript is not None]
    async with service.tenancy.slots.hold(caller.tenant):
        held = await asyncio.to_thread(
            service.purser.hold_batch,
            caller.tenant,
            name,
            rubric,
            sample,
            len(sample),
            f"{question.id} {service.clock()}",
            lapses_after_s=CALL_S,
        )
        cost_usd = held.usd  # of what was given up nobody knows what it cost
        try:
            work = measure(labels.rows, rubric, judge)
            measurement = await grade(request, service, work, service.config.deadline_s)
            cost_usd = sum(evaluation.usage.cost_usd for evaluation in measurement.evaluations.values())
        except Problem as problem:
            if problem.code == "deadline":
                problem.where, problem.remedy = "body", "send fewer labels, or use `evaluator agreement LABELS.jsonl`"
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(service.purser.settle, held, cost_usd))
    service.tenancy.usage.add(caller.tenant, "evaluations", len(measurement.evaluations))
    return await asyncio.to_thread(report_asked, labels, rubric, info, service.judges.plan(name), measurement)


async def _body(request: Request) -> bytes | None:
    """Return the labels that were sent; ``None`` if reviews are meant.

    Raises:
        Problem: 415; it is neither.
        RequestValidationError: The word that isn't labels has no meaning.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in _JSONL:
        return await request.body()
    if kind != "application/json":
        raise Problem(
            415,
            "media_type",
            "The body's type isn't read here",
            where="Content-Type",
            remedy='send labels as application/jsonl, or {"source": "reviews"} as application/json',
        )
    try:
        AgreementRequest.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from None
    return None
