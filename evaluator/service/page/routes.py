"""All routes of the page, its files and its description of the API."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response

from evaluator.service.page import assets, batches, judging, reviewing, sign_in, stored
from evaluator.service.page.guard import PageRoute
from evaluator.service.page.reference import reference_of
from evaluator.service.page.rendering import respond

__all__ = ["add_page"]

_router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_ROUTERS: Final = (
    _router,
    judging.router,
    stored.router,
    reviewing.router,
    batches.router,
    sign_in.router,
    assets.router,
)


def add_page(app: FastAPI) -> None:
    """Let an application show the page."""
    for router in _ROUTERS:
        app.include_router(router)


@_router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the description of the API as a page; open to everybody, as the description itself is."""
    reference = await asyncio.to_thread(lambda: reference_of(request.app.openapi()))
    return await respond(request, "docs.html", {"reference": reference})
