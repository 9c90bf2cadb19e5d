"""``/``, ``/practice`` and ``/evaluate``: what to judge, and the judging."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from evaluator.errors import EvaluatorError
from evaluator.rubric import QuestionType
from evaluator.service.context import Service, service_of
from evaluator.service.evaluations.routes import judge_now, wanted_of
from evaluator.service.page.choices import RubricChoice, choices_of, sample_text
from evaluator.service.page.forms import EvaluateForm, read_evaluate_form, submission_of
from evaluator.service.page.guard import PageRoute, visitor
from evaluator.service.page.rendering import respond
from evaluator.service.page.results import result_values
from evaluator.service.problems import Problem, problem_of
from evaluator.service.tenants.caller import Caller

__all__ = ["router"]

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_ANSWER_S: Final = 180
_SECONDS: Final = "answer_seconds"  # the quantity of a rubric that says how long an answer may take
_Name = Annotated[str, Query(max_length=200)]


@router.get("/")
async def home(
    request: Request, caller: Annotated[Caller, Depends(visitor("evaluations:read"))], sample: _Name = ""
) -> Response:
    """Return the form that takes a transcript, filled with a sample if one was picked."""
    text, rubric = sample_text(sample) if sample else ("", None)
    form = EvaluateForm(text=text, rubric=rubric or "")
    return await _form_page(request, caller, form, sample=sample)


@router.get("/practice")
async def practice(
    request: Request,
    caller: Annotated[Caller, Depends(visitor("evaluations:read"))],
    rubric: _Name = "",
    after: _Name = "",
    candidate: _Name = "",
) -> Response:
    """Return the timer with a random question of a rubric; another one than that whose type is ``after``."""
    service = service_of(request)
    choices = await asyncio.to_thread(choices_of, service, caller.tenant)
    chosen = _question(choices.rubric(rubric), after)
    form = EvaluateForm(
        rubric=choices.rubric(rubric).name,
        question=chosen.example,
        question_type=chosen.id,
        practice=True,
        keep=bool(candidate),
        candidate=candidate,
    )
    return await _form_page(request, caller, form)


@router.post("/evaluate")
async def evaluate(request: Request, caller: Annotated[Caller, Depends(visitor("evaluations:write"))]) -> Response:
    """Judge what the form holds: a kept attempt has an address of its own, any other is shown this once."""
    service = service_of(request)
    form = await read_evaluate_form(request)
    try:
        submission = await submission_of(form)
        wanted = await asyncio.to_thread(wanted_of, service, caller, submission, f"eval_{secrets.token_hex(12)}")
        resource = await judge_now(request, service, wanted)
    except EvaluatorError as error:
        return await _form_page(request, caller, form, problem=problem_of(error))
    except Problem as problem:
        return await _form_page(request, caller, form, problem=problem)
    if resource.stored:
        return RedirectResponse(f"/evaluations/{resource.id}", 303)
    values = await asyncio.to_thread(result_values, service, caller.tenant, resource)
    return await respond(request, "result.html", values)


async def _form_page(
    request: Request, caller: Caller, form: EvaluateForm, *, problem: Problem | None = None, sample: str = ""
) -> Response:
    service = service_of(request)
    choices = await asyncio.to_thread(choices_of, service, caller.tenant)
    chosen = choices.rubric(form.rubric)
    page = await respond(
        request,
        "practice.html" if form.practice else "home.html",
        {
            "form": form,
            "choices": choices,
            "chosen": chosen,
            "problem": problem,
            "sample": sample,
            "limit_s": await asyncio.to_thread(_limit_s, service, caller.tenant, chosen.name) if form.practice else 0,
            "retention_days": service.config.retention_days,
        },
        status=problem.status if problem else 200,
    )
    if problem is not None and "Retry-After" in problem.headers:
        page.headers["Retry-After"] = problem.headers["Retry-After"]
    return page


def _question(rubric: RubricChoice, after: str) -> QuestionType:
    others = [one for one in rubric.question_types if one.id != after]
    return random.choice(others or rubric.question_types)  # noqa: S311 - nobody gains by guessing it


def _limit_s(service: Service, tenant: str, name: str) -> int:
    try:
        quantity = service.rubrics.get(tenant, name).rubric.quantities.get(_SECONDS)
    except Problem:
        return _ANSWER_S
    return int(quantity.value) if quantity is not None and quantity.unit == "seconds" else _ANSWER_S
