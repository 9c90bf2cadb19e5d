"""The batch cut by the values of its columns: rows in, `Slice` values with tested differences out.

A column is cut if it has 2 to 30 values. Each value is compared with all others of its column, on the score by a rank
test and on each criterion's rate by a test of two proportions; all p-values of the batch are corrected together.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import fsum
from typing import Final, TypeAlias

from evaluator.batch.rows import Row
from evaluator.batch.statistics import holm, rank_test, rate_test
from evaluator.batch.summary import Difference, Slice, SliceGroup, SliceSource
from evaluator.rubric import Rubric

__all__ = ["ALPHA", "MAX_COLUMNS", "MOST_VALUES", "SliceTally"]

ALPHA: Final = 0.05
MOST_VALUES: Final = 30
MAX_COLUMNS: Final = 100  # columns that are cut; a table with thousands would take memory without end
_VALUE_CHARS: Final = 200
_Name: TypeAlias = tuple[SliceSource, str]


@dataclass(slots=True)
class _Group:
    """Counts of one value; ``present`` and ``decided`` stand in the rubric's order."""

    present: list[int]
    decided: list[int]
    n: int = 0
    needs_review: int = 0
    scores: Counter[float] = field(default_factory=Counter[float])
    bands: Counter[str] = field(default_factory=Counter[str])

    def add(self, row: Row) -> None:
        self.n += 1
        self.needs_review += row.status == "needs_review"
        if row.score is not None:
            self.scores[row.score] += 1
        if row.band is not None:
            self.bands[row.band] += 1
        for place, letter in enumerate(row.verdicts):
            if letter in "pa":
                self.decided[place] += 1
                self.present[place] += letter == "p"


@dataclass(frozen=True, slots=True)
class _Test:
    """One comparison; ``p`` is not corrected yet, ``None`` if there was too little to compare."""

    value: str
    criterion: str | None
    here: float
    elsewhere: float
    p: float | None


class SliceTally:
    """Counts by column and value in one pass; a column is dropped for good at its thirty-first value."""

    def __init__(self, rubric: Rubric) -> None:
        """Start with nothing counted."""
        self._rubric = rubric
        self._columns: dict[_Name, dict[str, _Group] | None] = {}
        self.ignored_columns = 0
        self._ignored: set[str] = set()

    def add(self, row: Row) -> None:
        """Count an item; failed ones tell nothing."""
        if row.status == "failed":
            return
        self._count(("question_type", "question type"), row.question_type, row)
        self._count(("question", "question asked"), row.question, row)
        for name, value in row.columns.items():
            self._count(("input", name), value, row)

    def slices(self) -> tuple[tuple[Slice, ...], int]:
        """Return the slices, the input's columns first, and how many comparisons were made."""
        order: tuple[SliceSource, ...] = ("input", "question_type", "question")
        columns = {
            name: groups
            for name, groups in sorted(self._columns.items(), key=lambda pair: order.index(pair[0][0]))
            if groups is not None and len(groups) > 1
        }
        tests = {name: self._tests(groups) for name, groups in columns.items()}
        made = [test.p for column in tests.values() for test in column if test.p is not None]
        corrected = iter(holm(made))
        return (
            tuple(
                Slice(
                    source=name[0],
                    column=name[1],
                    groups=self._groups(groups),
                    differences=_differences(replace(t, p=next(corrected)) for t in tests[name] if t.p is not None),
                    too_few=sum(test.p is None for test in tests[name]),
                )
                for name, groups in columns.items()
            ),
            len(made),
        )

    def _count(self, name: _Name, value: str | None, row: Row) -> None:
        if not value or not value.strip():
            return
        if name not in self._columns:
            if len(self._columns) >= MAX_COLUMNS:
                if len(self._ignored) < MAX_COLUMNS:
                    self._ignored.add(name[1])
                    self.ignored_columns = len(self._ignored)
                return
            self._columns[name] = {}
        groups = self._columns[name]
        if groups is None:
            return
        key = _short(value)
        if key not in groups:
            if len(groups) == MOST_VALUES:
                self._columns[name] = None
                return
            count = len(self._rubric.criteria)
            groups[key] = _Group([0] * count, [0] * count)
        groups[key].add(row)

    def _groups(self, groups: Mapping[str, _Group]) -> tuple[SliceGroup, ...]:
        ids = tuple(self._rubric.by_id)
        return tuple(
            SliceGroup(
                value=value,
                n=group.n,
                scored=group.scores.total(),
                mean_score=_mean(group.scores),
                bands={band.id: group.bands[band.id] for band in self._rubric.scoring.bands},
                needs_review=group.needs_review,
                present=dict(zip(ids, group.present, strict=True)),
                decided=dict(zip(ids, group.decided, strict=True)),
            )
            for value, group in sorted(groups.items(), key=lambda pair: (-pair[1].n, pair[0]))
        )

    def _tests(self, groups: Mapping[str, _Group]) -> list[_Test]:
        """Compare each value with the others; of two values only the first, for the second says the same."""
        values = sorted(groups) if len(groups) > 2 else sorted(groups)[:1]  # noqa: PLR2004 - said above
        scores = sum((group.scores for group in groups.values()), Counter[float]())
        present = _sums(group.present for group in groups.values())
        decided = _sums(group.decided for group in groups.values())
        tests: list[_Test] = []
        for value in values:
            group = groups[value]
            others = scores - group.scores
            tests.append(
                _Test(value, None, _mean(group.scores) or 0, _mean(others) or 0, rank_test(group.scores, others))
            )
            for place, criterion in enumerate(self._rubric.by_id):
                hits, total = group.present[place], group.decided[place]
                other_hits, other_total = present[place] - hits, decided[place] - total
                if not present[place] or present[place] == decided[place]:
                    continue  # all did the same: there is no difference to test
                p = rate_test(hits, total, other_hits, other_total)
                tests.append(_Test(value, criterion, _rate(hits, total), _rate(other_hits, other_total), p))
        return tests


def _differences(tests: Iterable[_Test]) -> tuple[Difference, ...]:
    found = [
        Difference(
            value=test.value,
            criterion=test.criterion,
            here=test.here,
            elsewhere=test.elsewhere,
            p=test.p,
            beyond_chance=test.p < ALPHA,
        )
        for test in tests
        if test.p is not None
    ]
    return tuple(sorted(found, key=lambda d: (d.p, -abs(d.here - d.elsewhere))))


def _short(value: str) -> str:
    """Return a value short enough to keep; a long one stays distinct by its hash."""
    if len(value) <= _VALUE_CHARS:
        return value
    digest = hashlib.sha256(value.encode(errors="replace")).hexdigest()[:8]
    return f"{value[: _VALUE_CHARS - 12]}… [{digest}]"


def _sums(lists: Iterable[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*lists, strict=True)]


def _mean(scores: Mapping[float, int]) -> float | None:
    total = sum(scores.values())
    return fsum(score * count for score, count in scores.items()) / total if total else None


def _rate(hits: int, total: int) -> float:
    return hits / total if total else 0.0
