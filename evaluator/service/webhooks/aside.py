"""Work that blocks, in threads of their own that nobody waits for when the service ends.

A pool's threads are joined at exit, and a look-up of a name or a database that is away may block for minutes. A thread
costs a tenth of a millisecond, which is nothing beside an HTTP request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["aside"]

_Result = TypeVar("_Result")


async def aside(work: Callable[[], _Result]) -> _Result:
    """Run work in a thread of its own and return what it returns, or raise what it raises.

    If the caller is cancelled, the work goes on and its result is dropped.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def settle(result: _Result) -> None:
        if not future.done():
            future.set_result(result)

    def fail(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    def tell(step: Callable[[], None]) -> None:
        try:
            loop.call_soon_threadsafe(step)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            return

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            problem = error
            tell(lambda: fail(problem))
        else:
            tell(lambda: settle(result))

    threading.Thread(target=run, daemon=True, name="webhooks").start()
    return await future
