"""Stored batches: rows of their own, and evaluations as their items, in the order in which they were sent."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.batch.database import Database, Row, Transaction
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.service.batches.wire import BatchCounts, BatchResource
from evaluator.service.evaluations.store import forget_work
from evaluator.service.reviews.store import forget_reviews
from evaluator.service.webhooks.outbox import forget_subject
from evaluator.service.wire import time_of
from evaluator.values.evaluation import Evaluation

__all__ = ["BatchStore", "Ended", "KeptBatch"]

_COLUMNS: Final = "number, id, title, rubric, judge, created_s, expires_s, ready, cancelled_s, settled_s"
_COUNTS: Final = """SELECT count(*), coalesce(sum(CASE WHEN status = 'queued' THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN status = 'completed' THEN 1 ELSE 0 END), 0), coalesce(sum(review), 0),
    coalesce(sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END), 0), coalesce(sum(cost_usd), 0)
    FROM sv_evaluations WHERE tenant = :tenant AND batch = :id"""
_RECORDS: Final = """SELECT number, name, metadata, status, code, message, again, packed FROM sv_evaluations
    WHERE tenant = :tenant AND batch = :id AND number > :after ORDER BY number LIMIT :chunk"""
_NOT_YET: Final = ("not_graded", "It is not this item's turn yet.")
_CANCELLED: Final = ("cancelled", "The batch was cancelled before it was this item's turn.")
_ABANDONED_S: Final = 3600.0  # a batch whose sender died while it was read


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch to keep."""

    tenant: str
    id: str
    title: str | None
    rubric: str
    judge: str
    created_s: float
    expires_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """A batch whose last item was settled.

    Attributes:
        tenant: Whose it is.
        id: Its id.
        status: ``completed`` or ``cancelled``.
        judge: Who judged.
        counts: What became of its items.
    """

    tenant: str
    id: str
    status: str
    judge: str
    counts: BatchCounts


