"""From code that doesn't wait to code that does: a coroutine in, its result out, whatever runs around it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TypeVar

__all__ = ["wait_for"]

_T = TypeVar("_T")


def wait_for(work: Coroutine[None, None, _T]) -> _T:
    """Run a coroutine to its end; may be called from any thread, inside a running event loop too."""
    return _run_in_thread(work) if _loop_is_running() else asyncio.run(work)


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run_in_thread(work: Coroutine[None, None, _T]) -> _T:
    """Run a coroutine to its end in a thread of its own: the caller's event loop can't be entered twice.

    An interrupt cancels the judge's wait, which may last minutes, before it goes on to the caller.
    """
    begun: list[partial[asyncio.Handle]] = []
    interrupted = threading.Event()

    async def cancellable() -> _T:
        task = asyncio.ensure_future(work)
        begun.append(partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel))
        if interrupted.is_set():  # it came while the thread was starting
            task.cancel()
        return await task

    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="evaluate")
    try:
        context = copy_context()  # so that spans opened within belong to the caller's
        return pool.submit(lambda: context.run(asyncio.run, cancellable())).result()
    except KeyboardInterrupt:
        interrupted.set()
        for cancel in begun:
            with suppress(RuntimeError):  # the loop is closed: it ended by itself
                cancel()
        raise
    finally:
        pool.shutdown()
