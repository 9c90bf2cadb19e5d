"""What a tenant used, as the service answers it."""

from __future__ import annotations

from datetime import datetime

from evaluator.client.resources.shared import Resource

__all__ = ["UsageLimits", "UsageResource"]


class UsageLimits(Resource):
    """What a tenant may use; ``None`` doesn't limit it."""

    rate_per_minute: int | None
    concurrency: int | None
    monthly_budget_usd: float | None


class UsageResource(Resource):
    """What a tenant used in the calendar month, UTC."""

    tenant: str
    month: str
    resets_at: datetime
    requests: int
    evaluations: int
    cost_usd: float
    reserved_usd: float
    limits: UsageLimits
    left_usd: float | None
