"""Tests of jobs: acknowledged is never lost, failures are tried again or told, and nothing of the work stays behind."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from evaluator.backends.sharing import Sharing
from evaluator.batch.database import Database, Transaction
from evaluator.batch.results import ResultStore
from evaluator.batch.runs import RunStore
from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.judging import Judge
from evaluator.service.evaluations.store import EvaluationStore, Kept
from evaluator.service.jobs.desk import Desk, DeskPlan
from evaluator.service.jobs.foreman import Foreman
from evaluator.service.jobs.job import Job, Settled
from evaluator.service.jobs.lanes import LaneStore
from evaluator.service.tables import create_service_tables
from tests.batch.durable_cases import SPEC, Counting
from tests.fakes import make_transcript
from tests.service.running import ServerProcess, evaluation_body
from tests.waiting import until


class _Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class _Shop:
    """Lanes with a worker and a foreman, around a fake judge."""

    def __init__(self, folder: Path, judge: Judge) -> None:
        self.database = Database(folder / "service.sqlite", erases=True)
        create_service_tables(self.database)
        self.clock = _Clock()
        self.told: list[Settled] = []
        self.evaluations = EvaluationStore(self.database)
        self.lanes = LaneStore(self.database, clock=self.clock, announce=self._hear)
        self._plan = DeskPlan(
            database=self.database,
            url=None,
            queue=folder / "queue.sqlite",
            name="test",
            concurrency=4,
            sharing=Sharing(),
            judge=lambda runs, parts, run, spec, store: judge,  # noqa: ARG005 - whatever the run
        )
        self.desk: Desk | None = None
        self.foreman: Foreman | None = None

    def _hear(self, _: Transaction, settled: Sequence[Settled]) -> None:
        self.told.extend(settled)

    def open(self, remembered_s: float = 3600.0) -> None:
        self.desk = Desk(self._plan, remembered_s=remembered_s)
        self.foreman = Foreman(self.lanes, self.desk)

    def close(self) -> None:
        if self.desk and self.foreman:
            self.desk.close(1.0)
            self.foreman.close()
        self.database.close()

    def submit(self, *words: str, tenant: str = "t", batch: str | None = None) -> list[str]:
        jobs = [Job(_kept(f"eval_{number}", tenant, batch), make_transcript(w)) for number, w in enumerate(words)]
        self.lanes.submit(tenant, SPEC, jobs)
        return [job.kept.id for job in jobs]

    def statuses(self, ids: Sequence[str], tenant: str = "t") -> list[str]:
        return [found.status if (found := self.evaluations.get(tenant, id_)) else "gone" for id_ in ids]

    def remembered(self) -> int:
        """Return how many shards the queue knows to have ended."""
        with closing(sqlite3.connect(self._plan.queue)) as queue:
            ((count,),) = queue.execute("SELECT count(*) FROM workflow_status WHERE status = 'SUCCESS'")
        return int(count)

    def left(self) -> dict[str, int]:
        tables = ("ev_items", "ev_transcripts", "ev_results", "ev_answers")
        return {
            table: self.database.read(lambda t, table=table: t.rows(f"SELECT count(*) FROM {table}"))[0][0]  # noqa: S608 - the test's own text
            for table in tables
        }


def _kept(id_: str, tenant: str, batch: str | None = None) -> Kept:
    return Kept(
        tenant=tenant,
        id=id_,
        status="queued",
        created_s=time.time(),
        expires_s=time.time() + 1000,
        rubric="r",
        judge="fake",
        metadata={},
        batch=batch,
    )


def _opened(tmp_path: Path, error: Callable[[str], Exception | None] = lambda _: None) -> tuple[_Shop, Counting]:
    judge = Counting(error)
    return _Shop(tmp_path, judge), judge


def test_jobs_are_judged_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    """The same words twice are judged once; when all are settled, the tables of the work are empty."""
    shop, judge = _opened(tmp_path)
    ids = shop.submit("One.", "Two.", "One.")
    shop.open()
    until(lambda: shop.statuses(ids) == ["completed"] * 3)
    shop.close()
    assert len(judge.cases) == 2
    assert sorted(settled.id for settled in shop.told) == ids
    again = _Shop(tmp_path, judge)
    assert again.left() == {"ev_items": 0, "ev_transcripts": 0, "ev_results": 0, "ev_answers": 0}
    again.close()


def test_the_queue_forgets_what_ended(tmp_path: Path) -> None:
    """What the queue remembers of shards doesn't grow for ever: those that ended some time ago are forgotten."""
    shop, _ = _opened(tmp_path)
    ids = shop.submit("One.")
    shop.open(remembered_s=0.0)
    until(lambda: shop.statuses(ids) == ["completed"])
    assert shop.desk is not None
    until(lambda: shop.remembered() == 1)
    shop.desk.tidy()
    until(lambda: not shop.remembered())
    again = [Job(_kept("eval_again", "t"), make_transcript("One."))]
    shop.lanes.submit("t", SPEC, again)
    until(lambda: shop.statuses(["eval_again"]) == ["completed"])
    shop.close()


