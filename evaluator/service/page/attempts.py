"""Stored evaluations as rows of verdicts: what histories, comparisons and heat maps are drawn from.

A row is read out of the packed evaluation as plain JSON: to check every span of a thousand evaluations again, which
were checked when they were kept, would take seconds.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from evaluator.batch.database import Database, Row
from evaluator.reports.characters import one_line
from evaluator.service.evaluations.wire import EvaluationResource
from evaluator.service.wire import time_of
from evaluator.values.criterion import Severity
from evaluator.values.judge import Verdict

__all__ = ["Attempt", "Attempts", "Candidate", "Judged", "Order", "attempt_of"]

Order = Literal["sent", "score"]

_NAME_CHARS: Final = 80
_NAMELESS: Final = "Without a question"
_COLUMNS: Final = "id, status, created_s, name, candidate, rubric, judge, score, band, review, message, packed"
_ORDERS: Final[dict[Order, str]] = {
    "sent": "number",
    "score": "CASE WHEN score IS NULL THEN 1 ELSE 0 END, score, number",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """One criterion of an attempt."""

    criterion: str
    title: str
    severity: Severity
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One stored evaluation, without its words.

    Attributes:
        id: Its id.
        status: What became of it.
        created_at: When it was asked for.
        name: Name in its batch; else the head of the question.
        candidate: The caller's id of the candidate.
        rubric: As asked for.
        judge: As asked for.
        score: From 0 to 100.
        band: Id of the band.
        review: Whether a person must look first.
        message: Why it failed, if it did.
        verdicts: By criterion, in the rubric's order; empty until it is judged.
    """

    id: str
    status: str
    created_at: datetime
    name: str
    candidate: str | None
    rubric: str
    judge: str
    score: float | None
    band: str | None
    review: bool
    message: str
    verdicts: dict[str, Judged] = field(default_factory=dict[str, Judged])


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody with stored attempts."""

    id: str
    attempts: int
    latest_at: datetime
    best: float | None


class Attempts:
    """Reads the stored evaluations of a database. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Read that database."""
        self._database = database

    def candidates(self, tenant: str, limit: int) -> list[Candidate]:
        """Return a tenant's candidates, the latest first."""
        rows = self._rows(
            """SELECT candidate, count(*), max(created_s), max(score) FROM sv_evaluations
            WHERE tenant = :tenant AND candidate IS NOT NULL
            GROUP BY candidate ORDER BY max(created_s) DESC LIMIT :limit""",
            {"tenant": tenant, "limit": limit},
        )
        return [Candidate(id_, int(count), time_of(latest_s), best) for id_, count, latest_s, best in rows]

    def of_candidate(self, tenant: str, candidate: str, limit: int) -> list[Attempt]:
        """Return the latest attempts of a candidate, oldest first."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM sv_evaluations WHERE tenant = :tenant AND candidate = :candidate "  # noqa: S608 - our own text
            "ORDER BY number DESC LIMIT :limit",
            {"tenant": tenant, "candidate": candidate, "limit": limit},
        )
        return [_attempt(row) for row in reversed(rows)]

    def recent(self, tenant: str, limit: int, offset: int) -> list[Attempt]:
        """Return a tenant's evaluations outside of batches, newest first."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM sv_evaluations WHERE tenant = :tenant AND batch IS NULL "  # noqa: S608 - our own text
            "ORDER BY number DESC LIMIT :limit OFFSET :offset",
            {"tenant": tenant, "limit": limit, "offset": offset},
        )
        return [_attempt(row) for row in rows]

    def of_batch(self, tenant: str, batch: str, order: Order, limit: int, offset: int) -> list[Attempt]:
        """Return some items of a batch, in the order in which they were sent or from the lowest score up."""
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM sv_evaluations WHERE tenant = :tenant AND batch = :batch "  # noqa: S608 - our own text
            f"ORDER BY {_ORDERS[order]} LIMIT :limit OFFSET :offset",
            {"tenant": tenant, "batch": batch, "limit": limit, "offset": offset},
        )
        return [_attempt(row) for row in rows]

    def _rows(self, statement: str, values: dict[str, object]) -> Sequence[Row]:
        return self._database.read(lambda transaction: transaction.rows(statement, values))


def attempt_of(resource: EvaluationResource) -> Attempt:
    """Return a stored evaluation that was read whole."""
    evaluation = resource.evaluation
    return Attempt(
        id=resource.id,
        status=resource.status,
        created_at=resource.created_at,
        name=one_line(resource.name or (evaluation.question if evaluation else None) or "", _NAME_CHARS) or _NAMELESS,
        candidate=resource.candidate,
        rubric=resource.rubric,
        judge=resource.judge,
        score=resource.score,
        band=resource.band,
        review=resource.needs_review,
        message=resource.problem.message if resource.problem else "",
        verdicts={
            one.criterion: Judged(one.criterion, one_line(one.title), one.severity, one.verdict)
            for one in (evaluation.findings if evaluation else ())
        },
    )


def _attempt(row: Row) -> Attempt:
    id_, status, created_s, name, candidate, rubric, judge, score, band, review, message, packed = row
    told: dict[str, Any] = json.loads(zlib.decompress(packed)) if packed is not None else {}
    return Attempt(
        id=id_,
        status=status,
        created_at=time_of(created_s),
        name=one_line(name or told.get("question") or "", _NAME_CHARS) or _NAMELESS,
        candidate=candidate,
        rubric=rubric,
        judge=judge,
        score=score,
        band=band,
        review=bool(review),
        message=message or "",
        verdicts={
            finding["criterion"]: Judged(
                finding["criterion"], one_line(finding["title"]), finding["severity"], finding["verdict"]
            )
            for finding in told.get("findings", ())
        },
    )
