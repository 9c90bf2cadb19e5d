"""The seam below `BatchedModel`: what a provider's batch API does, whoever's it is.

A provider is one file that meets `BatchService`. It sends, reads and translates errors; it never waits and never
repeats (see `batch_desk`). Names that a provider gives (of batches, of files) are untrusted: they go into addresses, so
that only such as look like names are taken.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.pricing import PricedModel
from evaluator.errors import JudgeError, JudgeUnavailable
from evaluator.store.batches import KeptBatch

__all__ = [
    "NAME",
    "BatchResult",
    "BatchService",
    "BatchState",
    "Sighting",
    "Unanswered",
    "UploadForm",
    "custom_id",
    "is_name",
    "number_of",
]

NAME: Final = "[A-Za-z0-9][A-Za-z0-9_-]{0,127}"
"""Pattern of the names that providers give to batches and files."""


class Unanswered(JudgeUnavailable):
    """A batch brought no answer to a request, and another batch may."""


@dataclass(frozen=True, slots=True)
class UploadForm:
    """How the requests of a batch are put into one body.

    Attributes:
        head: Before the first.
        between: After each but the last.
        tail: After the last.
        most_requests: The provider takes no more.
        most_bytes: Nor a larger body.
    """

    head: bytes
    between: bytes
    tail: bytes
    most_requests: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is.

    Attributes:
        ended: Whether nothing more will come.
        sources: Where its results lie, for `BatchService.results`; empty until it ended.
        failure: Why the batch as a whole brings nothing: `Unanswered` if another one may; ``None`` if it didn't fail.
    """

    ended: bool
    sources: tuple[str, ...] = ()
    failure: JudgeError | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one request.

    Attributes:
        custom_id: Which one; untrusted, empty if it couldn't be read.
        outcome: The reply at batch price; or why there is none: `JudgeUnavailable` if another batch may bring one.
    """

    custom_id: str
    outcome: ChatReply | JudgeError


@dataclass(frozen=True, slots=True)
class Sighting:
    """Whether a batch was created.

    Attributes:
        batch_id: The provider's name for it; ``None`` if none was found.
        undecided: Whether one is there that may be it, which shows only when it has ended.
    """

    batch_id: str | None
    undecided: bool = False


class BatchService(Protocol):
    """One provider's batch API. Safe to share between event loops and threads.

    Every method that asks the provider raises `JudgeUnavailable` if the same call may succeed later, `JudgeMisuse` if
    not.
    """

    @property
    def model(self) -> PricedModel:
        """The model that is asked, at batch price."""
        ...

    @property
    def scope(self) -> str:
        """Where requests go: provider, address, model and the parameters that change answers."""
        ...

    @property
    def form(self) -> UploadForm:
        """How requests are put into one body."""
        ...

    def entry(self, custom_id: str, request: ChatRequest) -> bytes:
        """Return a request as it stands in an upload; may load the SDK."""
        ...

    async def submit(self, batch: KeptBatch, upload: BinaryIO) -> str:
        """Create a batch that can be found by its intent, and return the provider's name for it."""
        ...

    async def state(self, batch_id: str) -> BatchState:
        """Return how far a batch is."""
        ...

    def results(self, source: str) -> AsyncGenerator[BatchResult]:
        """Return what one source of an ended batch holds, in any order."""
        ...

    async def find(self, batch: KeptBatch, others: frozenset[str]) -> Sighting:
        """Look for a batch that may have been created.

        Args:
            batch: As it was intended.
            others: Names of batches that are known to be others.
        """
        ...

    async def cancel(self, batch_id: str) -> None:
        """Ask that a batch be ended now; what is done stays."""
        ...


def custom_id(intent: str, number: int) -> str:
    """Return the name of a batch's request."""
    return f"{intent}-{number}"


def number_of(name: str, intent: str) -> int | None:
    """Return the number of the request that a name belongs to; ``None`` if it isn't one of this batch."""
    head, _, digits = name.rpartition("-")
    return int(digits) if head == intent and digits.isascii() and digits.isdigit() and len(digits) < 9 else None  # noqa: PLR2004 - sane


def is_name(text: str | None) -> bool:
    """Whether a text looks like a name that a provider gives."""
    return text is not None and re.fullmatch(NAME, text) is not None
