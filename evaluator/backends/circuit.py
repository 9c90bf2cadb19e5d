"""A circuit breaker for one provider: after several failures in a row nobody asks for a while, then one probes.

In: what became of each request. Out: whether the next may go. Shared by all judges of a provider, across threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Breaker"]

_FAILURES: Final = 8  # random faults of one request in twelve trip it once in 400 million requests
_REST_S: Final = 10.0


class Breaker:
    """Closed (all may ask), open (none may), or half-open (one asks for all)."""

    def __init__(
        self, failures: int = _FAILURES, rest_s: float = _REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start closed.

        Args:
            failures: So many in a row open it.
            rest_s: So long nobody asks; then one probe goes, and again after as long if it fails.
            clock: Seconds, never going back.
        """
        self._needed = failures
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are held back."""
        return self._opened is not None

    def wait_s(self) -> float:
        """Return 0 if a request may go now (it is then the probe, if one is due), else the seconds to wait."""
        with self._lock:
            if self._opened is None:
                return 0.0
            left = self._opened + self._rest_s - self._clock()
            if left > 0:
                return left
            if self._probing:
                return self._rest_s
            self._probing = True
            return 0.0

    def answered(self) -> None:
        """Tell that the provider answered, be it with a refusal: it is there."""
        with self._lock:
            self._in_a_row = 0
            self._opened = None
            self._probing = False

    def failed(self) -> None:
        """Tell that the provider failed or didn't answer."""
        with self._lock:
            self._in_a_row += 1
            if self._probing or self._in_a_row >= self._needed:
                self._opened = self._clock()
                self._probing = False

    def gave_up(self) -> None:
        """Tell that a request ended without a word about the provider; if it was the probe, another may go."""
        with self._lock:
            self._probing = False
