"""How far a durable run is: what it holds before it begins, and what it did since."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counts", "Progress"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run holds, before it begins.

    Attributes:
        items: All of them.
        unreadable: Items that are no transcript.
        duplicates: Items with the very words of an earlier one.
        done: Different transcripts with a result that stands.
        open: Different transcripts that need one.
    """

    items: int
    unreadable: int
    duplicates: int
    done: int
    open: int


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run did since it began, attempts before a restart included.

    Attributes:
        graded: Transcripts with an evaluation.
        review: Those of them that a person must look at.
        failed: Transcripts without, at the last try.
        requests: Calls to providers.
        cost_usd: Their price, as far as it is known.
        unpriced: Results with calls of unknown price.
    """

    graded: int = 0
    review: int = 0
    failed: int = 0
    requests: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
