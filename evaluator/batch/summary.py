"""What a whole batch shows: the frozen parts of a `Summary`, each figure with its meaning.

Apart from `tallying`, which adds it up, because the report, the command line and whoever calls from Python read it.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from evaluator.values.criterion import Kind, Severity
from evaluator.values.evaluation import RubricRef
from evaluator.values.judge import JudgeInfo

__all__ = [
    "BandCount",
    "CriterionSummary",
    "Difference",
    "JudgeCount",
    "Proof",
    "RubricCount",
    "ScoreFigures",
    "Slice",
    "SliceGroup",
    "SliceSource",
    "Spent",
    "Summary",
]

SliceSource: TypeAlias = Literal["question_type", "question", "input"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScoreFigures(_Part):
    """How scores spread; of items with a score."""

    n: int = Field(ge=1, description="Items with a score.")
    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float
    histogram: tuple[int, ...] = Field(description="Twenty bins of 5 points from 0, the last closed at 100.")


class BandCount(_Part):
    """How many items are in a band."""

    band: str = Field(description="Band id.")
    title: str
    count: int
    share: float = Field(description="Of the items with a band; 0 if there are none.")


class Proof(_Part):
    """Words of one candidate that prove a verdict; untrusted."""

    item: str
    quote: str
    confidence: float | None


class CriterionSummary(_Part):
    """How the whole batch did on one criterion."""

    criterion: str = Field(description="Its id.")
    title: str
    kind: Kind
    severity: Severity
    weight: float = Field(description="Points at stake, from the rubric.")
    present: int
    absent: int
    na: int
    unscored: int
    rate: float | None = Field(description="Present of those decided; null if none was.")
    interval: tuple[float, float] | None = Field(description="95 % after Wilson; null with the rate.")
    mean_confidence: float | None = Field(description="Over the decided that tell one.")
    quotes: tuple[Proof, ...] = Field(description="Words that commit it, surest first; empty where words are missing.")
    avoided_quotes: tuple[Proof, ...] = Field(description="Words of those who avoided it, surest first.")
    why_it_matters: str
    fix: str
    drill: str


class SliceGroup(_Part):
    """The items that share one value of a column."""

    value: str
    n: int = Field(description="Items with an evaluation.")
    scored: int = Field(description="Of those, with a score.")
    mean_score: float | None
    bands: dict[str, int] = Field(description="Count by band id; items for review are in none.")
    needs_review: int
    present: dict[str, int] = Field(description="By criterion: items that failed so.")
    decided: dict[str, int] = Field(description="By criterion: items that were decided.")


class Difference(_Part):
    """One value against all other values of its column, where the test had enough to say anything."""

    value: str
    criterion: str | None = Field(description="Null: the score.")
    here: float = Field(description="Mean score, or rate, of the value.")
    elsewhere: float = Field(description="The same of all others.")
    p: float = Field(description="Corrected for all comparisons of the batch (Holm).")
    beyond_chance: bool = Field(description="Whether the corrected p is below 0.05.")


class Slice(_Part):
    """One column with 2 to 30 values, cut by them."""

    source: SliceSource
    column: str
    groups: tuple[SliceGroup, ...] = Field(description="Largest first.")
    differences: tuple[Difference, ...] = Field(description="Least likely by chance first.")
    too_few: int = Field(description="Comparisons left out because a side held too few items to tell.")


class Spent(_Part):
    """What judging took; evaluations given again for repeated words cost nothing."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float
    priced: bool = Field(description="False if a price is unknown; then the cost is a lower bound.")


class JudgeCount(_Part):
    """How many items one judge judged."""

    judge: JudgeInfo
    items: int


class RubricCount(_Part):
    """How many items were judged by one rubric."""

    rubric: RubricRef
    items: int


class Summary(_Part):
    """The whole batch in figures. ``graded``, ``needs_review`` and ``failed`` are disjoint and make up ``items``."""

    items: int
    graded: int = Field(description="Evaluations with a band.")
    needs_review: int = Field(description="Evaluations without one: a person must look first.")
    failed: int = Field(description="Items without an evaluation.")
    failed_by_code: dict[str, int] = Field(description="Commonest first.")
    retryable: int = Field(description="Failed items that the same command may still grade.")
    duplicates: int = Field(description="Items with the words of an earlier one; they count in every figure but cost.")
    score: ScoreFigures | None = Field(description="Null if no item has a score.")
    bands: tuple[BandCount, ...] = Field(description="Best first, as in the rubric.")
    criteria: tuple[CriterionSummary, ...] = Field(description="In the rubric's order.")
    teach_next: tuple[str, ...] = Field(description="Criteria that occur, by severity's weight times rate, most first.")
    slices: tuple[Slice, ...]
    comparisons: int = Field(description="Tests made over all slices; each p is corrected for this many.")
    input_columns: tuple[str, ...] = Field(description="Those that the tables hold: the first 500.")
    spent: Spent
    judges: tuple[JudgeCount, ...]
    rubrics: tuple[RubricCount, ...]
    warnings: tuple[str, ...] = Field(description="What to know before believing a figure.")