class BatchStore:
    """The batches of one database, whose tables are there. Safe to share between threads."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float] = time.time,
        announce: Callable[[Transaction, Sequence[Ended]], None] = lambda _, __: None,
        deleted: Callable[[Transaction, Ended], None] = lambda _, __: None,
    ) -> None:
        """Work on a database.

        Args:
            database: The database.
            clock: Seconds since 1970.
            announce: Called with what has ended, within the transaction that says so.
            deleted: Called with what is deleted before it has ended, within the transaction that deletes it.
        """
        self._database = database
        self._clock = clock
        self._announce = announce
        self._deleted = deleted

    def add(self, kept: KeptBatch) -> None:
        """Keep a batch whose items follow; one that is there already stays."""
        self._database.write(
            lambda transaction: transaction.run(
                """INSERT INTO sv_batches (tenant, id, title, rubric, judge, created_s, expires_s)
                VALUES (:tenant, :id, :title, :rubric, :judge, :created_s, :expires_s)
                ON CONFLICT (tenant, id) DO NOTHING""",
                {name: getattr(kept, name) for name in KeptBatch.__slots__},
            )
        )

    def ready(self, tenant: str, id_: str) -> bool | None:
        """Say that all items are there; return whether it was cancelled meanwhile, or ``None`` if it was deleted."""
        rows = self._database.write(
            lambda transaction: transaction.rows(
                "UPDATE sv_batches SET ready = 1 WHERE tenant = :tenant AND id = :id RETURNING cancelled_s IS NOT NULL",
                {"tenant": tenant, "id": id_},
            )
        )
        return bool(rows[0][0]) if rows else None

    def get(self, tenant: str, id_: str) -> BatchResource | None:
        """Return a tenant's batch; ``None`` if it has none of that id."""

        def work(transaction: Transaction) -> BatchResource | None:
            values = {"tenant": tenant, "id": id_}
            rows = transaction.rows(
                f"SELECT {_COLUMNS} FROM sv_batches WHERE tenant = :tenant AND id = :id",  # noqa: S608 - our own text
                values,
            )
            return _resource(rows[0], _counts(transaction, tenant, id_)) if rows else None

        return self._database.read(work)

    def page(self, tenant: str, before: int, limit: int) -> tuple[list[BatchResource], int | None]:
        """Return a tenant's batches before a number, newest first, and the number to go on from, if there are more."""

        def work(transaction: Transaction) -> tuple[list[BatchResource], int | None]:
            rows = transaction.rows(
                f"SELECT {_COLUMNS} FROM sv_batches WHERE tenant = :tenant AND number < :before "  # noqa: S608 - our own text
                "ORDER BY number DESC LIMIT :limit",
                {"tenant": tenant, "before": before, "limit": limit + 1},
            )
            found = [_resource(row, _counts(transaction, tenant, row[1])) for row in rows[:limit]]
            return found, rows[limit - 1][0] if len(rows) > limit else None

        return self._database.read(work)

    def cancel(self, tenant: str, id_: str) -> bool:
        """Say that a batch is cancelled; return whether there is one."""
        return bool(
            self._database.write(
                lambda transaction: transaction.run(
                    """UPDATE sv_batches SET cancelled_s = coalesce(cancelled_s, :now)
                    WHERE tenant = :tenant AND id = :id""",
                    {"tenant": tenant, "id": id_, "now": self._clock()},
                )
            )
        )

    def delete(self, tenant: str, id_: str) -> bool:
        """Delete a batch and its items, for good; return whether there was one."""

        def work(transaction: Transaction) -> bool:
            values = {"tenant": tenant, "id": id_}
            gone = transaction.rows(
                "DELETE FROM sv_batches WHERE tenant = :tenant AND id = :id RETURNING judge, settled_s", values
            )
            for judge, settled_s in gone:
                if settled_s is None:
                    counts = _counts(transaction, tenant, id_)
                    self._deleted(transaction, Ended(tenant, id_, "cancelled", judge, counts))
            rows = transaction.rows(
                """DELETE FROM sv_evaluations WHERE tenant = :tenant AND batch = :id
                RETURNING number, run, key, grading, id""",
                values,
            )
            forget_work(transaction, [tuple(row[:4]) for row in rows])
            forget_reviews(transaction, [(tenant, row[4]) for row in rows])
            forget_subject(transaction, tenant, id_)
            return bool(gone)

        return self._database.write(work)

    def records(self, tenant: str, id_: str) -> Iterator[GradedItem | FailedItem]:
        """Yield a record for each item, in the order in which they were sent."""
        for row in self._database.stream(_RECORDS, {"tenant": tenant, "id": id_}):
            _, name, metadata, status, code, message, again, packed = row
            item, columns = name or "", json.loads(metadata)
            if packed is not None:
                evaluation = Evaluation.model_validate_json(zlib.decompress(packed))
                yield GradedItem(item=item, columns=columns, evaluation=evaluation)
                continue
            if status in ("queued", "cancelled"):
                code, message = _NOT_YET if status == "queued" else _CANCELLED
                again = 1
            yield FailedItem(item=item, columns=columns, code=code, message=message, again=bool(again))

    def end(self) -> list[Ended]:
        """Say of each batch that nothing of it is queued any more, once; cancel those whose sender died."""

        def work(transaction: Transaction) -> list[Ended]:
            now_s = self._clock()
            transaction.run(
                """UPDATE sv_batches SET ready = 1, cancelled_s = :now WHERE ready = 0 AND created_s < :old""",
                {"now": now_s, "old": now_s - _ABANDONED_S},
            )
            rows = transaction.rows(
                """UPDATE sv_batches SET settled_s = :now WHERE ready = 1 AND settled_s IS NULL AND NOT EXISTS (
                    SELECT 1 FROM sv_evaluations e WHERE e.tenant = sv_batches.tenant AND e.batch = sv_batches.id
                        AND e.status = 'queued')
                RETURNING tenant, id, judge, cancelled_s""",
                {"now": now_s},
            )
            ended = [
                Ended(
                    tenant=tenant,
                    id=id_,
                    status="completed" if cancelled_s is None else "cancelled",
                    judge=judge,
                    counts=_counts(transaction, tenant, id_),
                )
                for tenant, id_, judge, cancelled_s in rows
            ]
            self._announce(transaction, ended)
            return ended

        return self._database.write(work)


def _counts(transaction: Transaction, tenant: str, id_: str) -> BatchCounts:
    ((items, queued, completed, review, failed, cancelled, cost_usd),) = transaction.rows(
        _COUNTS, {"tenant": tenant, "id": id_}
    )
    return BatchCounts(
        items=int(items),
        queued=int(queued),
        completed=int(completed),
        needs_review=int(review),
        failed=int(failed),
        cancelled=int(cancelled),
        cost_usd=float(cost_usd),
    )


def _resource(row: Row, counts: BatchCounts) -> BatchResource:
    _, id_, title, rubric, judge, created_s, expires_s, ready, cancelled_s, settled_s = row
    if cancelled_s is not None:
        status = "cancelled"
    elif not ready:
        status = "reading"
    else:
        status = "running" if counts.queued else "completed"
    return BatchResource(
        id=id_,
        status=status,
        title=title,
        rubric=rubric,
        judge=judge,
        created_at=time_of(created_s),
        settled_at=time_of(settled_s) if settled_s is not None else None,
        expires_at=time_of(expires_s),
        counts=counts,
    )
