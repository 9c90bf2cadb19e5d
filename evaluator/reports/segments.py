"""A turn cut at every border of a mark, so that overlapping evidence can be shown in place.

Text and marks in, pieces out. Pieces joined give the turn again, code point by code point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Mark", "Segment", "cut"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One span of evidence that a report shows.

    Attributes:
        label: What the reader sees: ``1`` for a failure, ``+1`` for a strength.
        tone: Severity of the failure, or ``strength``.
        anchor: Name of this mark within the report, unique; ``card`` is where it leads.
        card: Name of the card that speaks of it.
        title: Title of the failure or strength.
        turn: Turn it lies in.
        start: First code point.
        end: Code point after the last.
    """

    label: str
    tone: str
    anchor: str
    card: str
    title: str
    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a turn that no border of a mark divides.

    Attributes:
        text: The words; never empty.
        marks: Marks that cover it; the first names the tone to show.
        opening: Those of them that start here.
    """

    text: str
    marks: tuple[Mark, ...]
    opening: tuple[Mark, ...]


def cut(text: str, marks: Sequence[Mark]) -> tuple[Segment, ...]:
    """Cut ``text`` at every border of ``marks``; spans that reach outside are cropped, empty ones left out.

    Where marks overlap, the one given first stands first: give the most severe first.
    """
    kept = [(mark, max(mark.start, 0), min(mark.end, len(text))) for mark in marks]
    kept = [(mark, start, end) for mark, start, end in kept if start < end]
    borders = sorted({0, len(text)}.union(*({start, end} for _, start, end in kept)))
    return tuple(
        Segment(
            text=text[left:right],
            marks=tuple(mark for mark, start, end in kept if start <= left and right <= end),
            opening=tuple(mark for mark, start, _ in kept if start == left),
        )
        for left, right in pairwise(borders)
    )
