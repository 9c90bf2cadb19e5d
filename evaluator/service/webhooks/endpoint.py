"""One endpoint of a tenant, as its row holds it: where messages go, and whether they do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

from evaluator.batch.database import Row, Transaction
from evaluator.errors import InputError
from evaluator.service.webhooks.events import EventType

__all__ = [
    "DisabledReason",
    "Endpoint",
    "EndpointDisabled",
    "EndpointMissing",
    "find_endpoint",
    "find_endpoints",
    "missing",
]

_COLUMNS: Final = "endpoint, url, events, description, created_s, disabled_s, disabled_reason, failing_since_s"

DisabledReason = Literal["asked", "failing", "gone"]


class EndpointMissing(InputError):
    """This tenant has no such webhook, or no such delivery of it."""


class EndpointDisabled(InputError):
    """Nothing is sent to a webhook that is disabled."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages of a tenant go.

    Attributes:
        id: ``we_`` and 24 hex digits.
        url: Of the receiver.
        events: Types that it is told; all if there are none.
        description: The tenant's own words.
        created_s: Seconds of the epoch, as all times here.
        disabled_s: Since when nothing is sent; ``None`` while it is enabled.
        disabled_reason: ``asked`` by the tenant, ``gone`` as the receiver answered 410, or ``failing`` for days.
        failing_since_s: First failed attempt since the last one that got through; ``None`` if that was the last.
    """

    id: str
    url: str
    events: tuple[EventType, ...]
    description: str
    created_s: float
    disabled_s: float | None
    disabled_reason: DisabledReason | None
    failing_since_s: float | None


def find_endpoint(transaction: Transaction, tenant: str, endpoint: str) -> Endpoint:
    """Return an endpoint as a transaction sees it.

    Raises:
        EndpointMissing: The tenant has none of this id.
    """
    rows = transaction.rows(
        f"SELECT {_COLUMNS} FROM sv_webhooks WHERE endpoint = :endpoint AND tenant = :tenant",  # noqa: S608 - our own text
        {"endpoint": endpoint, "tenant": tenant},
    )
    if not rows:
        raise missing()
    return _endpoint(rows[0])


def find_endpoints(transaction: Transaction, tenant: str) -> list[Endpoint]:
    """Return a tenant's endpoints, the oldest first; there are never many."""
    rows = transaction.rows(
        f"SELECT {_COLUMNS} FROM sv_webhooks WHERE tenant = :tenant ORDER BY created_s, endpoint",  # noqa: S608 - our own text
        {"tenant": tenant},
    )
    return [_endpoint(row) for row in rows]


def missing() -> EndpointMissing:
    """Return the error for an endpoint that this tenant hasn't."""
    return EndpointMissing("there is no such webhook", where="id", remedy="list them with GET /v1/webhooks")


def _endpoint(row: Row) -> Endpoint:
    endpoint, url, events, description, *rest = row
    return Endpoint(endpoint, url, tuple(json.loads(events)), description, *rest)
