"""A client of the service: typed, patient, and safe to repeat.

``Client("http://127.0.0.1:8000").evaluate("Candidate: …")`` returns an evaluation; `AsyncClient` is the same with
``await``. It knows the service by its OpenAPI alone; a test holds the two against each other.
"""

from __future__ import annotations

from evaluator.client.asynchronous import AsyncClient
from evaluator.client.patience import Patience
from evaluator.client.problems import (
    NotSettled,
    ServiceError,
    ServiceProblem,
    ServiceUnreachable,
    UnreadableAnswer,
)
from evaluator.client.synchronous import Client

__all__ = [
    "AsyncClient",
    "Client",
    "NotSettled",
    "Patience",
    "ServiceError",
    "ServiceProblem",
    "ServiceUnreachable",
    "UnreadableAnswer",
]
