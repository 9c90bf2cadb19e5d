"""Failure modes by candidate as strips: rows in, one strip a criterion out, candidates from lowest score to highest.

Few candidates get a cell each; many are gathered into bins of equal size, whose shade is the share that failed so.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from evaluator.batch.rows import Row

__all__ = ["Cell", "HeatMap", "HeatTally"]

_SINGLE: Final = 120  # candidates that get a cell of their own
_BINS: Final = 60


@dataclass(frozen=True, slots=True)
class Cell:
    """A run of equal cells: ``x`` and ``width`` in columns, ``shade`` 0 to 1; ``open`` if most there is undecided."""

    x: int
    width: int
    shade: float
    open: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The whole map.

    Attributes:
        columns: Cells in a strip.
        each: Most candidates in one cell.
        scores: Mean score of each column, left to right.
        strips: One a criterion in the rubric's order; cells where nobody failed are left out.
    """

    columns: int
    each: int
    scores: tuple[float, ...]
    strips: tuple[tuple[Cell, ...], ...]


class HeatTally:
    """Verdict letters and scores of all scored items, a few bytes each."""

    def __init__(self, criteria: int) -> None:
        """Start empty, for that many criteria."""
        self._criteria = criteria
        self._letters = bytearray()
        self._scores = array("d")

    def add(self, row: Row) -> None:
        """Add an item; one without a score has no place in the map."""
        if row.score is not None:
            self._scores.append(row.score)
            self._letters += row.verdicts.encode("ascii")

    def heat_map(self) -> HeatMap:
        """Return the map; without columns if there is no score."""
        order = sorted(range(len(self._scores)), key=self._scores.__getitem__)
        count = len(order) if len(order) <= _SINGLE else _BINS
        bins = [order[len(order) * k // count : len(order) * (k + 1) // count] for k in range(count)] if count else []
        return HeatMap(
            columns=count,
            each=max(map(len, bins), default=0),
            scores=tuple(sum(self._scores[n] for n in members) / len(members) for members in bins),
            strips=tuple(self._strip(place, bins) for place in range(self._criteria)),
        )

    def _strip(self, place: int, bins: Sequence[Sequence[int]]) -> tuple[Cell, ...]:
        shades = [self._shade([self._letters[n * self._criteria + place] for n in members]) for members in bins]
        cells: list[Cell] = []
        x = 0
        for (shade, is_open), run in groupby(shades):
            width = len(list(run))
            if shade or is_open:
                cells.append(Cell(x, width, shade, is_open))
            x += width
        return tuple(cells)

    @staticmethod
    def _shade(letters: Sequence[int]) -> tuple[float, bool]:
        """Return the share present of those decided, and whether most are undecided instead."""
        present, absent, unscored = (letters.count(ord(letter)) for letter in "pau")
        decided = present + absent
        if unscored > decided:
            return 0.0, True
        return (round(present / decided, 2) if decided else 0.0), False
