"""``Idempotency-Key`` in routes: ``return await idempotent(request, caller, body, "eval", work)``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, cast

from fastapi import Request
from starlette.responses import Response

from evaluator.service.idempotency.answers import Answer
from evaluator.service.idempotency.replays import Idempotency
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.tenants.caller import Caller

__all__ = ["REPLAYED", "idempotent"]

REPLAYED: Final = "Idempotent-Replayed"


class _Serving(Protocol):
    idempotency: Idempotency


async def idempotent(
    request: Request, caller: Caller, body: bytes, prefix: str, work: Callable[[str], Awaitable[Response]]
) -> Response:
    """Answer a request that makes something, once: with the work, or as it was answered before.

    A `Problem` that the work raises isn't kept: the same request is refused anew.

    Args:
        request: The request; the service stands at ``request.app.state.service``.
        caller: Whose it is.
        body: All that was sent; for a form, its parts in a form that doesn't change by chance, as its boundary does.
        prefix: Of the id of what the work makes, as in ``eval``.
        work: Gets that id, and must bear being run again with it; its response must have its whole body.

    Raises:
        Problem: 422 or 409, as `Idempotency.once`.
        DatabaseFailed: The claim can't be written.
    """
    keys = request.headers.getlist("Idempotency-Key")
    target = f"{request.url.path}?{request.url.query}"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    asked = Asked(request.method, target, body, media_type)

    fresh: list[Response] = []

    async def answer(made_id: str) -> Answer:
        response = await work(made_id)
        fresh.append(response)
        return Answer(response.status_code, tuple(response.headers.items()), bytes(response.body))

    idempotency = cast("_Serving", request.app.state.service).idempotency
    # A key that was sent twice has the wrong form as one, since a line break is no printable character.
    key = "\n".join(keys) if keys else None
    answered = await idempotency.once(caller.tenant, key, asked, prefix, answer)
    if not answered.replayed:
        return fresh[0]  # as it is, with what it does after it was sent
    return Response(answered.answer.body, answered.answer.status, {**dict(answered.answer.headers), REPLAYED: "true"})
