"""How many requests may be in flight at one provider: found out by trying, as TCP finds out a network's capacity.

In: requests that want to go, and what became of them. Out: turns, in order. The number starts small, doubles with every
round of good answers until the provider first complains, then grows by one a round; a complaint halves it, and a second
one in a row holds back everybody for as long as the provider asks. What the provider says of its remaining allowance
caps it for as long as that holds. Shared by all judges of a provider, across threads and event loops.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from evaluator.backends.chat_model import RateLimits

__all__ = ["Limiter"]

_START: Final = 8
_FLOOR: Final = 2  # one slow answer must not stop all others
_LONGEST_HOLD_S: Final = 60.0
_COMPLAINTS: Final = 2  # a single one may concern that request alone


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """One that waits for its turn, on the loop that it waits in."""

    loop: asyncio.AbstractEventLoop
    turn: asyncio.Future[None]


class Limiter:
    """Gives turns to requests."""

    def __init__(self, cap: int, *, start: int = _START, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with room for a few.

        Args:
            cap: Never more than this in flight.
            start: So many at first.
            clock: Seconds, never going back.
        """
        self._cap = cap
        self._limit = float(min(start, cap))
        self._growing_fast = True
        self._clock = clock
        self._lock = threading.RLock()
        self._in_flight = 0
        self._rounds = 0
        self._complaints = 0
        self._slow_limit = cap
        self._slow_until = 0.0
        self._held_until = 0.0
        self._alarm: asyncio.AbstractEventLoop | None = None
        self._first: deque[_Waiter] = deque()
        self._waiting: deque[_Waiter] = deque()

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        return max(1, min(int(self._limit), self._slow_limit if self._clock() < self._slow_until else self._cap))

    @property
    def in_flight(self) -> int:
        """How many are in flight."""
        return self._in_flight

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncGenerator[int, None]:
        """Wait for a turn and hold it; yields the number of the round it belongs to, for `complained`.

        Args:
            again: For a request that had its turn and must repeat: it goes before those that had none.
        """
        await self._enter(again=again)
        try:
            yield self._rounds
        finally:
            with self._lock:
                self._in_flight -= 1
                self._admit()

    def succeeded(self, limits: RateLimits, tokens: int) -> None:
        """Tell that a request got an answer.

        Args:
            limits: What the provider said of its allowance.
            tokens: Tokens that this request used.
        """
        with self._lock:
            self._complaints = 0
            if self._in_flight * 2 >= self._limit:  # only a limit that is used is proved
                self._limit = min(self._cap, self._limit + (1.0 if self._growing_fast else 1.0 / self._limit))
            allowed = _allowed(limits, tokens)
            if allowed is not None and limits.reset_s:
                short = allowed < self._limit
                self._slow_limit = max(1, allowed) if short else self._cap
                self._slow_until = self._clock() + min(limits.reset_s, _LONGEST_HOLD_S) if short else 0.0

    def complained(self, round_number: int, retry_after_s: float | None = None) -> None:
        """Tell that the provider had too much.

        Args:
            round_number: As `turn` gave it; complaints of one round halve the number once.
            retry_after_s: How long the provider asks to wait.
        """
        with self._lock:
            self._complaints += 1
            if self._complaints >= _COMPLAINTS and retry_after_s:
                until = self._clock() + min(retry_after_s, _LONGEST_HOLD_S)
                self._held_until = max(self._held_until, until)
            if round_number == self._rounds:
                self._rounds += 1
                self._growing_fast = False
                self._limit = max(float(min(_FLOOR, self._cap)), self._limit / 2)

    async def _enter(self, *, again: bool) -> None:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop, loop.create_future())
        with self._lock:
            (self._first if again else self._waiting).append(waiter)
            self._admit()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            with self._lock:
                if waiter.turn.done() and not waiter.turn.cancelled():
                    self._in_flight -= 1  # the turn came at the same moment; it goes on to the next
                self._admit()
            raise

    def _admit(self) -> None:
        """Give turns to those who wait, as far as there is room; call it with the lock held."""
        while (self._first or self._waiting) and self._in_flight < self.limit:
            held_s = self._held_until - self._clock()
            queue = self._first or self._waiting
            if queue[0].turn.done() or queue[0].loop.is_closed():
                queue.popleft()
            elif held_s > 0:
                self._look_again(queue[0].loop, held_s)
                return
            else:
                self._hand_over(queue.popleft())

    def _hand_over(self, waiter: _Waiter) -> None:
        self._in_flight += 1
        if waiter.loop is _running_loop():
            waiter.turn.set_result(None)
            return
        try:
            waiter.loop.call_soon_threadsafe(self._arrive, waiter)
        except RuntimeError:  # its loop closed just now
            self._in_flight -= 1

    def _arrive(self, waiter: _Waiter) -> None:
        if not waiter.turn.done():
            waiter.turn.set_result(None)
            return
        with self._lock:  # cancelled on the way
            self._in_flight -= 1
            self._admit()

    def _look_again(self, loop: asyncio.AbstractEventLoop, delay_s: float) -> None:
        """Set an alarm for the end of the hold, unless a living loop has one."""
        if self._alarm is not None and not self._alarm.is_closed():
            return
        try:
            loop.call_soon_threadsafe(loop.call_later, delay_s, self._alarmed)
            self._alarm = loop
        except RuntimeError:  # it closed just now; whoever waits next sets the alarm
            self._alarm = None

    def _alarmed(self) -> None:
        with self._lock:
            self._alarm = None
            self._admit()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _allowed(limits: RateLimits, tokens: int) -> int | None:
    """Return how many more requests of this size the provider allows for now; ``None`` if it doesn't say."""
    known = [limits.remaining_requests] if limits.remaining_requests is not None else []
    if limits.remaining_tokens is not None and tokens > 0:
        known.append(limits.remaining_tokens // tokens)
    return min(known) if known else None
