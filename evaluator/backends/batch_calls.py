"""How a batch service is asked: again and again while it can't answer, and never twice for the same batch.

The one place where batches wait for a provider. Creating is the one call that must not be repeated blindly: an attempt
that broke off may have created the batch, so that it is looked for before another is made.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from evaluator.backends.batch_options import BatchOptions
from evaluator.backends.batch_service import BatchService, BatchState
from evaluator.backends.provider_failures import ProviderFailure
from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.store.batches import KeptBatch

__all__ = ["BatchCalls"]

_GROWTH: Final = 1.5
_LEAST: Final = 0.5  # part of a wait that chance leaves, so that a provider that is down isn't asked at once again
_CANCELLING_S: Final = 3600.0

_T = TypeVar("_T")


class BatchCalls:
    """Asks a service, with patience."""

    def __init__(
        self,
        service: BatchService,
        options: BatchOptions,
        clock: Callable[[], float],
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Hold whom to ask and how long.

        Args:
            service: Who is asked.
            options: As the caller chose.
            clock: Seconds since 1970.
            chance: Numbers from 0 to 1, for jitter.
        """
        self._service = service
        self._ledger = options.ledger
        self._options = options
        self._chance = chance
        self.now = clock

    async def repeated(self, call: Callable[[], Awaitable[_T]]) -> _T:
        """Call until it doesn't say: try later.

        Raises:
            JudgeUnavailable: The provider couldn't answer for longer than is waited.
            EvaluatorError: Any other, as it was raised.
        """
        began = asyncio.get_running_loop().time()
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(JudgeUnavailable),
            wait=self._wait_s,
            stop=lambda state: self._stops(began, state),
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await retrying(call)

    async def create(self, batch: KeptBatch, upload: BinaryIO) -> str:
        """Create a batch that is in the ledger, and return the provider's name for it.

        Raises:
            JudgeUnavailable: The provider couldn't answer; the batch may have been created, and the ledger says so.
            JudgeMisuse: The provider refuses it.
            OptionError: The ledger can't be written.
        """
        attempt = _Attempt()
        try:
            batch_id = await self.repeated(partial(self._create, batch, upload, attempt))
        except JudgeMisuse:
            if attempt.doubted_at is None:
                await asyncio.to_thread(self._ledger.close_batch, batch.intent)
            raise
        await asyncio.to_thread(self._ledger.created, batch.intent, batch_id)
        return batch_id

    async def _create(self, batch: KeptBatch, upload: BinaryIO, attempt: _Attempt) -> str:
        if attempt.doubted_at is not None:
            found = await self._sought(batch, attempt.doubted_at)
            if found is not None:
                return found
            attempt.doubted_at = None
        try:
            return await self._service.submit(batch, upload)
        except JudgeUnavailable as error:
            if not (isinstance(error, ProviderFailure) and _was_refused(error.status)):
                attempt.doubted_at = self.now()
            raise

    async def find(self, batch: KeptBatch) -> str | None:
        """Return the provider's name for a batch that an earlier run may have created; ``None`` if it did not.

        Raises:
            JudgeUnavailable: The provider couldn't answer for longer than is waited.
            JudgeMisuse: The provider refuses to tell.
            OptionError: The ledger can't be written.
        """
        found = await self._sought(batch, batch.intended_at)
        if found is not None:
            await asyncio.to_thread(self._ledger.created, batch.intent, found)
        return found

    async def ended(self, batch: KeptBatch, batch_id: str) -> BatchState:
        """Wait until a batch has ended; one that takes too long is cancelled.

        Raises:
            JudgeUnavailable: It doesn't end, or the provider couldn't answer for longer than is waited.
            JudgeMisuse: The provider refuses to tell, for example because the key is another account's.
        """
        wait_s, cancelled = self._options.poll_s, False
        while True:
            try:
                state = await self.repeated(partial(self._service.state, batch_id))
            except JudgeMisuse as error:
                raise error.located(f"batch {batch_id}") from error
            if state.ended:
                return state
            late_s = self.now() - batch.intended_at - self._options.deadline_s
            if late_s > _CANCELLING_S:
                raise JudgeUnavailable(
                    f"not done {(self.now() - batch.intended_at) / 3600:.0f} hours after it was sent",
                    where=f"batch {batch_id}",
                    remedy="run the same command again to look once more",
                )
            if late_s > 0 and not cancelled:
                await self.repeated(partial(self._service.cancel, batch_id))
                wait_s, cancelled = self._options.poll_s, True
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * _GROWTH, self._options.longest_poll_s)

    async def _sought(self, batch: KeptBatch, doubted_at: float) -> str | None:
        """Look for a batch until it is found, or sure not to be there."""
        wait_s = self._options.poll_s
        while True:
            others = await asyncio.to_thread(self._ledger.batch_ids)
            seen = await self.repeated(partial(self._service.find, batch, others))
            if seen.batch_id is not None:
                return seen.batch_id
            # a clock that was set back since must not make us wait for longer
            left_s = min(doubted_at - self.now(), 0.0) + self._options.certain_s
            ended = self.now() - doubted_at > self._options.deadline_s  # by then every batch has
            if left_s <= 0 and (ended or not seen.undecided):
                return None
            await asyncio.sleep(wait_s if seen.undecided else min(wait_s, left_s))
            wait_s = min(wait_s * _GROWTH, self._options.longest_poll_s)

    def _wait_s(self, state: RetryCallState) -> float:
        """Return the wait after a failure: what the provider asks, else a random part of a ceiling that doubles."""
        error = state.outcome.exception() if state.outcome else None
        ceiling = min(2.0 ** min(state.attempt_number, 16), self._options.longest_poll_s)
        wait_s = ceiling * (_LEAST + (1 - _LEAST) * self._chance())
        asked_s = error.retry_after_s if isinstance(error, JudgeUnavailable) else None
        return max(wait_s, asked_s) if asked_s is not None else wait_s

    def _stops(self, began: float, state: RetryCallState) -> bool:
        return asyncio.get_running_loop().time() + state.upcoming_sleep - began > self._options.outage_s


@dataclass(slots=True)
class _Attempt:
    """What is known of the attempts to create one batch.

    Attributes:
        doubted_at: When one broke off that may have created it; ``None`` if none did.
    """

    doubted_at: float | None = None


def _was_refused(status: int | None) -> bool:
    """Whether an answer says that nothing was created."""
    return status is not None and 400 <= status < 500  # noqa: PLR2004 - client errors
