"""Stored evaluations: by tenant and id; listed newest first; really deleted."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evaluator.batch.database import Database, Row, Transaction
from evaluator.batch.packing import storable
from evaluator.service.evaluations.wire import EvaluationFailure, EvaluationResource, EvaluationSummary, Status
from evaluator.service.reviews.store import forget_reviews
from evaluator.service.webhooks.outbox import forget_subject
from evaluator.service.wire import time_of
from evaluator.values.evaluation import Evaluation

__all__ = [
    "EvaluationStore",
    "Filters",
    "Kept",
    "forget_work",
    "insert",
    "resource_of",
    "settled_values",
]

_SUMMARY: Final = (
    "number, id, status, created_s, settled_s, expires_s, batch, name, candidate, metadata, rubric, judge, score, "
    "band, review, code, message, again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One row to keep.

    Attributes:
        tenant: Whose it is.
        id: Its id.
        status: What became of it so far.
        created_s: When it was asked for, seconds since 1970.
        expires_s: When it is deleted.
        rubric: As asked for.
        judge: As asked for.
        candidate: The caller's id of the candidate.
        metadata: The caller's own.
        batch: Batch that it belongs to.
        name: Name in its batch.
        evaluation: The result, if it is judged already.
        problem: Why it failed, if it did.
        settled_s: When it was judged or failed.
    """

    tenant: str
    id: str
    status: Status
    created_s: float
    expires_s: float
    rubric: str
    judge: str
    candidate: str | None = None
    metadata: Mapping[str, str]
    batch: str | None = None
    name: str | None = None
    evaluation: Evaluation | None = None
    problem: EvaluationFailure | None = None
    settled_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to; ``None`` takes all."""

    status: str | None = None
    rubric: str | None = None
    candidate: str | None = None
    batch: str | None = None
    band: str | None = None
    needs_review: bool | None = None


class EvaluationStore:
    """The evaluations of one database, whose tables are there. Safe to share between threads."""

    def __init__(self, database: Database) -> None:
        """Read and write that database."""
        self._database = database

    def add(self, kept: Kept) -> None:
        """Keep an evaluation; one that is there already stays."""
        self._database.write(lambda transaction: insert(transaction, [kept]))

    def get(self, tenant: str, id_: str) -> EvaluationResource | None:
        """Return a tenant's evaluation; ``None`` if it has none of that id."""
        rows = self._database.read(
            lambda transaction: transaction.rows(
                f"SELECT {_SUMMARY}, packed FROM sv_evaluations WHERE tenant = :tenant AND id = :id",  # noqa: S608 - our own text
                {"tenant": tenant, "id": id_},
            )
        )
        return _resource(rows[0]) if rows else None

    def page(
        self, tenant: str, filters: Filters, before: int, limit: int
    ) -> tuple[list[EvaluationSummary], int | None]:
        """Return a tenant's evaluations before a number, newest first, and where to go on, if there are more."""
        values: dict[str, object] = {"tenant": tenant, "before": before, "limit": limit + 1}
        wanted = {
            name: int(value) if isinstance(value, bool) else value
            for name, value in (
                ("status", filters.status),
                ("rubric", filters.rubric),
                ("candidate", filters.candidate),
                ("batch", filters.batch),
                ("band", filters.band),
                ("review", filters.needs_review),
            )
            if value is not None
        }
        narrowed = "".join(f" AND {name} = :{name}" for name in wanted)
        rows = self._database.read(
            lambda transaction: transaction.rows(
                f"SELECT {_SUMMARY} FROM sv_evaluations WHERE tenant = :tenant AND number < :before{narrowed} "  # noqa: S608 - our own text
                "ORDER BY number DESC LIMIT :limit",
                values | wanted,
            )
        )
        more = rows[limit - 1][0] if len(rows) > limit else None
        return [_summary(row) for row in rows[:limit]], more

    def delete(self, tenant: str, id_: str) -> bool:
        """Delete a tenant's evaluation, its work and its reviews included; return whether there was one."""

        def work(transaction: Transaction) -> bool:
            rows = transaction.rows(
                "DELETE FROM sv_evaluations WHERE tenant = :tenant AND id = :id RETURNING number, run, key, grading",
                {"tenant": tenant, "id": id_},
            )
            forget_work(transaction, [tuple(row) for row in rows])
            forget_reviews(transaction, [(tenant, id_)])
            forget_subject(transaction, tenant, id_)
            return bool(rows)

        return self._database.write(work)


