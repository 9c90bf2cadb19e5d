"""``/healthz`` and ``/readyz``: whether the process lives, and whether it can take work; open to everybody."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from evaluator.errors import EvaluatorError
from evaluator.service.context import service_of
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.wire import Wire
from evaluator.version import __version__

__all__ = ["router"]

router: Final = APIRouter(tags=["health"], responses=PROBLEM_ANSWERS)


class Health(Wire):
    """How the service is."""

    status: Literal["ok"] = "ok"
    version: str = Field(default=__version__, description="Version of the evaluator.")


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> Health:
    """Answer as long as the process lives; nothing else is looked at."""
    return Health()


@router.get("/readyz", summary="Whether it can take work")
async def readyz(request: Request) -> Health:
    """Answer 503 while the database can't be reached, jobs don't move, or the service is stopping."""
    service = service_of(request)
    if service.draining.is_set():
        raise _not_ready("the service is stopping")
    fault = service.fault()
    if fault is not None:
        raise _not_ready(fault)
    try:
        await asyncio.wait_for(asyncio.to_thread(service.lanes.depth), 2.0)
    except (TimeoutError, EvaluatorError):
        raise _not_ready("the database doesn't answer") from None
    return Health()


def _not_ready(detail: str) -> Problem:
    return Problem(503, "not_ready", "The service can't take work now", detail=detail, headers={"Retry-After": "2"})
