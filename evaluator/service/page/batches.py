"""Batches: the list, and one as a heat map of its failure modes that leads into each evaluation."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from evaluator.service.context import service_of
from evaluator.service.page.attempts import Attempts, Order
from evaluator.service.page.guard import PageRoute, visitor
from evaluator.service.page.rendering import respond
from evaluator.service.page.trends import grid
from evaluator.service.problems import Problem
from evaluator.service.tenants.caller import Caller
from evaluator.service.wire import LINE, read_cursor, write_cursor

__all__ = ["router"]

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_Reader = Annotated[Caller, Depends(visitor("batches:read"))]
_LISTED: Final = 30
_ROWS: Final = 50


@router.get("/batches")
async def list_batches(
    request: Request, caller: _Reader, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    """Return a tenant's batches, newest first."""
    batches = service_of(request).batches
    found, more = await asyncio.to_thread(batches.page, caller.tenant, read_cursor(cursor), _LISTED)
    onward = None if more is None else write_cursor(more)
    return await respond(request, "batches.html", {"batches": found, "onward": onward, "first": cursor is None})


@router.get("/batches/{id}")
async def show_batch(
    request: Request,
    caller: _Reader,
    id: Annotated[str, Path(max_length=64, pattern=LINE)],  # noqa: A002 - its name in the path
    order: Annotated[str, Query(pattern="^(sent|score)$")] = "score",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Return how far a batch is, and some items by failure mode: from the lowest score up, or as they were sent."""
    service = service_of(request)
    batch = await asyncio.to_thread(service.batches.get, caller.tenant, id)
    if batch is None:
        raise Problem(404, "not_found", "There is no such batch", where="id", remedy="it may have been deleted")
    items = await asyncio.to_thread(
        Attempts(service.database).of_batch, caller.tenant, id, cast("Order", order), _ROWS + 1, offset
    )
    shown = items[:_ROWS]
    return await respond(
        request,
        "batch.html",
        {
            "batch": batch,
            "items": shown,
            "grid": grid(shown),
            "order": order,
            "offset": offset,
            "backward": max(0, offset - _ROWS) if offset else None,
            "onward": offset + _ROWS if len(items) > _ROWS else None,
        },
    )
