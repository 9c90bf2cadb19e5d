"""Two batches side by side: ``evaluations.jsonl`` twice in, a `Comparison` out.

Items are matched by their words, whatever judged them, then by name. Of each item only a name and a line of letters is
kept, and of the second batch only what found no partner yet; evaluations pass through one at a time.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sys import intern
from typing import Final

import numpy as np

from evaluator.batch.comparison import (
    EDGES,
    LISTED,
    BandMove,
    BandMoves,
    Comparison,
    Flips,
    OneSided,
    ScoreShift,
    Setting,
    Side,
)
from evaluator.batch.files import EVALUATIONS, FAILURES, read_evaluations, read_failures
from evaluator.batch.records import GradedItem
from evaluator.batch.rows import CODES
from evaluator.values.criterion import Severity
from evaluator.values.evaluation import Evaluation
from evaluator.values.usage import Usage

__all__ = ["compare", "compare_batches"]

_LEAST_PAIRS: Final = 20
_Z95: Final = 1.96
_DECIDED: Final = frozenset("pa")
_KINDS: Final = ("same", "absent_to_present", "present_to_absent", "to_unscored", "from_unscored", "other")


def compare_batches(a: Path, b: Path) -> Comparison:
    """Compare two output folders, or two files of evaluations.

    Raises:
        InputError: One of them can't be read; names file and line.
    """
    files = [path / EVALUATIONS if path.is_dir() else path for path in (a, b)]
    failed = [_count_failed(path) for path in (a, b)]
    return compare(*(read_evaluations(file) for file in files), names=(str(a), str(b)), failed=(failed[0], failed[1]))


def compare(
    a: Iterable[GradedItem],
    b: Iterable[GradedItem],
    *,
    names: tuple[str, str] = ("A", "B"),
    failed: tuple[int, int] = (0, 0),
) -> Comparison:
    """Compare two streams of evaluations, each read once."""
    left, right = _Seen(), _Seen()
    waiting: dict[bytes, dict[str, _Entry]] = {}
    for record in a:
        entry = left.enter(record)
        same = waiting.setdefault(_words_key(record.evaluation), {})
        same[f"{entry.name}\0{entry.number}" if entry.name in same else entry.name] = entry
    pairs = _Pairs()
    unmatched: list[_Entry] = []
    for record in b:
        entry = right.enter(record)
        partner = _take(waiting, _words_key(record.evaluation), entry.name)
        if partner is None:
            unmatched.append(entry)
        else:
            pairs.add(partner, entry, left, right)
    by_words = pairs.count
    rest = sorted((entry for same in waiting.values() for entry in same.values()), key=lambda entry: entry.number)
    by_name = {entry.name: entry for entry in rest}
    taken: set[int] = set()
    only_b: list[str] = []
    for entry in unmatched:
        partner = by_name.pop(entry.name, None)
        if partner is None:
            only_b.append(entry.name)
        else:
            taken.add(partner.number)
            pairs.add(partner, entry, left, right)
    only_a = [entry for entry in rest if entry.number not in taken]
    return Comparison(
        a=left.side(names[0], failed[0]),
        b=right.side(names[1], failed[1]),
        matched=pairs.count,
        matched_by_name=pairs.count - by_words,
        only_a=OneSided(count=len(only_a), items=tuple(entry.name for entry in only_a[:LISTED])),
        only_b=OneSided(count=len(only_b), items=tuple(only_b[:LISTED])),
        settings=tuple(_settings(left, right)),
        flips=tuple(pairs.flips(left, right)),
        flipped=pairs.flipped,
        score=pairs.shift(),
        bands=pairs.band_moves(),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """All that is kept of an evaluation; ``letters`` stand in the order of its side's criteria."""

    number: int
    name: str
    letters: str
    score: float | None
    band: str | None


@dataclass(slots=True)
class _Seen:
    """What one side holds: its criteria in order of appearance, who judged by what, what it cost."""

    criteria: dict[str, tuple[str, Severity]] = field(default_factory=dict[str, tuple[str, Severity]])
    settings: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])
    usage: Usage = field(default_factory=Usage)
    count: int = 0

    def enter(self, record: GradedItem) -> _Entry:
        """Count an evaluation and return what to keep of it."""
        evaluation = record.evaluation
        self.count += 1
        if record.same_as is None:
            self.usage += evaluation.usage
        for name, value in _identity(evaluation):
            self.settings.setdefault(name, {})[value] = None
        verdicts = {finding.criterion: CODES[finding.verdict] for finding in evaluation.findings}
        for finding in evaluation.findings:
            self.criteria.setdefault(finding.criterion, (finding.title, finding.severity))
        card = evaluation.scorecard
        return _Entry(
            self.count,
            record.item,
            intern("".join(verdicts.get(criterion, "-") for criterion in self.criteria)),
            card.score,
            None if card.band is None else intern(card.band),
        )

    def side(self, name: str, failed: int) -> Side:
        """Return the side in figures."""
        return Side(
            name=name,
            evaluations=self.count,
            failed=failed,
            cost_usd=self.usage.cost_usd,
            priced=self.usage.priced,
            input_tokens=self.usage.input_tokens,
            output_tokens=self.usage.output_tokens,
        )


