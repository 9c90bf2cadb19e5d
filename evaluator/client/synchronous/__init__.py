"""`Client`: the service for programs that wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from evaluator.client.call import JsonValue
from evaluator.client.operations import evaluations as calls
from evaluator.client.operations import webhooks as other_calls
from evaluator.client.patience import Patience
from evaluator.client.resources.evaluations import EvaluationOptions, EvaluationResource
from evaluator.client.resources.shared import Health
from evaluator.client.resources.usage import UsageResource
from evaluator.client.synchronous.batches import Batches
from evaluator.client.synchronous.connection import Connection
from evaluator.client.synchronous.evaluations import Evaluations, Reviews
from evaluator.client.synchronous.rubrics import Agreement, Judges, Rubrics
from evaluator.client.synchronous.webhooks import Webhooks

if TYPE_CHECKING:
    import httpx2

__all__ = ["Client"]


class Client:
    """One service. Safe to share between threads; close it, or use it as a context manager.

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
        transport: httpx2.BaseTransport | None = None,
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
        self._connection = Connection(base_url, key, patience or Patience(), timeout_s, transport)
        self.evaluations = Evaluations(self._connection)
        self.reviews = Reviews(self._connection)
        self.batches = Batches(self._connection)
        self.rubrics = Rubrics(self._connection)
        self.judges = Judges(self._connection)
        self.agreement = Agreement(self._connection)
        self.webhooks = Webhooks(self._connection)

    def evaluate(
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
        return self._connection.send(calls.create_evaluation(transcript, turns, file, options, key=idempotency_key))

    def submit(
        self,
        transcript: str | None = None,
        *,
        turns: Sequence[Mapping[str, JsonValue]] | None = None,
        file: Path | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[EvaluationOptions],
    ) -> EvaluationResource:
        """Leave a transcript to be judged, and return the job; `evaluations.wait` waits for it. As `evaluate`."""
        return self._connection.send(
            calls.create_evaluation(transcript, turns, file, options, key=idempotency_key, later=True)
        )

    def usage(self) -> UsageResource:
        """Return what was used this month, and what is left."""
        return self._connection.send(other_calls.read_usage())

    def health(self) -> Health:
        """Return whether the process lives."""
        return self._connection.send(other_calls.health())

    def ready(self) -> Health:
        """Return whether it can take work; waits for it as for any answer."""
        return self._connection.send(other_calls.ready())

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
