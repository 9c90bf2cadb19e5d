"""The results of one batch: read as they stream in, kept in the ledger, then handed out. Each counts once.

Replies are kept as text in a form of ours, so that a later version of this package can tell whether it still reads it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from pydantic import TypeAdapter, ValidationError

from evaluator.backends.batch_service import BatchService, Unanswered, number_of
from evaluator.backends.chat_model import ChatReply
from evaluator.errors import JudgeError, JudgeUnavailable
from evaluator.store.batches import BatchLedger, KeptBatch, KeptReply

__all__ = ["Collected", "kept_reply"]

_AT_ONCE: Final = 100  # replies in one transaction: a disk's flush for each would take minutes
_REPLY: Final = TypeAdapter(ChatReply)

Outcome = ChatReply | JudgeError


class Collected:
    """What was read so far of one batch."""

    def __init__(
        self,
        service: BatchService,
        ledger: BatchLedger,
        batch: KeptBatch,
        keys: Sequence[str],
        hand_out: Callable[[Mapping[str, Outcome]], None],
    ) -> None:
        """Begin with nothing read.

        Args:
            service: Who has the results.
            ledger: Where replies are kept.
            batch: Whose results they are.
            keys: Of its requests, in their order.
            hand_out: Told the outcomes by key, replies after they were kept.
        """
        self._service = service
        self._ledger = ledger
        self._batch = batch
        self._keys = keys
        self._hand_out = hand_out
        self._heard: set[int] = set()

    @property
    def complete(self) -> bool:
        """Whether each request has an outcome."""
        return len(self._heard) == len(self._keys)

    async def read(self, sources: Sequence[str]) -> None:
        """Read what wasn't read yet; may be called again if it broke off.

        Lines that name no request of this batch are passed over.

        Raises:
            JudgeError: As the service raises it.
            OptionError: The ledger can't be written.
        """
        for source in sources:
            outcomes: dict[str, Outcome] = {}
            heard: set[int] = set()
            async with aclosing(self._service.results(source)) as results:
                async for result in results:
                    number = number_of(result.custom_id, self._batch.intent)
                    if number is None or number >= len(self._keys) or number in self._heard | heard:
                        continue
                    heard.add(number)
                    outcomes[self._keys[number]] = result.outcome
                    if len(outcomes) >= _AT_ONCE:
                        await self._settle(outcomes, heard)
                        outcomes, heard = {}, set()
            await self._settle(outcomes, heard)

    def kept(self, keys: Sequence[str]) -> dict[str, ChatReply]:
        """Return the replies to these requests that stand in the ledger."""
        found = {key: kept_reply(kept) for key, kept in self._ledger.replies(keys).items()}
        return {key: reply for key, reply in found.items() if reply is not None}

    async def _settle(self, outcomes: Mapping[str, Outcome], heard: set[int]) -> None:
        replies = {
            key: _REPLY.dump_json(outcome).decode()
            for key, outcome in outcomes.items()
            if isinstance(outcome, ChatReply)
        }
        if replies:
            await asyncio.to_thread(self._ledger.keep, replies)
        self._heard |= heard
        self._hand_out({key: _again(outcome) for key, outcome in outcomes.items()})


def kept_reply(kept: KeptReply) -> ChatReply | None:
    """Return a reply as it was kept; ``None`` if it can't be read any more."""
    try:
        return _REPLY.validate_json(kept.text)
    except ValidationError:  # its message holds the reply
        return None


def _again(outcome: Outcome) -> Outcome:
    """Mark what another batch may bring."""
    return Unanswered(outcome.message, where=outcome.where) if isinstance(outcome, JudgeUnavailable) else outcome
