"""The one layer of the client that waits and repeats: which failures may pass, how long to wait, when to give up.

Whatever is repeated is safe to repeat: a POST carries one Idempotency-Key through all its tries.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_after_delay

from evaluator.client.problems import ServiceProblem, ServiceUnreachable

__all__ = ["Patience", "async_retrying", "pauses", "retrying"]

_AGAIN: Final = frozenset({429, 503})
_BUSY: Final = "idempotency_in_progress"
_JITTER: Final = 0.2  # so that those who were turned away together don't come back together


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client waits for a service that is away, busy or restarting.

    Attributes:
        total_s: After so long, counted from the first try, nothing is begun again.
        first_wait_s: Ceiling of the first wait; it doubles with each try.
        longest_wait_s: Ceiling of every such wait.
        longest_retry_after_s: A service that asks for more is not waited for: who called must decide.
    """

    total_s: float = 120.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    longest_retry_after_s: float = 60.0


def retrying(patience: Patience) -> Retrying:
    """Return what repeats a call."""
    return Retrying(
        retry=retry_if_exception(lambda error: _may_pass(error, patience)),
        wait=lambda state: _wait_s(state, patience),
        stop=stop_after_delay(patience.total_s),
        reraise=True,
    )


def async_retrying(patience: Patience) -> AsyncRetrying:
    """Return what repeats a call on an event loop."""
    return AsyncRetrying(
        retry=retry_if_exception(lambda error: _may_pass(error, patience)),
        wait=lambda state: _wait_s(state, patience),
        stop=stop_after_delay(patience.total_s),
        reraise=True,
    )


def pauses() -> Iterator[float]:
    """Yield how long to wait between two looks at work that others do: short at first, then up to two seconds."""
    pause_s = 0.1
    while True:
        yield pause_s
        pause_s = min(2.0, pause_s * 1.4)


def _may_pass(error: BaseException, patience: Patience) -> bool:
    if isinstance(error, ServiceProblem):
        passing = error.status in _AGAIN or error.code == _BUSY
        return passing and (error.retry_after_s or 0.0) <= patience.longest_retry_after_s
    return isinstance(error, ServiceUnreachable)


def _wait_s(state: RetryCallState, patience: Patience) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, ServiceProblem) else None
    if asked_s is not None:
        return asked_s * (1.0 + _JITTER * random.random())  # noqa: S311 - no secret
    ceiling_s = min(patience.longest_wait_s, patience.first_wait_s * 2.0 ** min(state.attempt_number - 1, 30))
    return ceiling_s * (1.0 - _JITTER + _JITTER * random.random())  # noqa: S311 - no secret
