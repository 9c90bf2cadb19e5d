"""The one layer that waits and repeats: retries, Retry-After, the deadline, the circuit breaker, turns.

In: a `ChatModel` that asks once. Out: a `ChatModel` that asks until it has an answer, within limits. What is shared by
all judges of one provider stands in a `Gate`; what is shared by the calls of one evaluation, in an `Allowance`. A good
reply ends it: nothing is asked again after one.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from evaluator.backends.chat_model import ChatModel, ChatReply, ChatRequest
from evaluator.backends.gate import Gate
from evaluator.backends.traced_call import asked
from evaluator.errors import JudgeMisuse, JudgeUnavailable

__all__ = ["Patience", "Patient", "one_allowance"]

_JITTER: Final = 0.1  # of a Retry-After, so that all who heard it don't come back in the same moment


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often.

    Attributes:
        attempts: Most requests for one evaluation, the first included.
        deadline_s: Longest time for one evaluation, counted from its first admitted request.
        first_wait_s: Ceiling of the first wait; it doubles with each attempt.
        longest_wait_s: Ceiling of every such wait.
        longest_retry_after_s: A provider that asks for more is not waited for: who called must decide.
        queue_s: Longest wait for the first turn.
    """

    attempts: int = 5
    deadline_s: float = 120.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    longest_retry_after_s: float = 60.0
    queue_s: float = 3600.0


@dataclass(slots=True)
class Allowance:
    """What the calls of one evaluation have left.

    Attributes:
        calls: How many calls share it, apart from re-asks.
        sent: Requests sent so far.
        ends: When the evaluation must be done, on its loop's clock; ``None`` until a first request is admitted.
    """

    calls: int = 1
    sent: int = 0
    ends: float | None = None

    def left(self, policy: Patience) -> int:
        """Return how many requests may still be sent."""
        return policy.attempts * self.calls - self.sent

    def begin(self, policy: Patience, now: float) -> float:
        """Let the time run, if it doesn't yet, and return when it ends."""
        self.ends = now + policy.deadline_s if self.ends is None else self.ends
        return self.ends


_allowance: ContextVar[Allowance | None] = ContextVar("evaluator_allowance", default=None)


@contextmanager
def one_allowance(calls: int = 1) -> Generator[None]:
    """Let all calls made within share one deadline and one count of requests, as the calls of one evaluation do.

    Args:
        calls: How many calls stand side by side; a re-ask counts against the call that it mends.
    """
    token = _allowance.set(Allowance(calls))
    try:
        yield
    finally:
        _allowance.reset(token)


