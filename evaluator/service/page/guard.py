"""Who is at the page: the caller behind a sign-in, errors as pages, and no form that another site fills in.

A form of another site is known by what browsers say about where a request comes from (``Sec-Fetch-Site``, ``Origin``);
beside that the cookie is ``SameSite=Strict``. Where no key is configured `evaluator.service.loopback` refuses more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from evaluator.errors import EvaluatorError
from evaluator.service.context import service_of
from evaluator.service.evaluations.grading import ClientGone
from evaluator.service.page.rendering import respond
from evaluator.service.problems import Problem, problem_of
from evaluator.service.tenants.caller import Caller, Scope

__all__ = ["PageRoute", "cookie_name", "local_path", "visitor"]

_SECURE: Final = "__Host-evaluator"
_PLAIN: Final = "evaluator-session"
_SAFE: Final = frozenset({"GET", "HEAD"})
_CLIENT_GONE: Final = 499
_UNAUTHORIZED: Final = 401


class PageRoute(APIRoute):
    """A route whose errors are pages, and that takes no form from elsewhere."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with that around it."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                _refuse_foreign(request)
                return await handle(request)
            except ClientGone:
                return Response(status_code=_CLIENT_GONE)
            except Problem as problem:
                return await _problem_page(request, problem)
            except EvaluatorError as error:
                return await _problem_page(request, problem_of(error))
            except RequestValidationError:
                return await _problem_page(request, Problem(404, "not_found", "There is no such page"))
            except HTTPException as error:
                return await _problem_page(request, Problem(error.status_code, "http", str(error.detail)))

        return guarded


def visitor(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
    """Return a dependency that lets in who may do what a scope stands for, by their sign-in, and returns them."""

    async def visit(request: Request) -> Caller:
        service = service_of(request)
        cookie = request.cookies.get(cookie_name(request))

        def admit() -> Caller:
            token = service.sessions.token(cookie) if cookie else None
            request.state.signed_in = token is not None
            return service.door.admit(token, scope).caller

        caller = await asyncio.to_thread(admit)
        request.state.caller = caller  # whom the request's line in the log names
        return caller

    return visit


def cookie_name(request: Request) -> str:
    """Return the name of the cookie; over https one that no other site, nor a sister of this one, can set."""
    return _SECURE if request.url.scheme == "https" else _PLAIN


def local_path(address: str) -> str:
    """Return an address if it is a path of this service, else the first page."""
    parts = _parts(address) if address.isprintable() and "\\" not in address else None
    if parts is None or parts.scheme or parts.netloc or not address.startswith("/") or address.startswith("//"):
        return "/"
    return address


def _parts(address: str) -> SplitResult | None:
    """Return the parts of an address; ``None`` if it is none, as ``http://[``."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _refuse_foreign(request: Request) -> None:
    """Raise if a form comes, or may come, from a page that isn't ours."""
    if request.method in _SAFE:
        return
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    elif origin is None or origin == "null":
        # A browser this old sends `null` from our own pages, which let no address out; its sign-in must speak for it.
        own = origin is None or cookie_name(request) in request.cookies
    else:
        parts = _parts(origin)
        own = parts is not None and parts.netloc == request.headers.get("host")
    if not own:
        raise Problem(
            403,
            "foreign_form",
            "The form didn't come from this page",
            where="Origin",
            remedy="open the page itself and send it from there",
        )


async def _problem_page(request: Request, problem: Problem) -> Response:
    if problem.status == _UNAUTHORIZED:
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = here if request.method in _SAFE else "/"
        return RedirectResponse(f"/login?next={quote(back, safe='')}", 303, headers={"Cache-Control": "no-store"})
    page = await respond(request, "problem.html", {"problem": problem}, status=problem.status)
    for name, value in problem.headers.items():
        page.headers[name] = value
    return page
