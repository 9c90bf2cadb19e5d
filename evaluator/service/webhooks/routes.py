"""``/v1/webhooks``: thin, since endpoints, deliveries and the courier stand elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol, TypeVar, cast

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response

from evaluator.errors import InputError
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.problems import PROBLEM_ANSWERS, Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import allowed
from evaluator.service.webhooks.deliveries import DeliveryStatus
from evaluator.service.webhooks.endpoint import EndpointDisabled, EndpointMissing
from evaluator.service.webhooks.endpoints import TooMany
from evaluator.service.webhooks.guard import UrlRefused
from evaluator.service.webhooks.parts import Webhooks
from evaluator.service.webhooks.wire import (
    DeliveryResource,
    NewWebhook,
    Rotation,
    WebhookChange,
    WebhookList,
    WebhookResource,
    WebhookSecret,
    WebhookWithSecret,
    delivery_resource,
    webhook_resource,
)
from evaluator.service.wire import MOST_BYTES, Cursor, Page, Wire, read_cursor, time_of, write_cursor

__all__ = ["router"]

router: Final = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=PROBLEM_ANSWERS)
_FORM: Final = "^[0-9A-Za-z_-]{1,64}$"  # no null character, which one of the databases can't even be asked for
_Id = Annotated[str, Path(description="Id of the webhook.", pattern=_FORM, examples=["we_5f0c6b1d9e2a4c3b8d7e6f50"])]
_Delivery = Annotated[
    str, Path(description="Id of the delivery.", pattern=_FORM, examples=["wd_5f0c6b1d9e2a4c3b8d7e6f50"])
]
_Reader = Annotated[Caller, Depends(allowed("webhooks:read"))]
_Writer = Annotated[Caller, Depends(allowed("webhooks:write"))]
_KEYED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key and request get the same answer for a day.",
            "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
        }
    ]
}
_KINDS: Final[tuple[tuple[type[InputError], int, str, str], ...]] = (
    (EndpointMissing, 404, "not_found", "There is no such thing"),
    (EndpointDisabled, 409, "webhook_disabled", "The webhook is disabled"),
    (TooMany, 409, "too_many_webhooks", "There are as many webhooks as there may be"),
    (UrlRefused, 422, "webhook_url", "Events can't be sent to this url"),
)
_Result = TypeVar("_Result")


class _WithWebhooks(Protocol):
    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def clock(self) -> Callable[[], float]: ...


@router.post(
    "",
    status_code=201,
    summary="Make a webhook",
    response_model=WebhookWithSecret,
    openapi_extra=_KEYED,
    max_body_size=MOST_BYTES,
)
async def create_webhook(request: Request, caller: _Writer, asked: NewWebhook) -> Response:
    """Tell where events shall be sent. The answer holds the secret that verifies them: it is never told again."""
    endpoints = _service(request).webhooks.endpoints

    async def make(id_: str) -> Response:
        made, secret = await _done(
            lambda: endpoints.create(caller.tenant, asked.url, asked.events, asked.description, id_=id_)
        )
        told = WebhookWithSecret(**dict(webhook_resource(made)), secret=secret)
        return _answer(told, 201, {"Location": f"/v1/webhooks/{made.id}", "Cache-Control": "no-store"})

    return await idempotent(request, caller, await request.body(), "we", make)


@router.get("", summary="List webhooks")
async def list_webhooks(request: Request, caller: _Reader) -> WebhookList:
    """Return all webhooks, oldest first."""
    endpoints = _service(request).webhooks.endpoints
    found = await _done(lambda: endpoints.all(caller.tenant))
    return WebhookList(data=[webhook_resource(endpoint) for endpoint in found])


@router.get("/{id}", summary="Fetch one webhook")
async def get_webhook(request: Request, caller: _Reader, id: _Id) -> WebhookResource:  # noqa: A002 - its name in the path
    """Return a webhook, without its secret."""
    endpoints = _service(request).webhooks.endpoints
    return webhook_resource(await _done(lambda: endpoints.get(caller.tenant, id)))


@router.patch("/{id}", summary="Change a webhook", max_body_size=MOST_BYTES)
async def change_webhook(
    request: Request,
    caller: _Writer,
    id: _Id,  # noqa: A002 - its name in the path
    asked: WebhookChange,
) -> WebhookResource:
    """Change what is given; `{"disabled": false}` enables one again that was disabled."""
    endpoints = _service(request).webhooks.endpoints
    changed = await _done(
        lambda: endpoints.change(
            caller.tenant,
            id,
            url=asked.url,
            events=asked.events,
            description=asked.description,
            disabled=asked.disabled,
        )
    )
    return webhook_resource(changed)


@router.delete("/{id}", status_code=204, summary="Delete a webhook", response_class=Response)
async def delete_webhook(request: Request, caller: _Writer, id: _Id) -> None:  # noqa: A002 - its name in the path
    """Delete a webhook with its secrets and deliveries; what waited for it isn't sent."""
    endpoints = _service(request).webhooks.endpoints
    await _done(lambda: endpoints.delete(caller.tenant, id))


