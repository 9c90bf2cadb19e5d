"""An event loop whose clock jumps to the next timer instead of waiting, so that hours of patience take no time.

Work in threads takes no time on this clock: it stands still until the thread is done.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

__all__ = ["run_virtual"]

_T = TypeVar("_T")
_Args = TypeVarTuple("_Args")


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Blocks for threads alone: what it was asked to wait, it adds to the clock."""

    jumped_s = 0.0
    threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads and timeout != 0:
            return super().select(1.0)  # a thread that ends wakes the loop
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self.jumped_s += timeout
        return ready


class _VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return 1000.0 + self._jumping.jumped_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Args], _T], *args: *_Args
    ) -> asyncio.Future[_T]:
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1


def run_virtual(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end in virtual time; ``asyncio.sleep`` and time-outs included."""
    with asyncio.Runner(loop_factory=_VirtualTimeLoop) as runner:
        return runner.run(work)
