"""When a message is tried again: over three days, as the Standard Webhooks specification recommends."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["SPEC_DELAYS_S", "Schedule"]

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0

SPEC_DELAYS_S: Final = (
    5.0,
    5 * _MINUTE_S,
    30 * _MINUTE_S,
    2 * _HOUR_S,
    5 * _HOUR_S,
    10 * _HOUR_S,
    14 * _HOUR_S,
    20 * _HOUR_S,
    24 * _HOUR_S,
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to try again, and when to give up.

    Attributes:
        delays_s: Seconds from each failed attempt to the next; one attempt more is made than there are of them.
        jitter: Part of a delay by which it is made longer or shorter at random, so that receivers that came back
            aren't met by all their messages at once.
        disable_after_s: An endpoint to which nothing got through for so long is disabled, once a message has used up
            its attempts.
        longest_wish_s: A receiver's `Retry-After` counts up to this.
        chance: Returns a number from 0 to 1.
    """

    delays_s: Sequence[float] = SPEC_DELAYS_S
    jitter: float = 0.1
    disable_after_s: float = 5 * _DAY_S
    longest_wish_s: float = _HOUR_S
    chance: Callable[[], float] = random.random

    @property
    def steps(self) -> int:
        """How many attempts are made."""
        return len(self.delays_s) + 1

    def delay_s(self, step: int, wish_s: float | None = None) -> float:
        """Return how long to wait after a failed attempt.

        Args:
            step: Which one it was, from 1.
            wish_s: For how long the receiver asks to be left alone.
        """
        delay = self.delays_s[min(step, len(self.delays_s)) - 1] if self.delays_s else 0.0
        spread = delay * (1 + self.jitter * (2 * self.chance() - 1))
        return max(spread, min(wish_s or 0.0, self.longest_wish_s))