@router.post(
    "/{id}/rotate-secret",
    summary="Replace the secret of a webhook",
    response_model=WebhookSecret,
    openapi_extra=_KEYED,
    max_body_size=MOST_BYTES,
)
async def rotate_secret(
    request: Request,
    caller: _Writer,
    id: _Id,  # noqa: A002 - its name in the path
    asked: Annotated[Rotation | None, Body()] = None,
) -> Response:
    """Make a new secret. The one of before signs beside it for a day, unless less is asked for."""
    service, overlap_s = _service(request), (asked or Rotation()).overlap_s
    endpoints = service.webhooks.endpoints

    async def rotate(_: str) -> Response:
        secret = await _done(lambda: endpoints.rotate(caller.tenant, id, overlap_s))
        told = WebhookSecret(secret=secret, previous_expires_at=time_of(service.clock() + overlap_s))
        return _answer(told, 200, {"Cache-Control": "no-store"})

    return await idempotent(request, caller, await request.body(), "ws", rotate)


@router.post(
    "/{id}/test", status_code=202, summary="Send a test event", response_model=DeliveryResource, openapi_extra=_KEYED
)
async def test_webhook(
    request: Request,
    caller: _Writer,
    id: _Id,  # noqa: A002 - its name in the path
) -> Response:
    """Send an event of type `webhook.test`, once; fetch the deliveries to see what became of it."""
    deliveries = _service(request).webhooks.deliveries

    async def test(_: str) -> Response:
        return _answer(delivery_resource(await _done(lambda: deliveries.test(caller.tenant, id))), 202)

    return await idempotent(request, caller, await request.body(), "wd", test)


@router.get("/{id}/deliveries", summary="List what was sent to a webhook")
async def list_deliveries(  # noqa: PLR0913, PLR0917 - one parameter per filter of the list
    request: Request,
    caller: _Reader,
    id: _Id,  # noqa: A002 - its name in the path
    cursor: Annotated[Cursor, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Most of them in one page.")] = 20,
    status: Annotated[DeliveryStatus | None, Query(description="Only those that stand so.")] = None,
) -> Page[DeliveryResource]:
    """Return events with every attempt, newest first."""
    deliveries, before = _service(request).webhooks.deliveries, read_cursor(cursor)
    found, more = await _done(lambda: deliveries.page(caller.tenant, id, status=status, before=before, limit=limit))
    return Page[DeliveryResource](
        data=[delivery_resource(one) for one in found], next_cursor=None if more is None else write_cursor(more)
    )


@router.post(
    "/{id}/deliveries/{delivery}/replay",
    status_code=202,
    summary="Send an event again",
    response_model=DeliveryResource,
    openapi_extra=_KEYED,
)
async def replay_delivery(
    request: Request,
    caller: _Writer,
    id: _Id,  # noqa: A002 - its name in the path
    delivery: _Delivery,
) -> Response:
    """Send the same message, with the same `webhook-id`, at once and with all its attempts before it."""
    deliveries = _service(request).webhooks.deliveries

    async def replay(_: str) -> Response:
        return _answer(delivery_resource(await _done(lambda: deliveries.replay(caller.tenant, id, delivery))), 202)

    return await idempotent(request, caller, await request.body(), "wd", replay)


def _service(request: Request) -> _WithWebhooks:
    return cast("_WithWebhooks", request.app.state.service)


def _answer(told: Wire, status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(told.model_dump_json(), status, headers=headers, media_type="application/json")


async def _done(work: Callable[[], _Result]) -> _Result:
    """Run work on the database in a thread; what a caller can mend is a problem with a code of its own."""
    try:
        return await asyncio.to_thread(work)
    except InputError as error:
        row = next((row for row in _KINDS if isinstance(error, row[0])), None)
        if row is None:
            raise
        _, status, code, title = row
        raise Problem(status, code, title, detail=error.message, where=error.where, remedy=error.remedy) from error
