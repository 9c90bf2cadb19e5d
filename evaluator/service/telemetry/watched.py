"""`Watched`: the outermost part of the application, which sees every request begin and end.

Each gets an id, which its answer tells; when it ends, one line is logged and its time is counted. A defect ends here,
too, as a problem without details: what goes on to the server would be written out with its message.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evaluator.service.problems import Problem, problem_response
from evaluator.service.telemetry.logs import place_of
from evaluator.service.telemetry.metrics import Metrics

__all__ = ["Watched"]

_LOGGER: Final = logging.getLogger("evaluator.service.requests")
_HEADER: Final = "X-Request-Id"
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_UNMATCHED: Final = "unmatched"
_CLIENT_GONE: Final = 499
_DEFECT: Final = 500


class Watched:
    """Watches an application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, clock: Callable[[], float] = time.perf_counter) -> None:
        """Stand around an application.

        Args:
            app: What answers.
            metrics: What counts.
            clock: Seconds, never going back.
        """
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = request_id
            await send(message)

        with self._metrics.in_flight():
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:  # noqa: BLE001 - the last line of defence; its message may hold anything
                told = {"request_id": request_id, "code": type(error).__name__, "at": place_of(error)}
                _LOGGER.error("defect", extra=told)  # noqa: TRY400 - a traceback ends with the message
                if not status:
                    answer = problem_response(Problem(_DEFECT, "defect", "The program failed"), request_id)
                    await answer(scope, receive, send_with_id)
                status = _DEFECT
            finally:
                self._ended(scope, status or _CLIENT_GONE, self._clock() - began)

    def _ended(self, scope: Scope, status: int, duration_s: float) -> None:
        route = str(getattr(scope.get("route"), "path", None) or _UNMATCHED)
        self._metrics.requested(route, scope["method"], status, duration_s)
        state = scope["state"]
        caller = state.get("caller")
        _LOGGER.info(
            "request",
            extra={
                "request_id": state["request_id"],
                "method": scope["method"],
                "route": route,
                "status": status,
                "duration_ms": round(duration_s * 1000, 1),
                "tenant": getattr(caller, "tenant", None),
                "key": getattr(caller, "key", None),
            },
        )


def _request_id(scope: Scope) -> str:
    """Return the id that the client gave, if it is one word of harmless letters, or a new one."""
    given = Headers(scope=scope).get(_HEADER, "")
    return given if _WELL_FORMED.fullmatch(given) else f"req_{secrets.token_hex(12)}"
