"""The one pass that makes a `Summary`: records one at a time in, the figures of all of them out.

Nothing is kept of a record but counts and a few short quotes, so that a batch of any size takes the same memory.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum
from typing import Final, TypeVar

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.rows import Row, row_of
from evaluator.batch.slicing import MAX_COLUMNS, SliceTally
from evaluator.batch.statistics import wilson
from evaluator.batch.summary import (
    BandCount,
    CriterionSummary,
    JudgeCount,
    Proof,
    RubricCount,
    ScoreFigures,
    Spent,
    Summary,
)
from evaluator.rubric import Criterion, Rubric
from evaluator.values.evaluation import Evaluation, RubricRef
from evaluator.values.finding import Finding
from evaluator.values.judge import JudgeInfo
from evaluator.values.usage import Usage

__all__ = ["BINS", "TABLE_COLUMNS", "Tally", "summarise"]

_Kind = TypeVar("_Kind")

BINS: Final = 20
TABLE_COLUMNS: Final = 500
"""Input columns that tables hold; rows that each bring names of their own must not make a table without end."""
_BIN_POINTS: Final = 5
_PROOFS: Final = 3
_PROOF_CHARS: Final = range(25, 241)  # shorter says little, longer is not read
_MOST_KINDS: Final = 50  # judges, rubrics or failure codes that are told apart
_OTHER: Final = "other"


def summarise(records: Iterable[GradedItem | FailedItem], rubric: Rubric) -> Summary:
    """Return the figures of all records, read once."""
    tally = Tally(rubric)
    for record in records:
        tally.add(record, row_of(record, rubric))
    return tally.summary()


@dataclass(slots=True)
class _CriterionTally:
    """Counts by verdict letter, confidences added up, and the best proofs as heaps of ``(rank, order, proof)``."""

    letters: Counter[str] = field(default_factory=Counter[str])
    confidence: float = 0.0
    confident: int = 0
    committed: list[tuple[tuple[bool, float], int, Proof]] = field(
        default_factory=list[tuple[tuple[bool, float], int, Proof]]
    )
    avoided: list[tuple[tuple[bool, float], int, Proof]] = field(
        default_factory=list[tuple[tuple[bool, float], int, Proof]]
    )


class Tally:
    """Everything counted so far."""

    def __init__(self, rubric: Rubric) -> None:
        """Start with nothing counted."""
        self._rubric = rubric
        self._statuses = Counter[str]()
        self._codes = Counter[str]()
        self._again = self._duplicates = self._order = 0
        self._scores = Counter[float]()
        self._bands = Counter[str]()
        self._criteria = {criterion: _CriterionTally() for criterion in rubric.by_id}
        self._slices = SliceTally(rubric)
        self._columns: dict[str, None] = {}
        self._columns_left_out = False
        self._spent = Usage()
        self._judges = Counter[JudgeInfo]()
        self._rubrics = Counter[RubricRef]()

    def add(self, record: GradedItem | FailedItem, row: Row) -> None:
        """Count one record; ``row`` is what `row_of` made of it."""
        self._order -= 1
        self._statuses[row.status] += 1
        self._note_columns(row)
        self._slices.add(row)
        if isinstance(record, FailedItem):
            known = record.code in self._codes or len(self._codes) < _MOST_KINDS
            self._codes[record.code if known else _OTHER] += 1
            self._again += record.again
            return
        evaluation = record.evaluation
        _bump(self._judges, evaluation.judge)
        _bump(self._rubrics, evaluation.rubric)
        if row.score is not None:
            self._scores[row.score] += 1
        if row.band is not None:
            self._bands[row.band] += 1
        for criterion, letter in zip(self._rubric.by_id, row.verdicts, strict=True):
            self._criteria[criterion].letters[letter] += 1
        for tally, confidence in zip(self._criteria.values(), row.confidences, strict=True):
            if confidence is not None:
                tally.confidence += confidence
                tally.confident += 1
        if record.same_as is None:
            self._spent += evaluation.usage
            self._prove(record.item, evaluation)
        else:
            self._duplicates += 1

    def summary(self) -> Summary:
        """Return the figures."""
        slices, comparisons = self._slices.slices()
        criteria = tuple(self._criterion(self._rubric.criterion(c), t) for c, t in self._criteria.items())
        ranked = sorted((c for c in criteria if c.rate), key=lambda c: -c.weight * (c.rate or 0.0))
        banded = self._bands.total()
        return Summary(
            items=self._statuses.total(),
            graded=self._statuses["graded"],
            needs_review=self._statuses["needs_review"],
            failed=self._statuses["failed"],
            failed_by_code=dict(self._codes.most_common()),
            retryable=self._again,
            duplicates=self._duplicates,
            score=_score_figures(self._scores),
            bands=tuple(
                BandCount(
                    band=band.id,
                    title=band.title,
                    count=self._bands[band.id],
                    share=self._bands[band.id] / banded if banded else 0.0,
                )
                for band in self._rubric.scoring.bands
            ),
            criteria=criteria,
            teach_next=tuple(c.criterion for c in ranked),
            slices=slices,
            comparisons=comparisons,
            input_columns=tuple(self._columns),
            spent=Spent.model_validate(self._spent.model_dump(include=set(Spent.model_fields))),
            judges=tuple(JudgeCount(judge=judge, items=n) for judge, n in self._judges.most_common()),
            rubrics=tuple(RubricCount(rubric=ref, items=n) for ref, n in self._rubrics.most_common()),
            warnings=tuple(self._warnings()),
        )

    def _note_columns(self, row: Row) -> None:
        for name in row.columns:
            if len(self._columns) < TABLE_COLUMNS:
                self._columns[name] = None
            elif name not in self._columns:
                self._columns_left_out = True

    def _prove(self, item: str, evaluation: Evaluation) -> None:
        for finding in evaluation.findings:
            tally = self._criteria.get(finding.criterion)
            if tally is None or not finding.evidence or finding.verdict not in ("present", "absent"):
                continue
            heap = tally.committed if finding.verdict == "present" else tally.avoided
            proof = _proof(item, finding)
            rank = (len(proof.quote) in _PROOF_CHARS, proof.confidence or 0.0)
            if len(heap) < _PROOFS:
                heapq.heappush(heap, (rank, self._order, proof))
            elif rank > heap[0][0]:
                heapq.heapreplace(heap, (rank, self._order, proof))

    def _criterion(self, criterion: Criterion, tally: _CriterionTally) -> CriterionSummary:
        present, absent = tally.letters["p"], tally.letters["a"]
        decided = present + absent
        return CriterionSummary(
            criterion=criterion.id,
            title=criterion.title,
            kind=criterion.kind,
            severity=criterion.severity,
            weight=self._rubric.scoring.weights[criterion.severity],
            present=present,
            absent=absent,
            na=tally.letters["n"],
            unscored=tally.letters["u"],
            rate=present / decided if decided else None,
            interval=wilson(present, decided),
            mean_confidence=tally.confidence / tally.confident if tally.confident else None,
            quotes=tuple(proof for _, _, proof in sorted(tally.committed, key=lambda e: e[:2], reverse=True)),
            avoided_quotes=tuple(proof for _, _, proof in sorted(tally.avoided, key=lambda e: e[:2], reverse=True)),
            why_it_matters=criterion.why_it_matters,
            fix=criterion.fix,
            drill=criterion.drill,
        )

    def _warnings(self) -> Iterable[str]:
        if len(self._judges) > 1:
            yield (
                f"{len(self._judges)} different judges (model, prompt or calibration) judged these items; their scores "
                "can't be compared without care, and no figure here tells them apart."
            )
        if len(self._rubrics) > 1:
            yield f"{len(self._rubrics)} different rubrics were used; figures per criterion mix their definitions."
        if any(ref.sha256 != self._rubric.sha256 for ref in self._rubrics):
            now = f"{self._rubric.id} {self._rubric.version}"
            yield f"Some items were judged by another rubric than {now} as it is now."
        if self._duplicates:
            yield (
                f"Items that repeat the words of an earlier one: {self._duplicates}. They count in every figure, so "
                "that intervals and tests look a little surer than they are."
            )
        if self._slices.ignored_columns:
            yield f"Only the first {MAX_COLUMNS} columns were looked at for slices."
        if self._columns_left_out:
            yield f"The tables hold the first {TABLE_COLUMNS} columns of the input; evaluations.jsonl holds all."


def _bump(counter: Counter[_Kind], kind: _Kind) -> None:
    """Count a kind, unless that would make too many kinds to keep."""
    if kind in counter or len(counter) < _MOST_KINDS:
        counter[kind] += 1


def _proof(item: str, finding: Finding) -> Proof:
    return Proof(item=item, quote=finding.evidence[0].quote, confidence=finding.confidence)


def _score_figures(scores: Mapping[float, int]) -> ScoreFigures | None:
    total = sum(scores.values())
    if not total:
        return None
    histogram = [0] * BINS
    for score, count in scores.items():
        histogram[min(int(score / _BIN_POINTS), BINS - 1)] += count
    return ScoreFigures(
        n=total,
        mean=fsum(score * count for score, count in scores.items()) / total,
        median=_quantile(scores, total, 0.5),
        lower_quartile=_quantile(scores, total, 0.25),
        upper_quartile=_quantile(scores, total, 0.75),
        histogram=tuple(histogram),
    )


def _quantile(scores: Mapping[float, int], total: int, share: float) -> float:
    """Return a quantile by linear interpolation between the two nearest ranks, as numpy's default does."""
    place = share * (total - 1)
    low = int(place)
    return _ranked(scores, low) + (place - low) * (_ranked(scores, min(low + 1, total - 1)) - _ranked(scores, low))


def _ranked(scores: Mapping[float, int], rank: int) -> float:
    below = 0
    for score in sorted(scores):
        below += scores[score]
        if rank < below:
            return score
    raise IndexError(rank)
