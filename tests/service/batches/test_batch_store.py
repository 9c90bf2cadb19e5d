"""Tests of stored batches: what is told of them in the transactions that end or delete them."""

from __future__ import annotations

import time

import pytest

from evaluator.batch.database import Database
from evaluator.service.batches.store import BatchStore, Ended, KeptBatch
from evaluator.service.evaluations.store import EvaluationStore, Kept

pytestmark = pytest.mark.loopback


def _opened(database: Database, *, queued: bool) -> tuple[BatchStore, list[Ended]]:
    """Return a store with a batch of one item, and what it tells of batches that are deleted before they have ended."""
    now_s, deleted = time.time(), list[Ended]()
    store = BatchStore(database, deleted=lambda _, gone: deleted.append(gone))
    store.add(KeptBatch("t", "batch_1", None, "r", "fake", now_s, now_s + 1000))
    EvaluationStore(database).add(
        Kept(
            tenant="t",
            id="eval_1",
            status="queued" if queued else "failed",
            created_s=now_s,
            expires_s=now_s + 1000,
            rubric="r",
            judge="fake",
            metadata={},
            batch="batch_1",
        )
    )
    database.write(lambda transaction: transaction.run("UPDATE sv_evaluations SET cost_usd = 0.5"))
    store.ready("t", "batch_1")
    return store, deleted


def test_a_batch_that_is_deleted_in_work_tells_what_it_cost(database: Database) -> None:
    """Whoever keeps accounts hears of it once, with what its items cost so far."""
    store, deleted = _opened(database, queued=True)
    assert store.end() == []
    assert store.delete("t", "batch_1")
    assert not store.delete("t", "batch_1")
    assert [(gone.id, gone.judge, gone.counts.cost_usd) for gone in deleted] == [("batch_1", "fake", 0.5)]


def test_a_batch_that_is_deleted_when_it_has_ended_was_told_of_before(database: Database) -> None:
    """What it cost was counted when it ended; deleting it counts nothing."""
    store, deleted = _opened(database, queued=False)
    assert [ended.id for ended in store.end()] == ["batch_1"]
    assert store.delete("t", "batch_1")
    assert deleted == []