def test_a_job_that_was_submitted_twice_is_one(tmp_path: Path) -> None:
    """A retry with the same id adds nothing, before and after it was judged."""
    shop, judge = _opened(tmp_path)
    shop.submit("One.")
    assert shop.lanes.submit("t", SPEC, [Job(_kept("eval_0", "t"), make_transcript("One."))]) == 0
    shop.open()
    until(lambda: shop.statuses(["eval_0"]) == ["completed"])
    assert shop.lanes.submit("t", SPEC, [Job(_kept("eval_0", "t"), make_transcript("One."))]) == 0
    shop.close()
    assert len(judge.cases) == 1


def test_tenants_share_no_result(tmp_path: Path) -> None:
    """The same words of two tenants are judged for each, and each sees its own row alone."""
    shop, judge = _opened(tmp_path)
    ids = shop.submit("One.", tenant="a")
    shop.submit("One.", tenant="b")
    shop.open()
    until(lambda: shop.statuses(ids, "a") == shop.statuses(ids, "b") == ["completed"])
    assert shop.statuses(ids, "c") == ["gone"]
    assert len(judge.cases) == 2
    assert not shop.evaluations.delete("c", ids[0])
    assert shop.evaluations.delete("a", ids[0])
    assert shop.statuses(ids, "b") == ["completed"]
    shop.close()


def test_what_may_pass_is_tried_again_and_then_told(tmp_path: Path) -> None:
    """A judge that is down is asked three times, with pauses; then the job failed, and says that it may be repeated."""
    shop, judge = _opened(tmp_path, lambda words: JudgeUnavailable("down") if "bad" in words else None)
    ids = shop.submit("bad", "good")
    shop.open()
    until(lambda: shop.statuses(ids) == ["queued", "completed"])

    def failed_later() -> bool:
        shop.clock.ahead_s += 10
        return shop.statuses(ids) == ["failed", "completed"]

    until(failed_later)
    failed = shop.evaluations.get("t", ids[0])
    shop.close()
    assert failed is not None
    assert failed.problem is not None
    assert (failed.problem.code, failed.problem.again) == ("judge_unavailable", True)
    assert judge.cases.count("bad") == 3


def test_a_judge_that_refuses_everything_fails_the_lane_and_not_the_next_job(tmp_path: Path) -> None:
    """A wrong key fails what waits, with the reason; once it is right, the same lane judges again."""
    wrong = [True]
    shop, _ = _opened(tmp_path, lambda _: JudgeMisuse("the key is wrong") if wrong[0] else None)
    ids = shop.submit("One.", "Two.")
    shop.open()
    until(lambda: shop.statuses(ids) == ["failed", "failed"])
    failed = shop.evaluations.get("t", ids[0])
    assert failed is not None
    assert failed.problem is not None
    assert "the key is wrong" in failed.problem.message
    wrong[0] = False
    shop.lanes.submit("t", SPEC, [Job(_kept("eval_later", "t"), make_transcript("Three."))])
    until(lambda: shop.statuses(["eval_later"]) == ["completed"])
    shop.close()


