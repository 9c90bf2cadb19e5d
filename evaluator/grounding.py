"""Proof: opinions with claimed quotes in, opinions with verified evidence out.

A commission that is present must be proved by the words that commit it, an omission that is absent by the words that
avoid it. A quote that the candidate never said is dropped; a verdict that needed it becomes ``unscored``. Nothing here
trusts the judge.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from evaluator.cues import plain_marks
from evaluator.judging import Opinion, Quote
from evaluator.rubric import Criterion
from evaluator.types import Evidence, MatchKind, Transcript, Turn

__all__ = ["Grounded", "evidence_at", "find_quote", "ground"]

_MIN_CHARS: Final = 6  # shorter words prove nothing: "a metric" is 8


@dataclass(frozen=True, slots=True)
class Grounded:
    """An opinion whose evidence has been checked.

    Attributes:
        opinion: The judge's, or ``unscored`` if its proof failed.
        evidence: Verified, best first.
        rejected: How many claimed quotes are not the candidate's words.
    """

    opinion: Opinion
    evidence: tuple[Evidence, ...]
    rejected: int


def ground(opinion: Opinion, criterion: Criterion, transcript: Transcript) -> Grounded:
    """Check the quotes of one opinion against the candidate's turns."""
    found = [find_quote(quote, transcript) for quote in opinion.quotes]
    evidence = tuple(dict.fromkeys(item for item in found if item is not None))
    rejected = sum(item is None for item in found)
    if evidence or not _needs_proof(opinion, criterion):
        return Grounded(opinion, evidence, rejected)
    why = "its quotes are not the candidate's words" if rejected else "it came without a quote"
    unproved = replace(
        opinion, verdict="unscored", confidence=None, quotes=(), reason=f"Said to be {opinion.verdict}, but {why}."
    )
    return Grounded(unproved, (), rejected)


def find_quote(quote: Quote, transcript: Transcript) -> Evidence | None:
    """Return where the candidate said it: exactly, else but for space, case and typographic marks; else ``None``.

    The turn that the judge named is searched first, then the candidate's other turns: a wrong number is forgiven,
    words nobody said are not.
    """
    if len(quote.text.strip()) < _MIN_CHARS:
        return None
    numbers = sorted(range(len(transcript.turns)), key=lambda number: number != quote.turn)
    candidate = [number for number in numbers if transcript.turns[number].role == "candidate"]
    for number in candidate:
        start = transcript.turns[number].text.find(quote.text)
        if start >= 0:
            return evidence_at(transcript, number, start, start + len(quote.text))
    needle = _folded(quote.text.strip())[0].strip()
    for number in candidate:
        hay, places = _folded(transcript.turns[number].text)
        start = hay.find(needle)
        if needle and start >= 0:
            return evidence_at(transcript, number, places[start], places[start + len(needle) - 1] + 1, "normalised")
    return None


def evidence_at(transcript: Transcript, turn: int, start: int, end: int, match: MatchKind = "exact") -> Evidence:
    """Return the evidence for a span of a turn; its time is interpolated by the share of characters before it."""
    source = transcript.turns[turn]
    return Evidence(
        turn=turn,
        speaker=source.role,
        start=start,
        end=end,
        quote=source.text[start:end],
        match=match,
        start_s=_time_at(source, start),
    )


def _needs_proof(opinion: Opinion, criterion: Criterion) -> bool:
    return (criterion.kind, opinion.verdict) in {("commission", "present"), ("omission", "absent")}


def _folded(text: str) -> tuple[str, list[int]]:
    """Return text without differences of space, case and typographic marks, and where each code point came from."""
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(plain_marks(text)):
        folded = " " if char.isspace() else char.replace("…", "...").casefold()
        if folded == " " and (not out or out[-1] == " "):
            continue
        out.extend(folded)
        places.extend([place] * len(folded))
    return "".join(out), places


def _time_at(turn: Turn, start: int) -> float | None:
    if turn.start_s is None or turn.end_s is None or turn.end_s < turn.start_s:
        return turn.start_s
    return round(turn.start_s + (turn.end_s - turn.start_s) * start / len(turn.text), 2)
