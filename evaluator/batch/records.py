"""What a batch is made of: items in, one record for each out. An item that failed is a record too, never a gap.

`Item` is what `read_items` yields; `GradedItem` and `FailedItem` are the lines of ``evaluations.jsonl`` and
``failures.jsonl``, in the order of the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from evaluator.values.evaluation import Evaluation
from evaluator.values.transcript import Transcript

__all__ = ["FailedItem", "GradedItem", "Item", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an item has no evaluation.

    Attributes:
        code: Stable name, e.g. ``transcript``, ``judge_unavailable``.
        message: One sentence with the place and the remedy; never candidate text.
        again: Whether the same command would try it again with some hope.
    """

    code: str
    message: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One transcript to grade, or why it can't be read; exactly one of the two is set.

    Attributes:
        name: Where it comes from, unique in its batch: ``cohort/anna.vtt``, ``answers.csv:12``, ``all.zip/anna.vtt``.
            Untrusted: file names are whatever somebody typed.
        transcript: The transcript.
        problem: Why there is none.
        columns: What the input tells beside the words, such as cohort or interviewer; untrusted too.
    """

    name: str
    transcript: Transcript | None
    problem: Problem | None = None
    columns: Mapping[str, str] = field(default_factory=dict[str, str])


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    item: str = Field(description="Name of the item in its batch: a path, or a file and the row in it.")
    columns: dict[str, str] = Field(default_factory=dict[str, str], description="What the input told beside the words.")


class GradedItem(_Record):
    """One line of ``evaluations.jsonl``."""

    same_as: str | None = Field(
        default=None, description="Earlier item with the very same words, whose evaluation this is; null if none."
    )
    evaluation: Evaluation


class FailedItem(_Record):
    """One line of ``failures.jsonl``."""

    code: str = Field(description="Stable name of the reason.")
    message: str = Field(description="One sentence with the place and the remedy; never candidate text.")
    again: bool = Field(description="Whether running the same command again may help.")
