"""What was read a moment ago, so that a busy caller doesn't cost a look into the database each time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Generic, TypeVar

__all__ = ["LOOKED_UP_FOR_S", "Recent"]

LOOKED_UP_FOR_S: Final = 3.0  # a revocation takes effect everywhere within five seconds
_MOST: Final = 4096

_Value = TypeVar("_Value")


class Recent(Generic[_Value]):
    """The values of some names for a few seconds; the oldest go first if there are many. Safe to share by threads."""

    def __init__(self, clock: Callable[[], float], lasts_s: float = LOOKED_UP_FOR_S, most: int = _MOST) -> None:
        """Begin with nothing."""
        self._clock = clock
        self._lasts_s = lasts_s
        self._most = most
        self._values: OrderedDict[str, tuple[float, _Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> tuple[_Value] | None:
        """Return a value, alone in a tuple, so that a ``None`` that was put differs from nothing."""
        with self._lock:
            found = self._values.get(name)
        # A clock that was set back doesn't make a value last longer.
        return (found[1],) if found and 0 <= self._clock() - found[0] < self._lasts_s else None

    def put(self, name: str, value: _Value, read_s: float) -> _Value:
        """Keep a value, read at that time or later, and return it."""
        with self._lock:
            self._values[name] = (read_s, value)
            self._values.move_to_end(name)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def drop(self, name: str) -> None:
        """Forget a value."""
        with self._lock:
            self._values.pop(name, None)