def test_work_that_no_queue_knows_is_found(tmp_path: Path) -> None:
    """Jobs that were kept by a process that died before it queued them are judged by the next."""
    shop, _ = _opened(tmp_path)
    ids = shop.submit("One.")
    shop.close()
    next_life, judge = _opened(tmp_path)
    next_life.open()
    until(lambda: next_life.statuses(ids) == ["completed"])
    next_life.close()
    assert len(judge.cases) == 1


def test_what_was_cancelled_is_not_judged(tmp_path: Path) -> None:
    """Cancelling a batch drops what waits, words included; what is judged stays."""
    shop, judge = _opened(tmp_path)
    ids = shop.submit("One.", "Two.", batch="b")
    assert shop.lanes.cancel("other", "b") == 0
    assert shop.lanes.cancel("t", "b") == 2
    shop.open()
    time.sleep(0.6)
    assert shop.statuses(ids) == ["cancelled", "cancelled"]
    assert shop.left()["ev_transcripts"] == 0
    shop.close()
    assert judge.cases == []


def test_what_was_stopped_midway_is_brought_by_a_new_shard(tmp_path: Path) -> None:
    """A shard that ended without a result, and whose job still waits, is made anew, and judged once."""
    shop, judge = _opened(tmp_path)
    ids = shop.submit("One.")
    shop.database.write(lambda t: t.run("UPDATE ev_shards SET finished = 1"))
    shop.clock.ahead_s = 60.0
    shop.open()
    until(lambda: shop.statuses(ids) == ["completed"])
    shop.close()
    assert judge.cases == ["One."]


def test_a_shard_that_was_finished_and_forgotten_harms_nobody(tmp_path: Path) -> None:
    """A queue that died before it heard that a shard is finished brings it again; the jobs behind it are judged."""
    shop, _ = _opened(tmp_path)
    shop.open()
    assert shop.desk is not None
    shop.desk.enqueue(["lane-gone-0"])
    ids = shop.submit("One.")
    until(lambda: shop.statuses(ids) == ["completed"])
    assert shop.foreman is not None
    assert shop.foreman.failure is None
    shop.close()


@pytest.mark.loopback
def test_a_server_that_is_killed_loses_no_job(tmp_path: Path) -> None:
    """Every id that was acknowledged is judged after a kill -9 and a new start; SIGTERM ends the server with 0."""
    with ServerProcess(tmp_path) as server:
        acknowledged: list[str] = []
        for number in range(12):
            answer = httpx2.post(
                f"{server.url}/v1/evaluations",
                json=evaluation_body(number),
                headers={"Prefer": "respond-async"},
                trust_env=False,
            )
            acknowledged.append(answer.json()["id"])
        server.kill()
    with ServerProcess(tmp_path) as server:
        with httpx2.Client(base_url=server.url, trust_env=False) as client:
            for id_ in acknowledged:
                until(lambda id_=id_: client.get(f"/v1/evaluations/{id_}").json()["status"] == "completed", 60.0)
            listed = client.get("/v1/evaluations", params={"limit": 100}).json()["data"]
        assert server.terminate() == 0
    assert sorted(row["id"] for row in listed) == sorted(acknowledged)


def test_the_stores_of_the_work_are_there(tmp_path: Path) -> None:
    """Lanes stand in the tables of durable batches, so that `evaluator work` can grade them too."""
    shop, _ = _opened(tmp_path)
    shop.submit("One.")
    ((run, _),) = shop.database.read(lambda t: t.rows("SELECT run, grading FROM ev_runs"))
    spec = RunStore(shop.database).spec(run)
    assert spec.settings["lane_of"] == SPEC.grading
    assert spec.grading != SPEC.grading
    (shard,) = shop.lanes.unqueued()
    assert len(ResultStore(shop.database).claim(shard, "somebody").open) == 1
    shop.close()
