"""One contract for the stores of runs and results, on SQLite and on a real Postgres."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.batch.records import FailedItem, GradedItem, Item, Problem
from evaluator.batch.results import Claim, Result, ResultStore
from evaluator.batch.runs import Round, RunStore, Spec
from evaluator.store.answers import Answers, KeptOpinion
from evaluator.values.usage import Usage
from tests.fakes import make_evaluation, make_rubric, make_transcript, opinion

pytestmark = pytest.mark.loopback

_SPEC = Spec(make_rubric(), {"backend": "fake"}, "g1")
_PROBLEM = Problem("judge_unavailable", "It took too long (try again).", again=True)


@dataclass(frozen=True)
class Stores:
    """Both stores of one database."""

    database: Database
    runs: RunStore
    results: ResultStore

    def begin(self, count: int, *, run: str = "r1", spec: Spec = _SPEC, size: int = 4) -> list[str]:
        """Begin a run of so many items; return its shards."""
        _, attempt = self.runs.begin(run, spec, _items(count))
        return self.runs.make_shards(Round(run, spec.grading, attempt, 0), size)

    def grade(self, claim: Claim, keys: Sequence[str] | None = None) -> set[str]:
        """Write a result for each open transcript of a claim; return the shards that were lost."""
        return self.results.write([_graded(claim, key) for key in (keys or list(claim.open))])


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Stores]:
    """Yield the stores on each kind of database."""
    postgres = request.param == "postgres"
    place = request.getfixturevalue("database_url") if postgres else tmp_path / "run.sqlite"
    with closing(Database(place)) as database:
        yield Stores(database, RunStore(database), ResultStore(database))


def _items(count: int) -> list[Item]:
    return [
        Item(f"i{n}", make_transcript(f"I would track clicks, number {n}."), columns={"n": str(n)})
        for n in range(count)
    ]


def _graded(claim: Claim, key: str, requests: int = 1) -> Result:
    evaluation = make_evaluation(claim.open.get(key), opinion("vanity", "present", "track clicks", turn=0))
    return Result(claim, key, evaluation, None, Usage(requests=requests, cost_usd=0.5))


def test_a_run_goes_from_items_to_records(stores: Stores) -> None:
    """Counts, shards, claims, results and records fit together; the order is the items'."""
    counts, attempt = stores.runs.begin(
        "r1", _SPEC, [*_items(5), *_items(1), Item("bad", None, Problem("transcript", "No."))]
    )
    assert (counts.items, counts.unreadable, counts.duplicates, counts.open) == (7, 1, 1, 5)
    shards = stores.runs.make_shards(Round("r1", "g1", attempt, 0), 2)
    assert len(shards) == 3
    for shard in shards:
        claim = stores.results.claim(shard, "w")
        assert stores.grade(claim) == set()
        stores.results.release(claim)
    assert not stores.runs.in_work("r1")
    records = list(stores.results.records("r1", "g1"))
    assert [record.item for record in records] == ["i0", "i1", "i2", "i3", "i4", "i0", "bad"]
    assert [type(record) for record in records] == [GradedItem] * 6 + [FailedItem]
    told = stores.runs.progress("r1")
    assert (told.graded, told.requests, told.cost_usd) == (5, 5, 2.5)


def test_the_spec_comes_back_as_it_was_given(stores: Stores) -> None:
    """Rubric, settings and grading travel through the database."""
    stores.begin(1)
    assert stores.runs.spec("r1") == _SPEC


def test_hostile_texts_are_stored(stores: Stores) -> None:
    """Names and columns with null characters, halves of surrogate pairs and quotes are no failure."""
    name = "a\0b\ud800'); DROP TABLE ev_items; -- \u202e\U0001f600"
    stores.runs.begin("r1", _SPEC, [Item(name, make_transcript("I would; 'track' clicks."), columns={name: name})])
    stores.runs.stop("r1", name)
    (record,) = stores.results.records("r1", "g1")
    assert "DROP TABLE" in record.item
    assert "DROP TABLE" in str(stores.runs.stopped("r1"))


def test_writing_under_a_lost_claim_has_no_effect(stores: Stores) -> None:
    """Who had the shard before is told, and neither its results nor its farewell count."""
    (shard,) = stores.begin(2)
    old = stores.results.claim(shard, "old")
    new = stores.results.claim(shard, "new")
    assert new.epoch > old.epoch
    assert stores.grade(old) == {shard}
    stores.results.release(old)
    assert stores.runs.in_work("r1")
    assert stores.runs.progress("r1").graded == 0
    assert stores.grade(new) == set()
    assert stores.runs.progress("r1").graded == 2


