"""Many transcripts at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Unpack

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.client.asynchronous.connection import AsyncConnection
from evaluator.client.call import JsonValue
from evaluator.client.operations import batches as calls
from evaluator.client.resources.batches import BatchOptions, BatchResource
from evaluator.client.results import record_in

__all__ = ["AsyncBatches"]


class AsyncBatches:
    """Batches of one service."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Ask over a connection."""
        self._connection = connection

    async def create(
        self,
        items: Path | Iterable[Mapping[str, JsonValue]],
        *,
        idempotency_key: str | None = None,
        **options: Unpack[BatchOptions],
    ) -> BatchResource:
        """Send transcripts to be judged, and return the batch once all are safe.

        Args:
            items: A file (JSONL, CSV, Parquet, zip), or rows, each with ``text`` or ``turns``.
            idempotency_key: The same key and items get the same batch for a day; a new one if not given.
            **options: As `BatchOptions`.

        Raises:
            ServiceError: As `evaluator.client.problems` tells.
            OptionError: The file can't be read.
        """
        call = await asyncio.to_thread(calls.create_batch, items, options, key=idempotency_key)
        return await self._connection.send(call)

    async def get(self, id_: str) -> BatchResource:
        """Return how far a batch is."""
        return await self._connection.send(calls.get_batch(id_))

    async def wait(self, id_: str, *, timeout_s: float = 86_400.0) -> BatchResource:
        """Return a batch once nothing of it will change any more.

        Raises:
            NotSettled: It isn't done, within the time.
            ServiceError: As ever.
        """
        return await self._connection.settled(lambda: self.get(id_), lambda found: found.done, timeout_s)

    def follow(self, id_: str) -> AsyncIterator[BatchResource]:
        """Yield a batch whenever something changed, until it is done; the last one is how it ended."""
        return (batch async for _, batch in self._connection.events(calls.follow_batch(id_)))

    def results(self, id_: str) -> AsyncIterator[GradedItem | FailedItem]:
        """Yield a record for each item, in the order in which they were sent."""
        return (record_in(line) async for line in self._connection.lines(calls.get_results(id_, "jsonl")))

    async def table(self, id_: str) -> bytes:
        """Return the results as CSV."""
        return await self._connection.send(calls.get_results(id_, "csv"))

    def list(self) -> AsyncIterator[BatchResource]:
        """Yield batches, newest first."""
        return self._connection.pages(calls.list_batches)

    async def cancel(self, id_: str) -> BatchResource:
        """Judge nothing more of a batch; what is judged already stays."""
        return await self._connection.send(calls.cancel_batch(id_))

    async def delete(self, id_: str) -> None:
        """Delete a batch and all its results, for good."""
        await self._connection.send(calls.delete_batch(id_))
