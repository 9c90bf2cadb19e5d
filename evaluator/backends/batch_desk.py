"""Where the requests of one event loop meet: gathered, sent as batches, waited for, handed back.

In: requests, one by one, from as many coroutines as there are. Out: the reply of each, in whatever order. What is sent
is first written to the ledger, and what comes back is kept there before anybody is told, so that a process that dies
at any point leaves behind what the next one needs.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Final

from evaluator.backends.batch_calls import BatchCalls
from evaluator.backends.batch_options import BatchOptions
from evaluator.backends.batch_results import Collected
from evaluator.backends.batch_service import BatchService, Unanswered
from evaluator.backends.batch_upload import write_upload
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.errors import EvaluatorError, JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.store.batches import KeptBatch

__all__ = ["Desk"]

_INTENT_BYTES: Final = 12
_PASSES: Final = 3  # looks for results that the provider counts as ended and doesn't show


class Desk:
    """Gathers and brings back the requests of one event loop."""

    def __init__(self, service: BatchService, options: BatchOptions, calls: BatchCalls) -> None:
        """Begin with nothing asked.

        Args:
            service: Who is asked.
            options: As the caller chose.
            calls: How the service is asked.
        """
        self._service = service
        self._ledger = options.ledger
        self._options = options
        self._calls = calls
        form = service.form
        self._most = min(options.max_requests or form.most_requests, form.most_requests)
        self._most_bytes = min(options.max_bytes or form.most_bytes, form.most_bytes)
        self._arrived: dict[str, ChatRequest] = {}
        self._arrivals = 0
        self._full = asyncio.Event()
        self._gathering: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[ChatReply]] = {}
        self._bringing: dict[str, asyncio.Task[None]] = {}
        self._sending: set[str] = set()
        self._hoping: dict[str, set[str]] = {}

    async def ask(self, key: str, request: ChatRequest) -> ChatReply:
        """Send a request with the next batch and wait for its reply.

        Raises:
            Unanswered: The batch brought none; another one may.
            JudgeUnavailable: The provider can't be reached.
            JudgeMisuse: The request, or the batch it was in, was refused.
            OptionError: The ledger can't be written.
        """
        self._arrived[key] = request
        self._arrivals += 1
        if len(self._arrived) >= self._most:
            self._full.set()
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._gather())
            self._gathering.add_done_callback(self._gathered)
        return await self._reply(key)

    async def join(self, key: str, batch: KeptBatch) -> ChatReply:
        """Wait for a request that an earlier run has put into a batch; as `ask`."""
        self._hoping.setdefault(batch.intent, set()).add(key)
        if batch.intent not in self._bringing and batch.intent not in self._sending:
            self._begin(batch)
        return await self._reply(key)

    async def _reply(self, key: str) -> ChatReply:
        self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            return await self._waiting[key]
        finally:
            del self._waiting[key]
            self._arrived.pop(key, None)

    async def _gather(self) -> None:
        """Send batches until nobody waits for one to be sent."""
        while self._arrived:
            await self._quiet()
            await self._send()

    async def _quiet(self) -> None:
        """Wait until no request has come for a while, the first has waited long enough, or a batch is full."""
        loop, options = asyncio.get_running_loop(), self._options
        ends, seen = loop.time() + options.gather_s, -1
        while len(self._arrived) < self._most and seen != self._arrivals and loop.time() < ends:
            seen = self._arrivals
            self._full.clear()
            try:
                async with asyncio.timeout(options.quiet_s):
                    await self._full.wait()
            except TimeoutError:
                continue

    async def _send(self) -> None:
        """Send one batch of those that wait; what doesn't fit stays for the next."""
        asked = dict(islice(self._arrived.items(), self._most))
        intent = secrets.token_hex(_INTENT_BYTES)
        with ExitStack() as stack:
            try:
                upload = stack.enter_context(tempfile.TemporaryFile())
                size = await asyncio.to_thread(
                    write_upload, upload, self._service, intent, list(asked.values()), self._most_bytes
                )
            except OSError as error:
                self._give_up(
                    asked,
                    OptionError(
                        f"the batch can't be written: {type(error).__name__}",
                        where="the folder of temporary files",
                        remedy="free its disk",
                    ),
                )
                return
            keys = list(islice(asked, size or 1))
            if not size:
                too_large = "the request is larger than a batch may be"
                self._give_up(keys, JudgeMisuse(too_large, where=self._service.model.provider))
                return
            for key in keys:
                self._arrived.pop(key, None)
            batch = KeptBatch(intent, self._service.scope, self._calls.now(), size)
            self._hoping[intent] = set(keys)
            self._sending.add(intent)  # who joins meanwhile must not look for what is just being created
            try:
                await asyncio.to_thread(self._ledger.intend, batch, keys)
                batch_id = await self._calls.create(batch, upload)
            except EvaluatorError as error:
                self._fail(self._hoping.pop(intent), error)
                return
            finally:
                self._sending.discard(intent)
        self._begin(replace(batch, batch_id=batch_id))

    def _begin(self, batch: KeptBatch) -> None:
        self._hoping.setdefault(batch.intent, set())
        task = self._bringing[batch.intent] = asyncio.create_task(self._bring(batch))
        task.add_done_callback(partial(self._brought, batch.intent))

    async def _bring(self, batch: KeptBatch) -> None:
        """Wait for a batch and hand out what it brought."""
        batch_id = batch.batch_id or await self._calls.find(batch)
        if batch_id is None:
            await asyncio.to_thread(self._ledger.close_batch, batch.intent)
            return
        state = await self._calls.ended(batch, batch_id)
        if state.failure is not None:
            await asyncio.to_thread(self._ledger.close_batch, batch.intent)
            if not isinstance(state.failure, Unanswered):
                raise state.failure.located(f"batch {batch_id}")
            await asyncio.sleep(self._options.longest_poll_s)  # sent again at once, it would fail again
            raise state.failure
        keys = await asyncio.to_thread(self._ledger.keys, batch.intent)
        collected = Collected(self._service, self._ledger, batch, keys, partial(self._hand_out, batch.intent))
        for _ in range(_PASSES):
            await self._calls.repeated(partial(collected.read, state.sources))
            if collected.complete:
                break
            await asyncio.sleep(self._options.poll_s)
            state = await self._calls.ended(batch, batch_id)
        await asyncio.to_thread(self._ledger.close_batch, batch.intent)
        late = list(self._hoping[batch.intent])  # who began to wait when their results had gone by
        self._hand_out(batch.intent, await asyncio.to_thread(collected.kept, late))

    def _hand_out(self, intent: str, outcomes: Mapping[str, ChatReply | EvaluatorError]) -> None:
        for key, outcome in outcomes.items():
            self._hoping[intent].discard(key)  # it may soon hope for another batch
            waiting = self._waiting.get(key)
            if waiting is None or waiting.done():
                continue
            if isinstance(outcome, ChatReply):
                waiting.set_result(outcome)
            else:
                waiting.set_exception(outcome)

    def _give_up(self, keys: Iterable[str], error: EvaluatorError) -> None:
        """Fail requests that weren't sent."""
        for key in keys:
            self._arrived.pop(key, None)
        self._fail(keys, error)

    def _fail(self, keys: Iterable[str], error: BaseException) -> None:
        for key in keys:
            waiting = self._waiting.get(key)
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)

    def _brought(self, intent: str, task: asyncio.Task[None]) -> None:
        """Tell those whom the batch brought nothing."""
        del self._bringing[intent]
        hoping = self._hoping.pop(intent, set())
        self._fail(hoping, _fault(task) or Unanswered("the batch brought no answer to this request"))

    def _gathered(self, task: asyncio.Task[None]) -> None:
        """Tell those who wait if gathering itself broke."""
        if fault := _fault(task):
            self._fail(list(self._arrived), fault)
            for keys in [keys for intent, keys in self._hoping.items() if intent not in self._bringing]:
                self._fail(keys, fault)


def _fault(task: asyncio.Task[None]) -> BaseException | None:
    if task.cancelled():
        return JudgeUnavailable("waiting for the batch was broken off", remedy="run the same command again")
    return task.exception()