def resource_of(kept: Kept, *, stored: bool) -> EvaluationResource:
    """Return an evaluation as it is answered, whether or not it is stored."""
    card = kept.evaluation.scorecard if kept.evaluation else None
    return EvaluationResource(
        id=kept.id,
        status=kept.status,
        stored=stored,
        created_at=time_of(kept.created_s),
        settled_at=time_of(kept.settled_s) if kept.settled_s is not None else None,
        expires_at=time_of(kept.expires_s) if stored else None,
        batch=kept.batch,
        name=kept.name,
        candidate=kept.candidate,
        metadata=dict(kept.metadata),
        rubric=kept.rubric,
        judge=kept.judge,
        score=card.score if card else None,
        band=card.band if card else None,
        needs_review=card.needs_review if card else False,
        problem=kept.problem,
        evaluation=kept.evaluation,
    )


def insert(transaction: Transaction, all_kept: Sequence[Kept]) -> int:
    """Insert rows; those that are there already stay. Return how many are new."""
    return sum(
        transaction.run(
            """INSERT INTO sv_evaluations (tenant, id, batch, name, candidate, metadata, status, created_s, expires_s,
                rubric, judge, settled_s, score, band, review, cost_usd, packed, code, message, again)
            VALUES (:tenant, :id, :batch, :name, :candidate, :metadata, :status, :created_s, :expires_s,
                :rubric, :judge, :settled_s, :score, :band, :review, :cost_usd, :packed, :code, :message, :again)
            ON CONFLICT (tenant, id) DO NOTHING""",
            {
                "tenant": kept.tenant,
                "id": kept.id,
                "batch": kept.batch,
                "name": kept.name and storable(kept.name),
                "candidate": kept.candidate and storable(kept.candidate),
                "metadata": storable(json.dumps(dict(kept.metadata))),
                "status": kept.status,
                "created_s": kept.created_s,
                "expires_s": kept.expires_s,
                "rubric": kept.rubric,
                "judge": kept.judge,
                "settled_s": kept.settled_s,
                **settled_values(kept.evaluation, kept.problem),
            },
        )
        for kept in all_kept
    )


def settled_values(evaluation: Evaluation | None, problem: EvaluationFailure | None) -> dict[str, object]:
    """Return the columns that tell what became of a transcript."""
    card = evaluation.scorecard if evaluation else None
    return {
        "score": card.score if card else None,
        "band": card.band if card else None,
        "review": int(card.needs_review) if card else 0,
        "cost_usd": evaluation.usage.cost_usd if evaluation else 0.0,
        "packed": zlib.compress(evaluation.model_dump_json().encode(), 1) if evaluation else None,
        "code": problem.code if problem else None,
        "message": storable(problem.message) if problem else None,
        "again": int(problem.again) if problem else 0,
    }


def forget_work(transaction: Transaction, done: Sequence[tuple[Any, ...]]) -> None:
    """Delete what the workers kept of evaluations: (number, run, key, grading) of each, which are gone or settled.

    Words that another evaluation in work needs stay.
    """
    for number, run, key, grading in done:
        if run is None:
            continue
        values = {"run": run, "position": number, "key": key, "grading": grading}
        transaction.run("DELETE FROM ev_items WHERE run = :run AND position = :position", values)
        transaction.run(
            """DELETE FROM ev_results WHERE grading = :grading AND key = :key AND NOT EXISTS (
                SELECT 1 FROM ev_items i WHERE i.run = :run AND i.key = :key)""",
            values,
        )
        # Held first, by a statement of its own: on a shared database the next one then sees who needs the words since.
        transaction.run("UPDATE ev_transcripts SET key = key WHERE key = :key", values)
        transaction.run(
            """DELETE FROM ev_transcripts WHERE key = :key AND NOT EXISTS (
                SELECT 1 FROM ev_items i WHERE i.key = :key)""",
            values,
        )


def _summary(row: Row) -> EvaluationSummary:
    return EvaluationSummary(**_members(row))


def _resource(row: Row) -> EvaluationResource:
    *summary, packed = row
    evaluation = Evaluation.model_validate_json(zlib.decompress(packed)) if packed is not None else None
    return EvaluationResource(**_members(summary), evaluation=evaluation)


def _members(row: Row) -> dict[str, Any]:
    _, id_, status, created_s, settled_s, expires_s, batch, name, candidate, metadata, rubric, judge, *told = row
    score, band, review, code, message, again = told
    return {
        "id": id_,
        "status": status,
        "stored": True,
        "created_at": time_of(created_s),
        "settled_at": time_of(settled_s) if settled_s is not None else None,
        "expires_at": time_of(expires_s) if expires_s is not None else None,
        "batch": batch,
        "name": name,
        "candidate": candidate,
        "metadata": json.loads(metadata),
        "rubric": rubric,
        "judge": judge,
        "score": score,
        "band": band,
        "needs_review": bool(review),
        "problem": EvaluationFailure(code=code, message=message, again=bool(again)) if code is not None else None,
    }
