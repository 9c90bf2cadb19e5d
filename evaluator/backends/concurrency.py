"""How many requests may be in flight at one provider: found out by trying, as TCP finds out a network's capacity.

In: requests that want to go, and what became of them. Out: turns, in order. The number starts small, quadruples with
every round of good answers until the provider complains of more than a fifth of a round (fewer may be bad luck), which
halves it; from then on it grows by one a round. If nothing was answered between two such halvings, everybody is held
back for as long as the provider asks; then they go one by one until two in a row were answered. What the provider says
of its remaining allowance caps the number for as long as that holds. Shared by all judges of a provider, across threads
and event loops.
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
_GROWTH: Final = 3.0  # for each good answer: a round quadruples the number, and 256 in flight take three rounds
_FLOOR: Final = 2  # one slow answer must not stop all others
_LONGEST_HOLD_S: Final = 60.0
_BEARABLE: Final = 0.2  # share of a round that may be complained of
_PROOFS: Final = 2
_USUAL_HOLD_S: Final = 1.0  # for a provider that names no time
_MARGIN: Final = 1.15  # a request that was refused comes back first, a little after the time it was told


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
        self._in_flight = 0
        self._growing_fast = True
        self._clock = clock
        self._lock = threading.RLock()
        self._halvings = 0
        self._begin_round()
        self._answered_since = True
        self._to_prove = 0
        self._slow_limit = cap
        self._slow_until = 0.0
        self._held_until = 0.0
        self._alarm: asyncio.AbstractEventLoop | None = None
        self._first: deque[_Waiter] = deque()
        self._waiting: deque[_Waiter] = deque()

    @property
    def limit(self) -> int:
        """How many may be in flight now."""
        if self._to_prove:
            return 1
        slow = self._slow_limit if self._clock() < self._slow_until else self._cap
        return max(1, min(int(self._limit), slow, self._cap))

    @property
    def in_flight(self) -> int:
        """How many are in flight."""
        return self._in_flight

    def set_cap(self, cap: int) -> None:
        """Let no more than this be in flight; those that are there already end as they will."""
        with self._lock:
            self._cap = cap
            self._limit = float(min(self._limit, cap))
            self._admit()

    @asynccontextmanager
    async def turn(self, *, again: bool = False) -> AsyncGenerator[int, None]:
        """Wait for a turn and hold it; yields how often the number had been halved, for `complained`.

        Args:
            again: For a request that had its turn and must repeat: it goes before those that had none.
        """
        await self._enter(again=again)
        try:
            yield self._halvings
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
            self._answered_since = True
            self._to_prove = max(0, self._to_prove - 1)
            self._answers += 1
            if self._filled:  # only a limit that is used is proved
                self._limit = min(self._cap, self._limit + (_GROWTH if self._growing_fast else 1.0 / self._limit))
            if self._answers + self._complaints >= self._round:
                self._begin_round()
            allowed = _allowed(limits, tokens)
            if allowed is not None and limits.reset_s:
                short = allowed < self._limit
                self._slow_limit = max(1, allowed) if short else self._cap
                self._slow_until = self._clock() + min(limits.reset_s, _LONGEST_HOLD_S) if short else 0.0

    def complained(self, halvings: int, retry_after_s: float | None = None) -> None:
        """Tell that the provider had too much.

        Args:
            halvings: As `turn` gave it; requests that went before the last halving don't lead to another.
            retry_after_s: How long the provider asks to wait.
        """
        with self._lock:
            if halvings != self._halvings:
                return
            self._complaints += 1
            if not self._to_prove and self._complaints <= max(1.0, _BEARABLE * self._round):
                return
            if not self._answered_since or self._to_prove:
                hold_s = _USUAL_HOLD_S if retry_after_s is None else min(retry_after_s, _LONGEST_HOLD_S)
                self._held_until = max(self._held_until, self._clock() + hold_s * _MARGIN)
                self._to_prove = _PROOFS
            self._halvings += 1
            self._growing_fast = self._answered_since = False
            self._limit = max(float(min(_FLOOR, self._cap)), self._limit / 2)
            self._begin_round()

    def _begin_round(self) -> None:
        """Count anew: a round is as many requests as may be in flight at its beginning."""
        self._round = self._limit
        self._answers = 0
        self._complaints = 0
        self._filled = self._in_flight >= int(self._limit)

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
        self._filled = self._filled or self._in_flight >= int(self._limit)
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
