"""Attempts side by side: a grid of verdicts, how each failure mode goes over time, and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from evaluator.service.page.attempts import Attempt, Judged
from evaluator.values.criterion import Severity
from evaluator.values.judge import Verdict

__all__ = ["Change", "Grid", "GridRow", "changes", "grid", "score_line"]

Turn = Literal["mended", "new", "same", "open"]

_SIGNS: Final[dict[Verdict, str]] = {"present": "×", "absent": "✓", "na": "·", "unscored": "?"}  # noqa: RUF001 - a sign
_WIDTH: Final = 600.0
_HEIGHT: Final = 120.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One verdict in a grid; ``verdict`` is ``None`` where the attempt wasn't asked about it."""

    attempt: str
    verdict: Verdict | None
    sign: str


@dataclass(frozen=True, slots=True)
class GridRow:
    """One failure mode over all attempts.

    Attributes:
        criterion: Its id.
        title: Its title.
        severity: What it costs.
        cells: One an attempt.
        failed: Attempts that fell into it.
        decided: Attempts where it could be decided.
        trend: What became of it: ``mended`` if the last attempt avoids what one before fell into, ``new`` if it is the
            first to fall into it, ``open`` if it falls into it once more, else ``same``.
    """

    criterion: str
    title: str
    severity: Severity
    cells: tuple[Cell, ...]
    failed: int
    decided: int
    trend: Turn

    @property
    def rate(self) -> float | None:
        """Share that failed of those decided."""
        return self.failed / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class Grid:
    """All failure modes by all attempts, in the order in which the attempts were given."""

    attempts: tuple[Attempt, ...]
    rows: tuple[GridRow, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One criterion of two attempts: ``new`` where only the second failed, ``mended`` where only the first did."""

    criterion: str
    title: str
    severity: Severity
    first: Verdict | None
    second: Verdict | None
    turn: Turn


def grid(attempts: Sequence[Attempt]) -> Grid:
    """Lay out attempts; criteria stand in the order in which the attempts bring them."""
    known: dict[str, Judged] = {}
    for attempt in attempts:
        for judged in attempt.verdicts.values():
            known.setdefault(judged.criterion, judged)
    return Grid(tuple(attempts), tuple(_row(judged, attempts) for judged in known.values()))


def changes(first: Attempt, second: Attempt) -> tuple[Change, ...]:
    """Return every criterion of two attempts: what is new, what is mended, what stays open, and the rest."""
    rows = grid([first, second]).rows
    found = [
        Change(
            row.criterion,
            row.title,
            row.severity,
            row.cells[0].verdict,
            row.cells[1].verdict,
            _turn(row.cells[0].verdict, row.cells[1].verdict),
        )
        for row in rows
    ]
    order: tuple[Turn, ...] = ("new", "mended", "open", "same")
    return tuple(sorted(found, key=lambda change: order.index(change.turn)))


def score_line(attempts: Sequence[Attempt]) -> tuple[tuple[float, float, Attempt], ...]:
    """Return a point for each scored attempt, in a box of 600 by 120, the score 100 at its top."""
    scored = [(place, attempt) for place, attempt in enumerate(attempts) if attempt.score is not None]
    step = _WIDTH / max(1, len(attempts) - 1)
    return tuple(
        (round(place * step, 1), round(_HEIGHT * (1 - (attempt.score or 0.0) / 100), 1), attempt)
        for place, attempt in scored
    )


def _row(judged: Judged, attempts: Sequence[Attempt]) -> GridRow:
    verdicts: list[Verdict | None] = [
        a.verdicts[judged.criterion].verdict if judged.criterion in a.verdicts else None for a in attempts
    ]
    decided: list[Verdict | None] = [verdict for verdict in verdicts if verdict in {"present", "absent"}]
    return GridRow(
        criterion=judged.criterion,
        title=judged.title,
        severity=judged.severity,
        cells=tuple(
            Cell(attempt.id, verdict, _SIGNS[verdict] if verdict else "")
            for attempt, verdict in zip(attempts, verdicts, strict=True)
        ),
        failed=decided.count("present"),
        decided=len(decided),
        trend=_trend(verdicts, decided),
    )


def _trend(verdicts: Sequence[Verdict | None], decided: Sequence[Verdict | None]) -> Turn:
    """Return what became of a failure mode; nothing is told of one that the last attempt doesn't speak of."""
    if len(decided) < 2 or verdicts[-1] != decided[-1]:  # noqa: PLR2004 - one verdict is no trend
        return "same"
    if decided[-1] == "absent":
        return "mended" if "present" in decided else "same"
    return "open" if "present" in decided[:-1] else "new"


def _turn(first: Verdict | None, second: Verdict | None) -> Turn:
    if second == "present":
        return "open" if first == "present" else "new"
    return "mended" if first == "present" and second == "absent" else "same"
