"""``GET /v1/usage``: what the caller's tenant used this month, what it may use, and what is left."""

from __future__ import annotations

import asyncio
from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Request
from pydantic import ConfigDict, Field

from evaluator.service.problems import PROBLEM_ANSWERS
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.tenants.months import month_end_s, month_of
from evaluator.service.tenants.tenancy import Tenancy
from evaluator.service.wire import Time, Wire, time_of

__all__ = ["UsageLimits", "UsageResource", "router", "usage_of"]

router = APIRouter(tags=["usage"])


class UsageLimits(Wire):
    """What a tenant may use; null doesn't limit it."""

    rate_per_minute: int | None = Field(description="Most requests in any 60 seconds.")
    concurrency: int | None = Field(description="Most evaluations in flight at once.")
    monthly_budget_usd: float | None = Field(description="Most that hosted judges may cost a month, US dollars.")


class UsageResource(Wire):
    """What a tenant used in the calendar month, UTC."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tenant": "tn_5f0c6b1d9e2a4c3b8d7e6f50",
                "month": "2026-11",
                "resets_at": "2026-12-01T00:00:00.000Z",
                "requests": 1280,
                "evaluations": 912,
                "cost_usd": 3.42,
                "reserved_usd": 0.02,
                "limits": {"rate_per_minute": 120, "concurrency": 8, "monthly_budget_usd": 20.0},
                "left_usd": 16.56,
            }
        }
    )

    tenant: str = Field(description="Id of the caller's tenant.")
    month: str = Field(description="The month, as in `2026-11`.", pattern=r"^\d{4}-\d{2}$")
    resets_at: Time = Field(description="When the next month, and with it the budget, begins.")
    requests: int = Field(description="Requests that were let in.", ge=0)
    evaluations: int = Field(description="Evaluations that ended.", ge=0)
    cost_usd: float = Field(description="What hosted judges cost; local ones cost nothing.", ge=0)
    reserved_usd: float = Field(description="What calls in flight may cost at most.", ge=0)
    limits: UsageLimits = Field(description="What the tenant may use.")
    left_usd: float | None = Field(description="What is left of the budget; null without one.", ge=0)


class _Serving(Protocol):
    tenancy: Tenancy


def usage_of(tenancy: Tenancy, tenant: str, now_s: float) -> UsageResource:
    """Return what a tenant used this month.

    Raises:
        DatabaseFailed: It can't be read.
    """
    used, standing, limits = (
        tenancy.usage.used(tenant),
        tenancy.budgets.standing(tenant),
        tenancy.tenants.limits(tenant),
    )
    return UsageResource(
        tenant=tenant,
        month=month_of(now_s),
        resets_at=time_of(month_end_s(now_s)),
        requests=used.requests,
        evaluations=used.evaluations,
        cost_usd=standing.spent_usd,
        reserved_usd=standing.reserved_usd,
        limits=UsageLimits(
            rate_per_minute=limits.rate_per_minute,
            concurrency=limits.concurrency,
            monthly_budget_usd=limits.monthly_budget_usd,
        ),
        left_usd=standing.left_usd,
    )


@router.get("/v1/usage", summary="Tell what was used this month", responses=PROBLEM_ANSWERS)
async def read_usage(
    request: Request, caller: Annotated[Caller, Depends(allowed("evaluations:read"))]
) -> UsageResource:
    """Return this month's requests, evaluations and cost of the caller's tenant, its limits, and what is left."""
    tenancy = cast("_Serving", request.app.state.service).tenancy
    return await asyncio.to_thread(usage_of, tenancy, caller.tenant, tenancy.clock())
