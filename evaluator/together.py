"""Several waits at once: all come back, or none is left running."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import TypeVar

from evaluator.errors import EvaluatorError

__all__ = ["together"]

_T = TypeVar("_T")


async def together(work: Iterable[Coroutine[None, None, _T]]) -> list[_T]:
    """Run coroutines side by side and return their results in order.

    Raises:
        EvaluatorError: The first that any of them raised; the others have been cancelled by then.
    """
    coroutines = list(work)
    if len(coroutines) == 1:  # no task of its own: nothing else is left running if it fails
        return [await coroutines[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except* EvaluatorError as failed:
        first = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None
    return [task.result() for task in tasks]
