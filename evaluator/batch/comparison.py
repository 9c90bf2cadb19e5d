"""What changed from one batch to another: the frozen parts of a `Comparison`, each figure with its meaning.

Apart from `comparing`, which adds it up, because its JSON is a wire form of its own with a ``schema_version``.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from evaluator.values.criterion import Severity

__all__ = [
    "EDGES",
    "LISTED",
    "BandMove",
    "BandMoves",
    "Comparison",
    "Flips",
    "OneSided",
    "ScoreShift",
    "Setting",
    "Side",
]

LISTED: Final = 1000
"""Items that a list names at most; counts are of all."""
EDGES: Final = (-20.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0)
"""Borders of the distribution of shifts; no shift at all is a bin of its own in the middle."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Side(_Part):
    """One of the two batches."""

    name: str = Field(description="Path as it was given; untrusted.")
    evaluations: int
    failed: int = Field(description="Lines of its failures.jsonl; 0 if it has none.")
    cost_usd: float = Field(description="Evaluations given again for repeated words cost nothing.")
    priced: bool
    input_tokens: int
    output_tokens: int


class Setting(_Part):
    """Something about rubric or judge that is not the same on both sides; several values mean a mixed batch."""

    name: str
    a: tuple[str, ...]
    b: tuple[str, ...]


class Flips(_Part):
    """How the verdicts on one criterion differ over the matched items."""

    criterion: str
    title: str
    severity: Severity
    side: Literal["both", "a", "b"] = Field(description="Where the criterion exists; counts are 0 unless on both.")
    same: int = Field(description="Items with the same verdict.")
    absent_to_present: int
    present_to_absent: int
    to_unscored: int = Field(description="From decided.")
    from_unscored: int = Field(description="To decided.")
    other: int = Field(description="To or from not applicable, or a verdict that one side lacks.")


class ScoreShift(_Part):
    """Score in B minus score in A, over matched items with a score on both sides."""

    n: int = Field(ge=1)
    mean_a: float
    mean_b: float
    mean: float
    median: float
    interval: tuple[float, float] | None = Field(description="95 %, of the mean of the pairs; null under 20 pairs.")
    up: int
    same: int
    down: int
    histogram: tuple[int, ...] = Field(description="Counts between -100, -20, -10, -5, 0, exactly 0, 5, 10, 20, 100.")


class BandMove(_Part):
    """An item with another band; null is no band, for a person must look first."""

    item: str = Field(description="Its name in A; untrusted.")
    band_a: str | None
    band_b: str | None
    score_a: float | None
    score_b: float | None


class BandMoves(_Part):
    """Who changed band."""

    changed: int
    pairs: tuple[tuple[str | None, str | None, int], ...] = Field(description="From, to, items; most items first.")
    items: tuple[BandMove, ...] = Field(description="Largest shift of the score first, at most 1,000.")


class OneSided(_Part):
    """Items that only one side holds."""

    count: int
    items: tuple[str, ...] = Field(description="In order, at most 1,000.")


class Comparison(_Part):
    """What changed from A to B."""

    schema_version: Literal["1.0"] = "1.0"
    a: Side
    b: Side
    matched: int
    matched_by_name: int = Field(description="Of those, matched by name alone: their words differ.")
    only_a: OneSided
    only_b: OneSided
    settings: tuple[Setting, ...] = Field(description="What differs in rubric or judge; empty if nothing.")
    flips: tuple[Flips, ...] = Field(description="Criteria in A's order, then those of B alone.")
    flipped: int = Field(description="Matched items with at least one other verdict.")
    score: ScoreShift | None = Field(description="Null if no matched item has a score on both sides.")
    bands: BandMoves
