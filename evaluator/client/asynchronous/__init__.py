"""`AsyncClient`: the service for programs on an event loop; `Client` with ``await``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from evaluator.client.asynchronous.batches import AsyncBatches
from evaluator.client.asynchronous.connection import AsyncConnection
from evaluator.client.asynchronous.evaluations import AsyncEvaluations, AsyncReviews
from evaluator.client.asynchronous.rubrics import AsyncAgreement, AsyncJudges, AsyncRubrics
from evaluator.client.asynchronous.webhooks import AsyncWebhooks
from evaluator.client.call import JsonValue
from evaluator.client.operations import evaluations as calls
from evaluator.client.operations import webhooks as other_calls
from evaluator.client.patience import Patience
from evaluator.client.resources.evaluations import EvaluationOptions, EvaluationResource
from evaluator.client.resources.shared import Health
from evaluator.client.resources.usage import UsageResource

if TYPE_CHECKING:
    import httpx2

__all__ = ["AsyncClient"]


class AsyncClient:
    """One service. For one event loop; close it, or use it as a context manager.

    Attributes:
        evaluations: Stored evaluations and jobs.
        reviews: What people say of verdicts.
        batches: Many transcripts at once.
        rubrics: What is judged by.
        judges: Who judges.
        agreement: How far a judge agrees with people.
        webhooks: Where events are sent.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        patience: Patience | None = None,
        timeout_s: float = 120.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            base_url: Where the service is.
            key: One of `evaluator keys create`; none is needed on a service without keys.
            patience: How long a service that is away or busy is waited for.
            timeout_s: Longest silence of the service within one try.
            transport: How requests are sent, if not by a socket.

        Raises:
            OptionError: The address or the key can't be one.
        """
        self._connection = AsyncConnection(base_url, key, patience or Patience(), timeout_s, transport)
        self.evaluations = AsyncEvaluations(self._connection)
        self.reviews = AsyncReviews(self._connection)
        self.batches = AsyncBatches(self._connection)
        self.rubrics = AsyncRubrics(self._connection)
        self.judges = AsyncJudges(self._connection)
        self.agreement = AsyncAgreement(self._connection)
        self.webhooks = AsyncWebhooks(self._connection)

    async def evaluate(
        self,
        transcript: str | None = None,
        *,
        turns: Sequence[Mapping[str, JsonValue]] | None = None,
        file: Path | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[EvaluationOptions],
    ) -> EvaluationResource:
        """Judge one transcript, given as text, as turns or as a file, and wait for the evaluation.

        Args:
            transcript: The text, in any form that is read.
            turns: Each ``{speaker, text, start_s?, end_s?}``.
            file: A file in any form that is read.
            idempotency_key: The same key and transcript get the same answer for a day; a new one if not given.
            **options: As `EvaluationOptions`.

        Raises:
            ServiceError: As `evaluator.client.problems` tells.
            OptionError: Not exactly one of text, turns and file is given.
        """
        call = await asyncio.to_thread(calls.create_evaluation, transcript, turns, file, options, key=idempotency_key)
        return await self._connection.send(call)

    async def submit(
        self,
        transcript: str | None = None,
        *,
        turns: Sequence[Mapping[str, JsonValue]] | None = None,
        file: Path | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[EvaluationOptions],
    ) -> EvaluationResource:
        """Leave a transcript to be judged, and return the job; `evaluations.wait` waits for it. As `evaluate`."""
        call = await asyncio.to_thread(
            calls.create_evaluation, transcript, turns, file, options, key=idempotency_key, later=True
        )
        return await self._connection.send(call)

    async def usage(self) -> UsageResource:
        """Return what was used this month, and what is left."""
        return await self._connection.send(other_calls.read_usage())

    async def health(self) -> Health:
        """Return whether the process lives."""
        return await self._connection.send(other_calls.health())

    async def ready(self) -> Health:
        """Return whether it can take work; waits for it as for any answer."""
        return await self._connection.send(other_calls.ready())

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
