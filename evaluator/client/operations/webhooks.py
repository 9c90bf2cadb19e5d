"""Calls about webhooks, usage and the service itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evaluator.client.call import Call, as_json, nothing, reader
from evaluator.client.resources.shared import Health, Page
from evaluator.client.resources.usage import UsageResource
from evaluator.client.resources.webhooks import (
    DeliveryResource,
    WebhookList,
    WebhookResource,
    WebhookSecret,
    WebhookWithSecret,
)

__all__ = [
    "change_webhook",
    "create_webhook",
    "delete_webhook",
    "get_webhook",
    "health",
    "list_deliveries",
    "list_webhooks",
    "read_usage",
    "ready",
    "replay_delivery",
    "rotate_secret",
    "test_webhook",
]

_ALL: Final = "/v1/webhooks"
_ONE: Final = "/v1/webhooks/{id}"


def create_webhook(
    url: str, events: Sequence[str], description: str, *, key: str | None = None
) -> Call[WebhookWithSecret]:
    """Make a webhook."""
    body = as_json({"url": url, "events": list(events), "description": description})
    return Call(method="POST", path=_ALL, body=body, read=reader(WebhookWithSecret), key=key)


def list_webhooks() -> Call[WebhookList]:
    """List webhooks."""
    return Call(method="GET", path=_ALL, read=reader(WebhookList))


def get_webhook(id_: str) -> Call[WebhookResource]:
    """Fetch one webhook."""
    return Call(method="GET", path=_ONE, names={"id": id_}, read=reader(WebhookResource))


def change_webhook(
    id_: str, url: str | None, events: Sequence[str] | None, description: str | None, *, disabled: bool | None
) -> Call[WebhookResource]:
    """Change what is given of a webhook."""
    told = {
        "url": url,
        "events": None if events is None else list(events),
        "description": description,
        "disabled": disabled,
    }
    return Call(method="PATCH", path=_ONE, names={"id": id_}, body=as_json(told), read=reader(WebhookResource))


def delete_webhook(id_: str) -> Call[None]:
    """Delete a webhook."""
    return Call(method="DELETE", path=_ONE, names={"id": id_}, read=nothing)


def rotate_secret(id_: str, overlap_s: int | None) -> Call[WebhookSecret]:
    """Replace the secret of a webhook."""
    return Call(
        method="POST",
        path=f"{_ONE}/rotate-secret",
        names={"id": id_},
        body=as_json({"overlap_s": overlap_s}),
        read=reader(WebhookSecret),
    )


def test_webhook(id_: str) -> Call[DeliveryResource]:
    """Send a test event."""
    return Call(method="POST", path=f"{_ONE}/test", names={"id": id_}, read=reader(DeliveryResource))


def list_deliveries(
    id_: str, cursor: str | None = None, *, limit: int = 100, status: str | None = None
) -> Call[Page[DeliveryResource]]:
    """Fetch one page of what was sent to a webhook."""
    return Call(
        method="GET",
        path=f"{_ONE}/deliveries",
        names={"id": id_},
        query={"cursor": cursor, "limit": limit, "status": status},
        read=reader(Page[DeliveryResource]),
    )


def replay_delivery(id_: str, delivery: str) -> Call[DeliveryResource]:
    """Send an event again."""
    return Call(
        method="POST",
        path=f"{_ONE}/deliveries/{{delivery}}/replay",
        names={"id": id_, "delivery": delivery},
        read=reader(DeliveryResource),
    )


def read_usage() -> Call[UsageResource]:
    """Tell what was used this month."""
    return Call(method="GET", path="/v1/usage", read=reader(UsageResource))


def health() -> Call[Health]:
    """Tell whether the process lives."""
    return Call(method="GET", path="/healthz", read=reader(Health))


def ready() -> Call[Health]:
    """Tell whether it can take work."""
    return Call(method="GET", path="/readyz", read=reader(Health))
