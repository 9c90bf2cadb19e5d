"""How many streams each tenant may follow at once: every one looks into the database twice a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from evaluator.service.problems import Problem

__all__ = ["Followers"]

_MOST: Final = 32
_RETRY_S: Final = 5


class Followers:
    """Counts the streams of one process by tenant; on its event loop alone."""

    def __init__(self, most: int = _MOST) -> None:
        """Let each tenant have so many."""
        self._most = most
        self._streams = Counter[str]()

    @contextmanager
    def one_more(self, tenant: str) -> Generator[None]:
        """Count a stream while the block runs.

        Raises:
            Problem: 429; the tenant has as many as it may have.
        """
        if self._streams[tenant] >= self._most:
            raise Problem(
                429,
                "too_many_streams",
                "Too many streams at once",
                detail=f"{self._most} may be followed",
                remedy="close one, or ask for the batch itself now and then",
                headers={"Retry-After": str(_RETRY_S)},
            )
        self._streams[tenant] += 1
        try:
            yield
        finally:
            self._streams[tenant] -= 1
            if not self._streams[tenant]:
                del self._streams[tenant]