class Patient:
    """A `ChatModel` that waits for another one. Safe to share between event loops and threads."""

    def __init__(
        self,
        model: ChatModel,
        gate: Gate,
        policy: Patience | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Wrap a model.

        Args:
            model: Who is asked.
            gate: Shared by all models of the same provider.
            policy: How long and how often.
            sleep: Waits so many seconds.
            chance: Numbers from 0 to 1, for jitter.
        """
        self._model = model
        self._gate = gate
        self._policy = policy or Patience()
        self._sleep = sleep
        self._chance = chance

    @property
    def provider(self) -> str:
        """As the model's."""
        return self._model.provider

    @property
    def model(self) -> str:
        """As the model's."""
        return self._model.model

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask until there is an answer.

        Raises:
            JudgeUnavailable: Attempts or time ran out, or the provider asks for a longer wait than is worth it.
            JudgeMisuse: As the model raises it; never repeated.
        """
        policy = self._policy
        allowance = _allowance.get() or Allowance()
        now = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(allowance.ends or now + policy.queue_s) as timer:
                try:
                    return await self._ask(request, allowance, timer)
                except JudgeUnavailable as error:
                    first = error
                return await self._ask_again(first, request, allowance, timer)
        except TimeoutError as error:
            limit = (
                f"deadline of {policy.deadline_s:g}"
                if allowance.ends
                else f"longest wait for a turn, {policy.queue_s:g}"
            )
            raise JudgeUnavailable(f"no answer within the {limit} seconds", where=self.provider) from error
        except JudgeUnavailable as error:
            raise JudgeUnavailable(
                f"{error.message}; given up after {allowance.sent} requests",
                where=error.where,
                remedy=error.remedy,
                retry_after_s=error.retry_after_s,
            ) from error

    async def _ask_again(
        self, first: JudgeUnavailable, request: ChatRequest, allowance: Allowance, timer: asyncio.Timeout
    ) -> ChatReply:
        """Wait and repeat after a first failure; apart, since most requests need none of it."""
        failed = [first]

        async def ask() -> ChatReply:
            if failed:
                raise failed.pop()
            return await self._ask(request, allowance, timer)

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(JudgeUnavailable),
            wait=self._wait_s,
            stop=partial(self._must_stop, allowance),
            sleep=self._sleep,
            reraise=True,
        )
        return await retrying(ask)

    async def _ask(self, request: ChatRequest, allowance: Allowance, timer: asyncio.Timeout) -> ChatReply:
        """Ask once, when it is this request's turn and the provider is thought to be there."""
        breaker, pace = self._gate.breaker, self._gate.pace
        while True:
            if pace is not None:
                await self._sleep(pace.wait_s())
            async with self._gate.limiter.turn(again=allowance.ends is not None) as halvings:
                now = asyncio.get_running_loop().time()
                timer.reschedule(ends := allowance.begin(self._policy, now))
                if allowance.left(self._policy) <= 0:
                    raise JudgeUnavailable("all requests of this evaluation are used up", where=self.provider)
                wait_s = breaker.wait_s()
                if not wait_s:
                    return await self._send(request, allowance, timer, halvings)
            if now + wait_s > ends:
                raise _Hopeless("the provider has failed again and again", where=self.provider, retry_after_s=wait_s)
            await self._sleep(wait_s * (1 + _JITTER * self._chance()))

    async def _send(
        self, request: ChatRequest, allowance: Allowance, timer: asyncio.Timeout, halvings: int
    ) -> ChatReply:
        gate = self._gate
        allowance.sent += 1
        try:
            reply = await asked(self._model, request)
        except JudgeUnavailable as error:
            gate.failed(error, halvings)
            raise
        except JudgeMisuse:
            gate.breaker.answered()
            raise
        except asyncio.CancelledError:
            late = asyncio.get_running_loop().time() >= (timer.when() or math.inf)
            gate.breaker.failed() if late else gate.breaker.gave_up()
            raise
        except BaseException:
            gate.breaker.gave_up()
            raise
        gate.breaker.answered()
        gate.limiter.succeeded(reply.limits, reply.usage.input_tokens + reply.usage.output_tokens)
        return reply

    def _wait_s(self, state: RetryCallState) -> float:
        """Return the wait after a failure: what the provider asks, or a random part of a ceiling that doubles."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, JudgeUnavailable) and error.retry_after_s is not None:
            return error.retry_after_s * (1 + _JITTER * self._chance())
        ceiling = self._policy.first_wait_s * 2 ** (state.attempt_number - 1)
        return min(ceiling, self._policy.longest_wait_s) * self._chance()

    def _must_stop(self, allowance: Allowance, state: RetryCallState) -> bool:
        """Whether another attempt is out of the question: none left, too late, or too long a wait asked for."""
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, JudgeUnavailable) else None
        then = asyncio.get_running_loop().time() + state.upcoming_sleep
        return (
            isinstance(error, _Hopeless)
            or allowance.left(self._policy) <= 0
            or (allowance.ends is not None and then >= allowance.ends)
            or (asked_s is not None and asked_s > self._policy.longest_retry_after_s)
        )


class _Hopeless(JudgeUnavailable):
    """Not worth another attempt within this evaluation."""
