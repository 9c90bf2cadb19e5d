"""One evaluation while its caller waits: within a deadline, and no longer than they stay."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar

from fastapi import Request

from evaluator.batch.loop import LoopThread
from evaluator.service.problems import Problem

__all__ = ["ClientGone", "Grading", "Room", "grade"]

_T = TypeVar("_T")
_RETRY_S: Final = 2


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Room:
    """Lets so many evaluations be in work at once, and sends the others away at once rather than let all wait."""

    def __init__(self, places: int, *, remedy: str = "come again, or ask with `Prefer: respond-async`") -> None:
        """Hold so many places; the remedy is told to those who find none."""
        self._places = places
        self._remedy = remedy
        self.taken = 0

    @contextmanager
    def place(self) -> Generator[None]:
        """Take a place while the block runs; on the event loop alone.

        Raises:
            Problem: 503; all are taken.
        """
        if self.taken >= self._places:
            raise Problem(
                503,
                "overloaded",
                "The service has too much in work",
                remedy=self._remedy,
                headers={"Retry-After": str(_RETRY_S)},
            )
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


class Grading(Protocol):
    """Where judging is done, as `Service`."""

    @property
    def loop(self) -> LoopThread:
        """Thread that grades."""
        ...

    @property
    def giving_up(self) -> asyncio.Event:
        """Set when the service stops and can't wait for judges any more."""
        ...


async def grade(request: Request, service: Grading, work: Coroutine[Any, Any, _T], deadline_s: float) -> _T:
    """Do some judging on the grading thread; given up when the deadline passes, the client goes or the service stops.

    Raises:
        Problem: 504; the deadline passed. 503; the service stops.
        ClientGone: Nobody waits.
        EvaluatorError: As of the work.
    """
    doing = asyncio.wrap_future(service.loop.submit(work))
    gone = asyncio.ensure_future(_gone(request))
    stopping = asyncio.ensure_future(service.giving_up.wait())
    try:
        done, _ = await asyncio.wait((doing, gone, stopping), timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        if doing in done:
            return doing.result()
        if gone in done:
            raise ClientGone
        if stopping in done:
            raise Problem(
                503,
                "stopping",
                "The service stops",
                remedy="send it again: the service, or another one, will be there",
                headers={"Retry-After": str(_RETRY_S)},
            )
        raise Problem(
            504,
            "deadline",
            "The judge didn't answer in time",
            where="deadline_s",
            remedy="ask with `Prefer: respond-async`, or allow more time",
        )
    finally:
        for task in (doing, gone, stopping):
            task.cancel()
        await asyncio.wait((gone, stopping))


async def _gone(request: Request) -> None:
    """Return when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
