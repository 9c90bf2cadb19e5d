"""Tests of stored batches: what is told of them when they end, and what comes while they are read."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.batch.runs import Spec
from evaluator.service.batches.reading import Sent
from evaluator.service.batches.sending import send
from evaluator.service.batches.store import BatchStore, Ended, KeptBatch
from evaluator.service.batches.wire import BatchOptions
from evaluator.service.evaluations.store import EvaluationStore, Filters, Kept
from evaluator.service.jobs.job import Job
from evaluator.service.jobs.lanes import LaneStore
from evaluator.service.problems import Problem
from tests.batch.durable_cases import SPEC

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


class _Meanwhile(LaneStore):
    """Lanes beside which, as soon as the items are there, a batch is deleted or cancelled."""

    def __init__(self, database: Database, batches: BatchStore, act: str) -> None:
        super().__init__(database)
        self._act = {"delete": batches.delete, "cancel": batches.cancel}[act]

    def submit(self, tenant: str, spec: Spec, jobs: Iterable[Job]) -> int:
        fresh = super().submit(tenant, spec, jobs)
        self._act(tenant, "batch_1")
        return fresh


def _send(database: Database, folder: Path, act: str) -> list[str]:
    """Send a batch to which that happens meanwhile; return what became of its items."""
    path, batches, now_s = folder / "batch.jsonl", BatchStore(database), time.time()
    path.write_text('{"text": "Candidate: I would track clicks."}\n{"text": "Candidate: I would track views."}\n')
    kept = KeptBatch("t", "batch_1", None, "r", "fake", now_s, now_s + 1000)
    try:
        send(kept, Sent(BatchOptions(), path), SPEC, batches, _Meanwhile(database, batches, act))
    finally:
        found, _ = EvaluationStore(database).page("t", Filters(batch="batch_1"), 2**62, 10)
    return [item.status for item in found]


def test_nothing_stays_of_a_batch_that_is_deleted_while_it_is_read(database: Database, tmp_path: Path) -> None:
    """Its sender is told so, and no item outlives it."""
    with pytest.raises(Problem, match="deleted") as refused:
        _send(database, tmp_path, "delete")
    assert refused.value.status == 404
    assert database.read(lambda t: t.rows("SELECT id FROM sv_evaluations")) == []


def test_nothing_is_judged_of_a_batch_that_is_cancelled_while_it_is_read(database: Database, tmp_path: Path) -> None:
    """Items that were read after the word came are cancelled too."""
    assert _send(database, tmp_path, "cancel") == ["cancelled", "cancelled"]
