"""What is sent to and from ``/v1/webhooks``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from evaluator.service.webhooks.deliveries import Delivery, DeliveryStatus
from evaluator.service.webhooks.endpoint import DisabledReason, Endpoint
from evaluator.service.webhooks.events import EventType
from evaluator.service.webhooks.sending import Failure
from evaluator.service.wire import Time, Wire, time_of

__all__ = [
    "AttemptResource",
    "DeliveryResource",
    "NewWebhook",
    "Rotation",
    "WebhookChange",
    "WebhookList",
    "WebhookResource",
    "WebhookSecret",
    "WebhookWithSecret",
    "delivery_resource",
    "webhook_resource",
]

_URL: Final = "https://example.com/webhooks/evaluator"
_Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
_Events = Annotated[list[EventType], Field(max_length=20)]
_Description = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_URL_SAYS: Final = "Where events are sent: https, on the public internet, port 443, 80 or from 1024 on."
_EVENTS_SAY: Final = "Types that are sent; all if empty."


class NewWebhook(Wire):
    """A webhook to be made."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"url": _URL, "events": ["evaluation.completed"], "description": "Our app"}}
    )

    url: _Url = Field(description=_URL_SAYS)
    events: _Events = Field(default=[], description=_EVENTS_SAY)
    description: _Description = Field(default="", description="Yours, to tell it from others.")


class WebhookChange(Wire):
    """What to change of a webhook; what isn't given, or is null, stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"disabled": False}})

    url: _Url | None = Field(default=None, description=_URL_SAYS)
    events: _Events | None = Field(default=None, description=_EVENTS_SAY)
    description: _Description | None = Field(default=None, description="Yours, to tell it from others.")
    disabled: bool | None = Field(
        default=None,
        strict=True,
        description="`true` sends nothing any more; `false` sends again, beginning with what waited.",
    )


def _number(value: object) -> object:
    """Refuse a truth value, which Python takes for a number."""
    if isinstance(value, bool):
        raise ValueError("give a number of seconds")  # noqa: TRY004 - a type error isn't told as a fault of the input
    return value


class Rotation(Wire):
    """How a secret is replaced."""

    overlap_s: Annotated[int, BeforeValidator(_number)] = Field(
        default=86_400,
        ge=0,
        le=86_400,
        description="For how many seconds the secret of before signs beside the new one; 0 if it became known.",
    )


class WebhookResource(Wire):
    """A webhook."""

    id: str = Field(description="Its id.", examples=["we_5f0c6b1d9e2a4c3b8d7e6f50"])
    object: Literal["webhook"] = "webhook"
    url: str = Field(description="Where events are sent.", examples=[_URL])
    events: list[EventType] = Field(description=_EVENTS_SAY)
    description: str = Field(description="Yours.")
    created_at: Time = Field(description="When it was made.")
    disabled_at: Time | None = Field(description="Since when nothing is sent; null while it is enabled.")
    disabled_reason: DisabledReason | None = Field(
        description="`asked` by you, `gone` as the receiver answered 410, `failing` as nothing got through for days."
    )
    failing_since: Time | None = Field(description="First failed attempt since the last that got through.")


class WebhookWithSecret(WebhookResource):
    """A webhook that was just made, with its secret, which is told this once."""

    secret: str = Field(description="Verifies what is sent, by Standard Webhooks. Keep it: it is never told again.")


class WebhookSecret(Wire):
    """A new secret, which is told this once."""

    secret: str = Field(description="Verifies what is sent, by Standard Webhooks. Keep it: it is never told again.")
    previous_expires_at: Time = Field(description="Until when the secrets of before sign too.")


class WebhookList(Wire):
    """All webhooks; there are never many."""

    data: list[WebhookResource] = Field(description="All, oldest first.")


class AttemptResource(Wire):
    """One request to a receiver; of its answer nothing is kept but the status."""

    at: Time = Field(description="When it began.")
    duration_s: float = Field(ge=0, description="How long it took.")
    status_code: int | None = Field(description="Status of the answer; null if there was none.")
    error: Failure | None = Field(description="Why it failed; null if it was delivered.")


class DeliveryResource(Wire):
    """An event on its way to a webhook."""

    id: str = Field(description="Its id.", examples=["wd_5f0c6b1d9e2a4c3b8d7e6f50"])
    object: Literal["delivery"] = "delivery"
    message: str = Field(description="The header `webhook-id`: the same at every attempt and replay.")
    event: str = Field(description="Type of the event, or `webhook.test`.", examples=["evaluation.completed"])
    status: DeliveryStatus = Field(description="`failed` once it is given up; it can be replayed.")
    created_at: Time = Field(description="When the event happened.")
    next_attempt_at: Time | None = Field(description="When it is tried next; null if it isn't.")
    finished_at: Time | None = Field(description="When it was delivered or given up.")
    attempts: list[AttemptResource] = Field(description="All that were made, oldest first.")


def webhook_resource(endpoint: Endpoint) -> WebhookResource:
    """Return an endpoint as it is told."""
    return WebhookResource(
        id=endpoint.id,
        url=endpoint.url,
        events=list(endpoint.events),
        description=endpoint.description,
        created_at=time_of(endpoint.created_s),
        disabled_at=None if endpoint.disabled_s is None else time_of(endpoint.disabled_s),
        disabled_reason=endpoint.disabled_reason,
        failing_since=None if endpoint.failing_since_s is None else time_of(endpoint.failing_since_s),
    )


def delivery_resource(delivery: Delivery) -> DeliveryResource:
    """Return a delivery as it is told."""
    return DeliveryResource(
        id=delivery.id,
        message=delivery.message,
        event=delivery.event,
        status=delivery.status,
        created_at=time_of(delivery.created_s),
        next_attempt_at=None if delivery.next_s is None else time_of(delivery.next_s),
        finished_at=None if delivery.finished_s is None else time_of(delivery.finished_s),
        attempts=[
            AttemptResource(
                at=time_of(one.at_s), duration_s=round(one.duration_s, 6), status_code=one.code, error=one.error
            )
            for one in delivery.attempts
        ],
    )
