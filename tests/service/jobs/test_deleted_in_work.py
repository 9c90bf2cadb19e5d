"""Tests of jobs that are deleted while a judge has them: what it says of them afterwards is kept nowhere."""

from __future__ import annotations

import pytest

from evaluator.batch.database import Database
from evaluator.batch.results import ResultStore
from evaluator.batch.runs import Round, RunStore
from evaluator.service.evaluations.store import EvaluationStore
from evaluator.service.jobs.lanes import LaneStore
from tests.batch.durable_cases import SPEC, item, result
from tests.service.keeping import queued_job

pytestmark = pytest.mark.loopback


def _kept_results(database: Database) -> list[str]:
    return [key for (key,) in database.read(lambda t: t.rows("SELECT key FROM ev_results ORDER BY key"))]


def test_what_is_said_of_a_deleted_job_is_deleted_too(database: Database) -> None:
    """An answer that comes after its evaluation was deleted goes with the next sweep; that of another job stays."""
    lanes, results = LaneStore(database), ResultStore(database)
    lanes.submit(
        "t", SPEC, [queued_job("eval_gone", "I would track clicks."), queued_job("eval_stays", "I would track views.")]
    )
    (shard,) = lanes.unqueued()
    claim = results.claim(shard, "w")
    gone, stays = claim.open
    assert EvaluationStore(database).delete("t", "eval_gone")
    results.write([result(claim, gone), result(claim, stays)])
    lanes.sweep()
    assert _kept_results(database) == [stays]
    assert [settled.id for settled in lanes.settle()] == ["eval_stays"]
    assert _kept_results(database) == []


def test_results_of_a_run_beside_the_service_stay(database: Database) -> None:
    """What `evaluator batch` keeps on the same database, for other runs of the same words, is none of the service's."""
    runs, results = RunStore(database), ResultStore(database)
    _, attempt = runs.begin("run", SPEC, [item("one")])
    (shard,) = runs.make_shards(Round("run", SPEC.grading, attempt, 0), 8)
    claim = results.claim(shard, "w")
    (key,) = claim.open
    results.write([result(claim, key)])
    runs.begin("run", SPEC, [])
    LaneStore(database).sweep()
    assert _kept_results(database) == [key]
