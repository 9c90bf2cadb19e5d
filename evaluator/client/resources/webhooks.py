"""Webhooks, and what was sent to them, as the service answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from evaluator.client.resources.shared import Resource

__all__ = [
    "AttemptResource",
    "DeliveryResource",
    "WebhookList",
    "WebhookResource",
    "WebhookSecret",
    "WebhookWithSecret",
]


class WebhookResource(Resource):
    """A webhook."""

    id: str
    object: Literal["webhook"]
    url: str
    events: tuple[str, ...]
    description: str
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    failing_since: datetime | None


class WebhookWithSecret(WebhookResource):
    """A webhook that was just made, with its secret, which is told this once."""

    secret: str


class WebhookSecret(Resource):
    """A new secret, which is told this once."""

    secret: str
    previous_expires_at: datetime


class WebhookList(Resource):
    """All webhooks."""

    data: tuple[WebhookResource, ...]


class AttemptResource(Resource):
    """One request to a receiver."""

    at: datetime
    duration_s: float
    status_code: int | None
    error: str | None


class DeliveryResource(Resource):
    """An event on its way to a webhook."""

    id: str
    object: Literal["delivery"]
    message: str
    event: str
    status: str
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    attempts: tuple[AttemptResource, ...]
