"""So many requests a minute, spread evenly: for providers whose limit is known beforehand.

In: requests that want to go. Out: how long each waits. Apart from `concurrency`, which finds out what nobody told.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Pace"]

_AT_ONCE_S: Final = 0.5  # so many seconds' worth may go together after a lull; providers allow a second's and more


class Pace:
    """Gives moments to requests. Safe to share between threads and event loops."""

    def __init__(self, per_minute: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with a lull behind.

        Args:
            per_minute: Most requests in a minute.
            clock: Seconds, never going back.
        """
        self._every_s = 60.0 / per_minute
        self._sharers = 1
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock() - _AT_ONCE_S

    def share(self, sharers: int) -> None:
        """Keep to an equal share of the rate, of so many machines that ask the same provider."""
        with self._lock:
            self._sharers = max(1, sharers)

    def wait_s(self) -> float:
        """Take the next moment, and return how long it is away."""
        every_s = self._every_s * self._sharers
        with self._lock:
            now = self._clock()
            moment = max(self._next, now - max(0.0, _AT_ONCE_S - every_s))
            self._next = moment + every_s
            return max(0.0, moment - now)
