"""``GET /v1/judges``: who judges here, what each needs and costs, and how far its verdicts were found to hold."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from evaluator.backends import find_backend
from evaluator.backends.local.calibration import Calibration, load_calibration
from evaluator.backends.similarity_judge import shipped_calibration
from evaluator.errors import EvaluatorError
from evaluator.judges.building import JudgePlan, build_estimate
from evaluator.judges.weighing import Weighing
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric
from evaluator.service.context import service_of
from evaluator.service.evaluations.wire import EXAMPLE
from evaluator.service.judges import JudgeRoom
from evaluator.service.problems import PROBLEM_ANSWERS
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.wire import Page, Wire
from evaluator.transcripts import parse_transcript
from evaluator.values.judge import JudgeInfo

__all__ = ["JudgeAgreement", "JudgeResource", "Price", "router"]

router: Final = APIRouter(prefix="/v1/judges", tags=["judges"], responses=PROBLEM_ANSWERS)


class Price(Wire):
    """What judging one short answer costs; first answers alone, since nobody can know what is asked again."""

    known: bool = Field(description="Whether anybody told what the model costs; if not, nothing is guessed.")
    usd: float | None = Field(default=None, ge=0, description="US dollars for a short answer; null if unknown.")
    usd_at_most: float | None = Field(
        default=None, ge=0, description="If replies, thinking included, take all that they may; null if unknown."
    )


class JudgeAgreement(Wire):
    """Agreement with people's labels, on transcripts of authors that the judge had not been trained on."""

    calibration: str = Field(description="Id of the calibration that was measured.")
    labels: str = Field(description="File of labels.")
    rows: int = Field(ge=1, description="Transcripts in it.")
    macro_f1: float | None = Field(description="F1 on `present`, mean over criteria.")
    macro_f1_interval: tuple[float, float] | None = Field(description="95 % interval of that.")
    coverage: float | None = Field(description="Share of labels on which it gave a verdict.")
    ece: float | None = Field(description="Expected calibration error of its confidence.")
    span_overlap: float | None = Field(description="Share of its quotes that overlap the labelled ones.")
    by_criterion: dict[str, float | None] = Field(description="F1 by criterion.")


class JudgeResource(Wire):
    """One judge that can be asked for."""

    name: str = Field(description="What `judge` takes.")
    default: bool = Field(description="Whether it is asked where nobody is named.")
    title: str = Field(description="What it is.")
    hosted: bool = Field(description="Whether transcripts leave this service for somebody else's model.")
    needs: str = Field(description="What must be at hand for it.")
    available: bool = Field(description="Whether it can be asked now.")
    problem: str | None = Field(default=None, description="Why it can't be asked; null if it can.")
    judge: JudgeInfo | None = Field(
        default=None, description="Method, model and hashes, as in its evaluations; null if it can't be asked."
    )
    price: Price
    measured: JudgeAgreement | None = Field(
        default=None, description="How far it was found to agree with people on this rubric; null if nobody measured."
    )


@router.get("", summary="List judges")
async def list_judges(
    request: Request,
    caller: Annotated[Caller, Depends(allowed("rubrics:read"))],
    rubric: Annotated[
        str,
        Query(
            description="Rubric that they would judge by: `ID`, or `ID@VERSION`.",
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f]*$",
        ),
    ] = "netflix_pm_metrics",
) -> Page[JudgeResource]:
    """Return the judges that the operator of this service allows, the default one first; all in one page."""
    service = service_of(request)
    found = await asyncio.to_thread(service.rubrics.get, caller.tenant, rubric)
    data = [await asyncio.to_thread(_resource, service.judges, name, found.rubric) for name in service.judges.names]
    return Page[JudgeResource](data=data, next_cursor=None)


def _resource(room: JudgeRoom, name: str, rubric: Rubric) -> JudgeResource:
    row = find_backend(name.partition(":")[0])
    problem, info, plan = None, None, None
    try:
        plan = room.plan(name)
        info = room.judge(name).info(rubric)
    except EvaluatorError as error:
        problem = error.message
    return JudgeResource(
        name=name,
        default=name == room.names[0],
        title=row.title,
        hosted=row.hosted,
        needs=row.needs,
        available=info is not None,
        problem=problem,
        judge=info,
        price=_price(plan, rubric) if row.hosted else Price(known=True, usd=0.0, usd_at_most=0.0),
        measured=_measured(plan, info, rubric) if plan and info else None,
    )


def _price(plan: JudgePlan | None, rubric: Rubric) -> Price:
    if plan is None:
        return Price(known=False)
    try:
        weighing = Weighing(build_estimate(plan))
        evaluate(parse_transcript(EXAMPLE["transcript"]), rubric, weighing)
    except EvaluatorError:
        return Price(known=False)
    total = weighing.total
    if total.cost_usd is None:
        return Price(known=False)
    return Price(known=True, usd=round(total.cost_usd, 6), usd_at_most=_rounded(total.most_usd))


def _rounded(price: float | None) -> float | None:
    return None if price is None else round(price, 6)


def _measured(plan: JudgePlan, info: JudgeInfo, rubric: Rubric) -> JudgeAgreement | None:
    calibration = _calibration(plan, rubric)
    if calibration is None or calibration.held_out is None or calibration.id != info.calibration:
        return None
    figures = calibration.held_out
    return JudgeAgreement(
        calibration=calibration.id,
        labels=calibration.labels.name,
        rows=calibration.labels.rows,
        macro_f1=figures.macro_f1,
        macro_f1_interval=figures.macro_f1_interval,
        coverage=figures.coverage,
        ece=figures.ece,
        span_overlap=figures.span_overlap,
        by_criterion={criterion: found.f1 for criterion, found in figures.by_criterion.items()},
    )


def _calibration(plan: JudgePlan, rubric: Rubric) -> Calibration | None:
    try:
        if plan.options.calibration is not None:
            return load_calibration(plan.options.calibration)
        return shipped_calibration(rubric.id)
    except EvaluatorError:
        return None
