"""Which time the same question is asked on purpose, as for samples: recordings tell one answer from the next by it.

To a provider each asking is a request like any other, and the number is never sent. Without it a replay would give the
same answer each time, and a majority of one answer looks like agreement.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["asking", "time_asked"]

_time: ContextVar[int] = ContextVar("evaluator_time_asked", default=1)


def time_asked() -> int:
    """Return which time it is, from 1."""
    return _time.get()


@contextmanager
def asking(time: int) -> Generator[None]:
    """Let requests made within be known as those of this time, from 1."""
    token = _time.set(time)
    try:
        yield
    finally:
        _time.reset(token)
