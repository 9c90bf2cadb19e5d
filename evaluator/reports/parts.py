"""The parts of a report, as every format shows them: names, numbers and sentences ready to be laid out.

Every string is harmless (`evaluator.reports.characters`) and none has been escaped for a format yet; a part knows the
id of its criterion, for whoever leads on from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.reports.segments import Segment
from evaluator.values.criterion import Severity

__all__ = ["Ballot", "Debated", "Failure", "Line", "Plain", "Quoted", "ReportView", "Strong", "TurnView"]


@dataclass(frozen=True, slots=True)
class Quoted:
    """The candidate's words with their place: ``place`` reads ``turn 2, 0:14``, ``anchor`` is the mark's."""

    text: str
    place: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure mode that was found; ``due`` is the number of the turn, from 1, that lacks what was due."""

    label: str
    anchor: str
    title: str
    severity: Severity
    confidence: str
    quotes: tuple[Quoted, ...]
    due: int | None
    reason: str
    why_it_matters: str
    fix: str
    drill: str
    source: str
    criterion: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Something done well."""

    label: str
    anchor: str
    title: str
    note: str
    quotes: tuple[Quoted, ...]
    criterion: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A criterion that needs no card: undecided, not applicable, or avoided."""

    title: str
    severity: Severity
    reason: str
    criterion: str


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn: who, when, the words cut into pieces, and the failures whose missing words were due here."""

    number: int
    role: str
    speaker: str
    time: str
    segments: tuple[Segment, ...]
    missing: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sum behind the score."""

    title: str
    severity: Severity
    verdict: str
    weight: str
    lost: str


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote: who, what, and why."""

    voter: str
    verdict: str
    confidence: str
    reason: str


@dataclass(frozen=True, slots=True)
class Debated:
    """A criterion on which not all votes agree, with what came of it."""

    title: str
    severity: Severity
    outcome: str
    ballots: tuple[Ballot, ...]


@dataclass(frozen=True, slots=True)
class ReportView:
    """A whole report; see each part's type.

    ``measures`` are pairs of name and value; ``alerts`` are flags about who judged, ``notes`` all others; ``debrief``
    tells how far several answers agree, ``cost`` what was paid. What does not concern a report is empty.
    """

    title: str
    band: str | None
    score: float | None
    score_range: tuple[float, float] | None
    spread: str
    coverage: str
    needs_review: bool
    review_reasons: tuple[str, ...]
    summary: str
    question: str | None
    question_in_transcript: bool
    question_type: str
    rubric: str
    judge: str
    alerts: tuple[str, ...]
    turns: tuple[TurnView, ...]
    failures: tuple[Failure, ...]
    nothing_failed: str
    strengths: tuple[Strong, ...]
    unscored: tuple[Plain, ...]
    not_applicable: tuple[Plain, ...]
    avoided: tuple[Plain, ...]
    fixes: tuple[tuple[str, str], ...]
    answer: str | None
    answer_title: str
    questions: tuple[str, ...]
    measures: tuple[tuple[str, str], ...]
    delivery: str
    score_sum: str
    lines: tuple[Line, ...]
    band_lines: tuple[str, ...]
    debrief: tuple[str, ...]
    debated: tuple[Debated, ...]
    cost: str
    notes: tuple[str, ...]
    evaluation_id: str
    version: str
