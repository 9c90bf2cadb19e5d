"""Waiting for something that another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["until"]


def until(true: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It didn't come to hold.
    """
    ends = time.monotonic() + within_s
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError
        time.sleep(0.01)