class _Pairs:
    """What the matched pairs add up to."""

    def __init__(self) -> None:
        self.count = 0
        self.flipped = 0
        self._moves: dict[str, Counter[tuple[str, str]]] = {}
        self._scores = (array("d"), array("d"))
        self._bands = Counter[tuple[str | None, str | None]]()
        self._moved: list[tuple[_Entry, _Entry]] = []

    def add(self, a: _Entry, b: _Entry, left: _Seen, right: _Seen) -> None:
        """Count a pair."""
        self.count += 1
        others = dict(zip(right.criteria, b.letters, strict=False))
        changed = False
        for criterion, letter in zip(left.criteria, a.letters, strict=False):
            if criterion in others:
                self._moves.setdefault(criterion, Counter())[letter, others[criterion]] += 1
                changed |= letter != others[criterion]
        self.flipped += changed
        if a.score is not None and b.score is not None:
            self._scores[0].append(a.score)
            self._scores[1].append(b.score)
        if a.band != b.band:
            self._bands[a.band, b.band] += 1
            self._moved.append((a, b))

    def flips(self, left: _Seen, right: _Seen) -> Iterator[Flips]:
        """Return the changes by criterion."""
        for criterion, (title, severity) in {**left.criteria, **right.criteria}.items():
            moves = self._moves.get(criterion, Counter())
            counts = {name: sum(n for move, n in moves.items() if _kind(*move) == name) for name in _KINDS}
            shared = criterion in left.criteria and criterion in right.criteria
            side = "both" if shared else "a" if criterion in left.criteria else "b"
            yield Flips(criterion=criterion, title=title, severity=severity, side=side, **counts)

    def shift(self) -> ScoreShift | None:
        """Return how scores moved."""
        a, b = (np.asarray(scores, dtype=np.float64) for scores in self._scores)
        if not len(a):
            return None
        shifts = np.round(b - a, 6)
        mean = float(shifts.mean())
        half = _Z95 * float(shifts.std(ddof=1)) / len(a) ** 0.5 if len(a) >= _LEAST_PAIRS else None
        return ScoreShift(
            n=len(a),
            mean_a=float(a.mean()),
            mean_b=float(b.mean()),
            mean=mean,
            median=float(np.median(shifts)),
            interval=None if half is None else (mean - half, mean + half),
            up=int((shifts > 0).sum()),
            same=int((shifts == 0).sum()),
            down=int((shifts < 0).sum()),
            histogram=tuple(_histogram(shifts.tolist())),
        )

    def band_moves(self) -> BandMoves:
        """Return who changed band."""
        largest = sorted(self._moved, key=lambda pair: (-_gap(*pair), pair[0].number))[:LISTED]
        return BandMoves(
            changed=len(self._moved),
            pairs=tuple((before, after, n) for (before, after), n in self._bands.most_common()),
            items=tuple(
                BandMove(item=a.name, band_a=a.band, band_b=b.band, score_a=a.score, score_b=b.score)
                for a, b in largest
            ),
        )


def _kind(before: str, after: str) -> str:
    if before == after:
        return "same"
    match before, after:
        case "a", "p":
            return "absent_to_present"
        case "p", "a":
            return "present_to_absent"
        case _:
            if after == "u" and before in _DECIDED:
                return "to_unscored"
            return "from_unscored" if before == "u" and after in _DECIDED else "other"


def _histogram(shifts: Sequence[float]) -> list[int]:
    """Count shifts into the bins between `EDGES`, with a bin for none in the middle; borders go outwards."""
    middle = (len(EDGES) + 1) // 2
    counts = [0] * (len(EDGES) + 2)
    for shift in shifts:
        if shift == 0:
            counts[middle] += 1
        elif shift < 0:
            counts[sum(edge < shift for edge in EDGES)] += 1
        else:
            counts[1 + sum(edge <= shift for edge in EDGES)] += 1
    return counts


def _gap(a: _Entry, b: _Entry) -> float:
    return 0.0 if a.score is None or b.score is None else abs(b.score - a.score)


def _take(waiting: dict[bytes, dict[str, _Entry]], key: bytes, name: str) -> _Entry | None:
    """Take out one of A's items with these words, the one of this name if there is one."""
    same = waiting.get(key)
    if not same:
        return None
    return same.pop(name, None) or same.popitem()[1]


def _words_key(evaluation: Evaluation) -> bytes:
    said = [[turn.role, turn.text] for turn in evaluation.transcript.turns]
    return hashlib.sha256(json.dumps([evaluation.question, said]).encode()).digest()[:16]


def _identity(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    rubric, judge = evaluation.rubric, evaluation.judge
    yield "rubric", f"{rubric.id} {rubric.version}"
    yield "rubric hash", rubric.sha256[:12]
    yield "judge", judge.backend
    yield "method", judge.method
    yield "model", judge.model
    yield "model hash", (judge.model_sha256 or "none")[:12]
    yield "prompt hash", (judge.prompt_sha256 or "none")[:12]
    yield "calibration", judge.calibration or "none"
    yield "evaluator", evaluation.evaluator_version


def _settings(left: _Seen, right: _Seen) -> Iterator[Setting]:
    for name in {**left.settings, **right.settings}:
        a, b = tuple(left.settings.get(name, {})), tuple(right.settings.get(name, {}))
        if set(a) != set(b) or len(a) > 1:
            yield Setting(name=name, a=a[:10], b=b[:10])


def _count_failed(path: Path) -> int:
    file = path / FAILURES
    return sum(1 for _ in read_failures(file)) if path.is_dir() and file.exists() else 0
