"""What was found on each criterion, and the candidate's own words that prove it.

Spans are half-open ``[start, end)`` in code points of ``Turn.text``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from evaluator.values.criterion import Kind, Severity
from evaluator.values.frozen import Frozen
from evaluator.values.judge import Verdict, Vote

__all__ = ["Evidence", "Finding", "MatchKind", "Strength"]

MatchKind = Literal["exact", "normalised"]


class Evidence(Frozen):
    """Words of the candidate that prove a verdict: ``turns[turn].text[start:end] == quote``, always."""

    turn: int = Field(ge=0, description="Number of the turn, from 0.")
    speaker: Literal["candidate"] = Field(description="Stated so that a reader need not look it up.")
    start: int = Field(ge=0, description="Code points, inclusive.")
    end: int = Field(ge=1, description="Code points, exclusive.")
    quote: str = Field(min_length=1, description="The words, as the turn holds them.")
    match: MatchKind = Field(description="`normalised`: the judge's copy differed in space, case or typographic marks.")
    start_s: float | None = Field(default=None, description="When it was said, seconds; interpolated within the turn.")

    @model_validator(mode="after")
    def _span_fits(self) -> Evidence:
        if self.end - self.start != len(self.quote):
            raise ValueError("the span is not as long as the quote")
        return self


class Finding(Frozen):
    """The verdict on one criterion, with its proof."""

    criterion: str = Field(description="Id of the criterion.")
    title: str = Field(description="Its title.")
    kind: Kind = Field(description="What its proof is: words said, words missing, or a count.")
    severity: Severity = Field(description="What it costs.")
    verdict: Verdict = Field(description="`present`: the candidate failed this way.")
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="That the verdict is right; null if unsaid, and for na and unscored."
    )
    evidence: tuple[Evidence, ...] = ()
    due_turn: int | None = Field(
        default=None, ge=0, description="Omission that is present: the main answer's turn, where the words were due."
    )
    reason: str = Field(description="Why this verdict, in one sentence.")
    why_it_matters: str = Field(description="The rubric's words.")
    fix: str = Field(description="What to do instead; the rubric's words.")
    drill: str = Field(description="An exercise; the rubric's words.")
    source: str = Field(description="Section of the rubric's source.")
    votes: tuple[Vote, ...] = Field(default=(), description="Who said what, where several answers were asked for.")


class Strength(Frozen):
    """Something the candidate did well, with the words that show it."""

    criterion: str = Field(description="Id of the criterion that was avoided.")
    note: str = Field(description="Praise, in the rubric's words.")
    evidence: tuple[Evidence, ...] = Field(min_length=1)
