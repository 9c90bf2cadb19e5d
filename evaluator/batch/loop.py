"""An event loop in a thread of its own, where a worker's items are graded; the faster kind where it is installed.

Beside it, what makes a process that only grades faster.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

__all__ = ["LoopThread", "rare_collections"]

_Result = TypeVar("_Result")
_CLOSING_S: Final = 5.0
_M_ARENA_MAX: Final = -8  # as in glibc's malloc.h
_HEAPS: Final = 2
_THRESHOLDS: Final = (20_000, 20, 50)  # 700, 10, 10 are Python's own: collecting then takes a fifth of a run's CPU time


@contextmanager
def rare_collections() -> Generator[None]:
    """Let Python seldom look for garbage, and not among what is loaded now; for a process that only grades.

    Its threads share two heaps from then on, where the C library can: else each keeps what it once used.
    """
    _share_heaps()
    former = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*former)
        gc.unfreeze()


def _share_heaps() -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


class LoopThread:
    """Runs coroutines for other threads, until it is closed."""

    def __init__(self) -> None:
        """Start the thread."""
        self._loop = _loop_factory()()
        self._thread = threading.Thread(target=self._run, name="grading", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, _Result]) -> concurrent.futures.Future[_Result]:
        """Begin a coroutine; the future holds what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[[], object]) -> None:
        """Call a function on the loop, soon."""
        self._loop.call_soon_threadsafe(function)

    def close(self) -> None:
        """Cancel what still runs, let it clean up, and end the thread."""
        if self._loop.is_closed():
            return
        with contextlib.suppress(concurrent.futures.TimeoutError):  # what doesn't end by itself ends with the process
            self.submit(_cancel_all()).result(_CLOSING_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSING_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


async def _cancel_all() -> None:
    mine = asyncio.current_task()
    others = [task for task in asyncio.all_tasks() if task is not mine]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # not made for every system
        return asyncio.new_event_loop
    return uvloop.new_event_loop
