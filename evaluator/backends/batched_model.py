"""`BatchedModel`: a `ChatModel` that asks through a provider's batch API, at half the price and within a day.

Whoever asks it waits as for any other model. Its requests go out together, and a request that asks again because a
reply couldn't be used goes into a later batch by itself. No deadline of an evaluation holds here: waiting is the point.

A request's key is a hash of what is asked, of whom; its nonce left out. The same question asked several times, as for
samples, has numbers: the first free one is taken, so that a run that goes on takes its replies in the same order.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Final

from evaluator.backends.batch_calls import BatchCalls
from evaluator.backends.batch_desk import Desk
from evaluator.backends.batch_options import BatchOptions
from evaluator.backends.batch_results import kept_reply
from evaluator.backends.batch_service import BatchService, Unanswered
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.pricing import Budget, PriceList, check_priced, most_usd
from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.store.batches import KeptReply

__all__ = ["BatchedModel", "request_key"]

_KEY_VERSION: Final = "1"  # raised when the same request would be answered differently
_BUDGET_S: Final = 1.0  # how soon a request that waits for others to be settled looks again
_LONGEST_BUDGET_S: Final = 60.0


class BatchedModel:
    """Asks in batches. Safe to share between event loops and threads; each loop gathers its own."""

    def __init__(
        self,
        service: BatchService,
        options: BatchOptions,
        *,
        budget: Budget | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put a batch service behind the ways of a model.

        Args:
            service: Who is asked.
            options: As the caller chose.
            budget: Of the run; ``None`` keeps none.
            clock: Seconds since 1970.

        Raises:
            JudgeMisuse: There is a budget and the model has no known price.
        """
        if budget is not None:
            check_priced(service.model.prices)
        self._service = service
        self._options = options
        self._budget = budget
        self._calls = BatchCalls(service, options, clock)
        self._desks: dict[asyncio.AbstractEventLoop, Desk] = {}
        self._taken: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def provider(self) -> str:
        """As the model's."""
        return self._service.model.provider

    @property
    def model(self) -> str:
        """As the model's: a batch changes the price of an answer, not the answer."""
        return self._service.model.model

    @property
    def prices(self) -> PriceList:
        """At batch price."""
        return self._service.model.prices

    def output_tokens(self, wanted: int) -> int:
        """As the model's."""
        return self._service.model.output_tokens(wanted)

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the reply that was paid for, or wait for the batch that has the request or the next one.

        Raises:
            JudgeUnavailable: No batch brought an answer, or the provider couldn't be reached for too long.
            JudgeMisuse: The provider refuses the request or the batch, or the budget is reached.
            OptionError: The ledger can't be read or written.
        """
        asked = request_key(request, self._service.scope, self.output_tokens(request.max_output_tokens))
        number = self._take(asked)
        try:
            return await self._complete(f"{asked}#{number}", request)
        except BaseException:
            self._give_back(asked, number)
            raise

    async def _complete(self, key: str, request: ChatRequest) -> ChatReply:
        if reply := await self._earlier(key):
            if self._budget is not None:
                self._budget.record(reply.usage.cost_usd)
            return reply
        most = most_usd(self._service.model, request) if self._budget is not None else 0.0
        await self._reserve(most)
        cost = most  # of one that is given up while it runs: it may be billed
        try:
            reply = await self._ask(key, request)
            cost = reply.usage.cost_usd if reply.usage.priced else most
        except (JudgeMisuse, _GivenUp):
            cost = 0.0  # a provider bills what it answered; any other failure may hide an answer
            raise
        finally:
            if self._budget is not None:
                self._budget.settle(most, cost)
        return reply

    async def _earlier(self, key: str) -> ChatReply | None:
        """Return the reply that an earlier run has or will have paid for."""
        for _ in range(self._options.rounds + 1):
            found = await asyncio.to_thread(self._options.ledger.find, key)
            if found is None or isinstance(found, KeptReply):
                return kept_reply(found) if found else None
            try:
                return await self._desk().join(key, found)
            except Unanswered:
                continue  # the batch is over, and its reply may have been kept just before we began to wait
        return None

    async def _ask(self, key: str, request: ChatRequest) -> ChatReply:
        last: Unanswered | None = None
        for _ in range(self._options.rounds):
            try:
                return await self._desk().ask(key, request)
            except Unanswered as error:
                last = error
        raise _GivenUp(
            f"{last.message if last else 'no answer'}; given up after {self._options.rounds} batches",
            where=self.provider,
            remedy="run the same command again",
        ) from last

    async def _reserve(self, most: float) -> None:
        wait_s = _BUDGET_S
        while self._budget is not None and not self._budget.reserve(most):
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_BUDGET_S)

    def _desk(self) -> Desk:
        loop = asyncio.get_running_loop()
        with self._lock:
            for other in [other for other in self._desks if other.is_closed()]:
                del self._desks[other]
            if loop not in self._desks:
                self._desks[loop] = Desk(self._service, self._options, self._calls)
            return self._desks[loop]

    def _take(self, asked: str) -> int:
        """Return the lowest number that no other request with this key has."""
        with self._lock:
            taken = self._taken.get(asked, 0)
            free = ~taken & (taken + 1)
            self._taken[asked] = taken | free
        return free.bit_length() - 1

    def _give_back(self, asked: str, number: int) -> None:
        """Free the number of a request that has no reply."""
        with self._lock:
            self._taken[asked] &= ~(1 << number)
            if not self._taken[asked]:
                del self._taken[asked]


class _GivenUp(JudgeUnavailable):
    """No batch brought an answer, so that none was billed."""


def request_key(request: ChatRequest, scope: str, output_tokens: int) -> str:
    """Hash what is asked of whom. Requests that differ by their nonce alone have the same key.

    Args:
        request: What is asked.
        scope: Of whom, by which parameters.
        output_tokens: The limit that is really sent.
    """
    messages = [message.replace(request.nonce, "\0") if request.nonce else message for message in request.messages]
    content = [_KEY_VERSION, scope, output_tokens, request.system, messages, dict(request.schema)]
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