def test_a_result_stands_for_good(stores: Stores) -> None:
    """A second one, or a failure, replaces nothing and is not counted; a failure yields to a result."""
    (shard,) = stores.begin(2)
    claim = stores.results.claim(shard, "w")
    first, second = claim.open
    stores.grade(claim, [first])
    failed = Result(claim, first, None, _PROBLEM, Usage())
    stores.results.write([_graded(claim, first, requests=9), failed, replace(failed, key=second)])
    told = stores.runs.progress("r1")
    assert (told.graded, told.failed, told.requests) == (1, 1, 1)
    again = stores.results.claim(shard, "w")
    assert list(again.open) == []
    retry = stores.runs.make_shards(Round("r1", "g1", 1, 1, again=1), 4)
    assert retry == []  # its shard isn't finished
    stores.results.release(again)
    (shard,) = stores.runs.make_shards(Round("r1", "g1", 1, 1, again=1), 4)
    claim = stores.results.claim(shard, "w")
    assert list(claim.open) == [second]
    stores.grade(claim)
    assert stores.runs.counts("r1", "g1").open == 0


def test_paid_answers_are_kept_even_of_a_lost_claim(stores: Stores) -> None:
    """What was answered is found again by whoever grades the shard now."""
    (shard,) = stores.begin(1)
    old = stores.results.claim(shard, "old")
    stores.results.claim(shard, "new")
    answers = Answers({"k": KeptOpinion(opinion("vanity", "present", "track clicks"))})
    stores.results.keep_answers([("head", answers)])
    assert stores.grade(old) == {shard}
    assert stores.results.answers(["head", "other"]) == {"head": answers}


def test_another_grading_of_the_same_words_stands_beside(stores: Stores) -> None:
    """Results of one grading aren't another's, and what an old shard held is no longer the run's."""
    (shard,) = stores.begin(1)
    stores.grade(stores.results.claim(shard, "w"))
    other = Spec(_SPEC.rubric, _SPEC.settings, "g2")
    (second,) = stores.begin(1, spec=other)
    assert stores.results.claim(shard, "w").open == {}
    assert len(stores.results.claim(second, "w").open) == 1
    assert [type(record) for record in stores.results.records("r1", "g1")] == [GradedItem]
    assert [type(record) for record in stores.results.records("r1", "g2")] == [FailedItem]


def test_of_many_that_claim_at_once_one_writes(stores: Stores) -> None:
    """Eight threads claim the same shards and write: each result stands once, each is counted once."""
    shards = stores.begin(12, size=3)
    errors: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for shard in shards:
                claim = stores.results.claim(shard, name)
                stores.grade(claim)
                stores.results.release(claim)
        except BaseException as error:  # noqa: BLE001 - the test tells of it
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert not stores.runs.in_work("r1")
    assert stores.runs.progress("r1").graded == 12
    assert len([record for record in stores.results.records("r1", "g1") if isinstance(record, GradedItem)]) == 12


def test_results_that_cross_are_both_kept(stores: Stores) -> None:
    """Two runs of the same words write them in opposite orders, again and again, and neither fails."""
    stores.begin(30, run="r1", size=30)
    stores.begin(30, run="r2", size=30)
    claims = [stores.results.claim(stores.runs.unfinished(run)[0], run) for run in ("r1", "r2")]
    errors: list[BaseException] = []

    def work(claim: Claim, keys: list[str]) -> None:
        try:
            for _ in range(5):
                failed = [Result(claim, key, None, _PROBLEM, Usage()) for key in keys]
                stores.results.write(failed)
        except BaseException as error:  # noqa: BLE001 - the test tells of it
            errors.append(error)

    keys = list(claims[0].open)
    threads = [
        threading.Thread(target=work, args=(claims[0], keys)),
        threading.Thread(target=work, args=(claims[1], keys[::-1])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_tables_are_made_by_several_processes_at_once(database_url: str) -> None:
    """Six processes that find an empty Postgres all end with its tables."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(6) as pool:
        assert pool.map(_make_tables, [database_url] * 6) == [0] * 6


def _make_tables(url: str) -> int:
    with closing(Database(url)) as database:
        return len(RunStore(database).unfinished("nothing"))
