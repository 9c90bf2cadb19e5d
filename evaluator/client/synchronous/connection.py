"""Sends calls one after the other, again where that is safe and may help."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from evaluator.client.call import Call, keyed, request_of, result_of
from evaluator.client.patience import Patience, pauses, retrying
from evaluator.client.problems import NotSettled, ServiceProblem, ServiceUnreachable, problem_in
from evaluator.client.resources.shared import Page
from evaluator.client.sending import client_options, found_gone, unreachable

if TYPE_CHECKING:
    import httpx2

__all__ = ["Connection"]

_Result = TypeVar("_Result")


class Connection:
    """A way to one service, with the caller's key. Safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        patience: Patience,
        timeout_s: float,
        transport: httpx2.BaseTransport | None,
    ) -> None:
        """Open nothing yet."""
        import httpx2  # noqa: PLC0415 - 0.2 s that only those who ask a service pay

        self._patience = patience
        self._http = httpx2.Client(**client_options(base_url, key, timeout_s), transport=transport)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call[_Result]) -> _Result:
        """Send a call until it is answered, within the patience.

        Raises:
            ServiceError: As `evaluator.client.problems` tells.
        """
        call, lost = keyed(call), False

        def once() -> _Result:
            nonlocal lost
            try:
                response = self._once(call)
                return result_of(call, response.status_code, response.headers, response.content)
            except ServiceUnreachable:
                lost = True
                raise
            except ServiceProblem as problem:
                if lost and found_gone(call.method, problem):
                    return call.read(b"")
                raise

        return retrying(self._patience)(once)

    def pages(self, page: Callable[[str | None], Call[Page[_Result]]]) -> Iterator[_Result]:
        """Yield what all pages of a list hold."""
        cursor: str | None = None
        while True:
            found = self.send(page(cursor))
            yield from found.data
            if found.next_cursor is None:
                return
            cursor = found.next_cursor

    def lines(self, call: Call[bytes]) -> Iterator[bytes]:
        """Yield the lines of an answer as they come, empty ones left out."""
        with self._stream(call) as response:
            rest = b""
            with unreachable():
                for chunk in response.iter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n")
                    yield from filter(None, whole)
        if rest:
            yield rest

    def events(self, call: Call[_Result]) -> Iterator[tuple[str, _Result]]:
        """Yield events by name until one is called ``done``; a stream that breaks off is taken up again."""
        import httpx2  # noqa: PLC0415 - as above

        while True:
            with self._stream(call) as response:
                try:
                    for event in httpx2.EventSource(response):
                        yield event.event, call.read(event.data.encode())
                        if event.event == "done":
                            return
                except httpx2.TransportError:
                    pass  # whether the service is there is seen when the stream is asked for again
            time.sleep(self._patience.first_wait_s)

    def settled(self, look: Callable[[], _Result], done: Callable[[_Result], bool], timeout_s: float) -> _Result:
        """Look again and again until something is done.

        Raises:
            NotSettled: It isn't, within the time.
        """
        ends_s = time.monotonic() + timeout_s
        for pause_s in pauses():
            found = look()
            if done(found):
                return found
            if time.monotonic() + pause_s > ends_s:
                break
            time.sleep(pause_s)
        raise NotSettled(f"it isn't done after {timeout_s:g} s", remedy="wait for it again; it goes on")

    def _once(self, call: Call[_Result]) -> httpx2.Response:
        with unreachable():
            return self._http.send(request_of(self._http, call))

    @contextmanager
    def _stream(self, call: Call[_Result]) -> Generator[httpx2.Response]:
        def opened() -> httpx2.Response:
            with unreachable():
                response = self._http.send(request_of(self._http, call), stream=True)
                if response.is_success:
                    return response
                try:
                    raise problem_in(response.status_code, response.headers, response.read())
                finally:
                    response.close()

        response = retrying(self._patience)(opened)
        try:
            yield response
        finally:
            response.close()
