"""How many requests came in the last minute: a count for each second, so that none of any 60 seconds is over the limit.

A request counts for 60 to 61 seconds. Chosen over a token bucket, which lets twice the limit pass within its first
minute, and over two counters that are weighed by time, which do the same at worst.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["WINDOW_S", "Passage", "Window"]

WINDOW_S: Final = 60


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of one request.

    Attributes:
        allowed: Whether it may pass.
        limit: Most requests in a minute.
        left: How many more may pass now.
        reset_s: Seconds until more may pass than now; until the next may, if this one may not.
    """

    allowed: bool
    limit: int
    left: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """The requests of one tenant that still count.

    Attributes:
        counts: Seconds since 1970 and how many passed in each, oldest first.
    """

    counts: tuple[tuple[int, int], ...] = ()

    def add(self, now_s: float, limit: int) -> tuple[Window, Passage]:
        """Let a request pass if fewer than ``limit`` did; return what counts then.

        Seconds more than a minute ahead are left out: a clock that was set back by a day must lock nobody out.
        """
        second = math.floor(now_s)
        counts = tuple(each for each in self.counts if second - WINDOW_S <= each[0] <= second + WINDOW_S)
        total = sum(count for _, count in counts)
        if total >= limit:
            return Window(counts), Passage(
                allowed=False, limit=limit, left=0, reset_s=_frees_s(counts, total - limit + 1) - now_s
            )
        if counts and counts[-1][0] >= second:
            counts = (*counts[:-1], (counts[-1][0], counts[-1][1] + 1))
        else:
            counts = (*counts, (second, 1))
        return Window(counts), Passage(
            allowed=True, limit=limit, left=limit - total - 1, reset_s=_frees_s(counts, 1) - now_s
        )


def _frees_s(counts: tuple[tuple[int, int], ...], wanted: int) -> float:
    """Return when so many of those that count no longer do."""
    for second, count in counts:
        wanted -= count
        if wanted <= 0:
            return second + WINDOW_S + 1
    raise ValueError("more are wanted than count")
