"""Many transcripts at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Unpack

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.client.call import JsonValue
from evaluator.client.operations import batches as calls
from evaluator.client.resources.batches import BatchOptions, BatchResource
from evaluator.client.results import record_in
from evaluator.client.synchronous.connection import Connection

__all__ = ["Batches"]


class Batches:
    """Batches of one service."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def create(
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
        return self._connection.send(calls.create_batch(items, options, key=idempotency_key))

    def get(self, id_: str) -> BatchResource:
        """Return how far a batch is."""
        return self._connection.send(calls.get_batch(id_))

    def wait(self, id_: str, *, timeout_s: float = 86_400.0) -> BatchResource:
        """Return a batch once nothing of it will change any more.

        Raises:
            NotSettled: It isn't done, within the time.
            ServiceError: As ever.
        """
        return self._connection.settled(lambda: self.get(id_), lambda found: found.done, timeout_s)

    def follow(self, id_: str) -> Iterator[BatchResource]:
        """Yield a batch whenever something changed, until it is done; the last one is how it ended."""
        return (batch for _, batch in self._connection.events(calls.follow_batch(id_)))

    def results(self, id_: str) -> Iterator[GradedItem | FailedItem]:
        """Yield a record for each item, in the order in which they were sent."""
        return map(record_in, self._connection.lines(calls.get_results(id_, "jsonl")))

    def table(self, id_: str) -> bytes:
        """Return the results as CSV."""
        return self._connection.send(calls.get_results(id_, "csv"))

    def list(self) -> Iterator[BatchResource]:
        """Yield batches, newest first."""
        return self._connection.pages(calls.list_batches)

    def cancel(self, id_: str) -> BatchResource:
        """Judge nothing more of a batch; what is judged already stays."""
        return self._connection.send(calls.cancel_batch(id_))

    def delete(self, id_: str) -> None:
        """Delete a batch and all its results, for good."""
        self._connection.send(calls.delete_batch(id_))
