"""Tests of lanes on a database that other processes share: what they do at the same time, and what isn't a lane."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from evaluator.backends.sharing import Sharing
from evaluator.batch.database import Database, Transaction
from evaluator.batch.results import ResultStore
from evaluator.batch.roll import Roll
from evaluator.batch.runs import Round, RunStore
from evaluator.service.jobs.desk import Desk, DeskPlan
from evaluator.service.jobs.foreman import Foreman
from evaluator.service.jobs.lanes import LaneStore
from evaluator.service.tables import create_service_tables
from tests.batch.durable_cases import SPEC, Counting, item
from tests.fakes import make_transcript
from tests.service.keeping import queued_job
from tests.service.running import until

pytestmark = pytest.mark.loopback

_WORDS = "I would track weekly members."


@contextmanager
def _held(database: Database, table: str) -> Generator[None]:
    """Let nobody write to a table of a Postgres while the block runs."""
    locked, release = threading.Event(), threading.Event()

    def hold(transaction: Transaction) -> None:
        transaction.run(f"LOCK TABLE {table} IN SHARE MODE")
        locked.set()
        release.wait(30.0)

    thread = threading.Thread(target=database.write, args=(hold,))
    thread.start()
    locked.wait(30.0)
    try:
        yield
    finally:
        release.set()
        thread.join()


def _waiting(database: Database) -> int:
    """Return how many processes of a Postgres wait for a lock."""
    return database.read(lambda t: t.rows("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"))[0][0]


def test_words_that_are_sent_again_outlive_the_end_of_the_first(database_url: str) -> None:
    """A job keeps its words though another process forgets, at that moment, the last other job that had them."""
    with closing(Database(database_url)) as mine, closing(Database(database_url)) as other:
        create_service_tables(mine)
        LaneStore(mine).submit("t", SPEC, [queued_job("eval_1", _WORDS, batch="b")])
        submitting = threading.Thread(
            target=LaneStore(mine).submit, args=("u", SPEC, [queued_job("eval_2", _WORDS, tenant="u")])
        )
        cancelling = threading.Thread(target=LaneStore(other).cancel, args=("t", "b"))
        with _held(mine, "ev_shards"):
            submitting.start()  # it has kept the words, and waits to put them into a shard
            until(lambda: _waiting(mine) == 1)
            cancelling.start()
            until(lambda: _waiting(mine) == 2 or not cancelling.is_alive())
        submitting.join()
        cancelling.join()
        claims = [ResultStore(mine).claim(shard, "w") for shard in LaneStore(mine).unqueued()]
        assert [words for claim in claims for words in claim.open.values()] == [make_transcript(_WORDS)]


def test_a_shard_whose_words_are_gone_is_taken_without_them(database: Database) -> None:
    """What was deleted while a worker took its shard is left out; it doesn't end the worker."""
    LaneStore(database).submit("t", SPEC, [queued_job("eval_1", _WORDS)])
    database.write(lambda t: t.run("DELETE FROM ev_transcripts"))
    (shard,) = LaneStore(database).unqueued()
    assert not ResultStore(database).claim(shard, "w").open


def test_a_run_beside_the_service_is_left_alone(database: Database) -> None:
    """A stopped run of `evaluator batch` stays stopped, and keeps its finished shards."""
    runs, lanes = RunStore(database), LaneStore(database)
    _, attempt = runs.begin("run", SPEC, [item("one")])
    (shard,) = runs.make_shards(Round("run", SPEC.grading, attempt, 0), 8)
    runs.let_go([shard])
    runs.stop("run", "the key is refused")
    assert lanes.fail_stopped() == []
    lanes.sweep()
    assert runs.stopped("run") == "the key is refused"
    assert database.read(lambda t: t.rows("SELECT shard FROM ev_shards")) == [(shard,)]


def test_a_newcomer_that_is_stopped_before_it_begins_ends(database_url: str, tmp_path: Path) -> None:
    """Among others a worker begins after some seconds; stopped before, it ends, and leaves its job to them."""
    with closing(Database(database_url)) as database:
        create_service_tables(database)
        Roll(database).join("other")
        lanes = LaneStore(database)
        desk = Desk(
            DeskPlan(
                database=database,
                url=database_url,
                queue=tmp_path / "none",
                name="newcomer",
                concurrency=1,
                sharing=Sharing(),
                judge=lambda runs, parts, run, spec, store: Counting(),  # noqa: ARG005 - whatever the run
            )
        )
        foreman = Foreman(lanes, desk)
        lanes.submit("t", SPEC, [queued_job("eval_1", _WORDS)])
        foreman.nudge()
        desk.close(0.5)
        ending = threading.Thread(target=foreman.close, daemon=True)
        ending.start()
        ending.join(20.0)
        assert not ending.is_alive()
        assert len(lanes.unqueued()) == 1
