"""``/login`` and ``/logout``: a form takes a key, a cookie stands for it afterwards."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from evaluator.service.context import service_of
from evaluator.service.page.forms import read_fields
from evaluator.service.page.guard import PageRoute, cookie_name, local_path
from evaluator.service.page.rendering import respond
from evaluator.service.page.sessions import SESSION_S
from evaluator.service.problems import Problem

__all__ = ["router"]

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)
_SCOPE: Final = "evaluations:read"
_MOST_BYTES: Final = 16 * 1024  # anybody may send this form


@router.get("/login")
async def show_sign_in(request: Request, next: Annotated[str, Query(max_length=2000)] = "/") -> Response:  # noqa: A002 - its name in the address
    """Return the form; go on at once where no key is needed, or one was shown already."""
    service = service_of(request)
    cookie = request.cookies.get(cookie_name(request))

    def known() -> bool:
        try:
            service.door.admit(service.sessions.token(cookie) if cookie else None, _SCOPE)
        except Problem:
            return False
        return True

    if await asyncio.to_thread(known):
        return RedirectResponse(local_path(next), 303)
    return await respond(request, "login.html", {"next": local_path(next), "problem": None})


@router.post("/login", max_body_size=_MOST_BYTES)
async def sign_in(request: Request) -> Response:
    """Check a key, begin a sign-in, and go on to where the visitor wanted to."""
    service = service_of(request)
    form = await read_fields(request)
    token, onward = form.get("key", "").strip(), local_path(form.get("next", "/"))

    def begin() -> str:
        return service.sessions.open(service.door.admit(token, _SCOPE).caller.tenant, token)

    try:
        cookie = await asyncio.to_thread(begin)
    except Problem as problem:
        return await respond(request, "login.html", {"next": onward, "problem": problem}, status=problem.status)
    answer = RedirectResponse(onward, 303)
    answer.set_cookie(
        cookie_name(request),
        cookie,
        max_age=int(SESSION_S),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
async def sign_out(request: Request) -> Response:
    """End the sign-in, in the browser and in the database."""
    cookie = request.cookies.get(cookie_name(request))
    if cookie:
        await asyncio.to_thread(service_of(request).sessions.close, cookie)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(
        cookie_name(request), path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
    return answer
