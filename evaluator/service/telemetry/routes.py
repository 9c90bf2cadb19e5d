"""``/metrics``: what Prometheus scrapes; with a key, where the service asks for keys, that has the scope `metrics`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response

from evaluator.service.problems import PROBLEM_ANSWERS
from evaluator.service.telemetry.metrics import Metrics
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed

__all__ = ["router"]

router: Final = APIRouter(tags=["health"], responses=PROBLEM_ANSWERS)


class _Measured(Protocol):
    """What a service has whose figures can be read."""

    @property
    def metrics(self) -> Metrics: ...


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The figures."}},
)
async def read_metrics(request: Request, caller: Annotated[Caller, Depends(allowed("metrics"))]) -> Response:
    """Return requests, evaluations, verdicts, flags, cost and the depth of the queue, by route, judge and rubric."""
    del caller
    metrics = cast("_Measured", request.app.state.service).metrics
    text, media_type = await asyncio.to_thread(metrics.render)
    return Response(text, media_type=media_type)
