"""Deletes what has been kept for as long as was promised, and sees to it that deleted means gone.

SQLite overwrites what is deleted (`Database` with ``erases``); its log of changes, which would still hold it, is
emptied here. A Postgres does likewise by its own vacuum.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.service.evaluations.store import forget_work
from evaluator.service.reviews.store import forget_reviews
from evaluator.service.webhooks.outbox import forget_subject

__all__ = ["Retention"]

_AT_ONCE: Final = 500
_EMPTYING_S: Final = 60.0  # between two times that the log is emptied


class Retention:
    """The end of what was stored in one database."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """Look at a database whose tables are there."""
        self._database = database
        self._clock = clock
        self._emptied_s = 0.0

    def tend(self) -> int:
        """Delete what has expired, and empty the log now and then; return how many evaluations are gone."""
        gone = 0
        while deleted := self._delete():
            gone += deleted
        now_s = self._clock()
        if gone or now_s - self._emptied_s >= _EMPTYING_S:
            self._database.empty_log()
            self._emptied_s = now_s
        return gone

    def _delete(self) -> int:
        def work(transaction: Transaction) -> int:
            values = {"now": self._clock(), "most": _AT_ONCE}
            rows = transaction.rows(
                """DELETE FROM sv_evaluations WHERE number IN (
                    SELECT number FROM sv_evaluations WHERE expires_s <= :now ORDER BY number LIMIT :most)
                RETURNING number, run, key, grading, tenant, id, batch""",
                values,
            )
            forget_work(transaction, [tuple(row[:4]) for row in rows])
            forget_reviews(transaction, [(row[4], row[5]) for row in rows])
            batches = transaction.rows("DELETE FROM sv_batches WHERE expires_s <= :now RETURNING tenant, id", values)
            alone = [(tenant, id_) for *_, tenant, id_, batch in rows if batch is None]  # nothing is told of items
            for tenant, id_ in [*alone, *batches]:
                forget_subject(transaction, tenant, id_)
            transaction.run("DELETE FROM sv_sessions WHERE expires_s <= :now", values)
            return len(rows)

        return self._database.write(work)
