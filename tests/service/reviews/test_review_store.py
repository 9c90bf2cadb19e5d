"""Tests of reviews as they are kept: beside the judge's verdict, by tenant, and gone with their evaluation."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.agreement.labels import Label
from evaluator.batch.database import Database
from evaluator.service.batches.store import BatchStore
from evaluator.service.evaluations.store import EvaluationStore, Kept
from evaluator.service.privacy.retention import Retention
from evaluator.service.problems import Problem
from evaluator.service.reviews.review import Review, consensus
from evaluator.service.reviews.store import ReviewStore
from evaluator.service.tables import create_service_tables
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from tests.fakes import make_evaluation, opinion
from tests.service.keeping import kept

_LABELS: tuple[Label, ...] = ("present", "absent", "na")


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    """Open a database with the service's tables."""
    database = Database(tmp_path / "service.sqlite")
    create_service_tables(database)
    yield database
    database.close()


def _keep(database: Database, id_: str, *, tenant: str = "tn_a", evaluation: Evaluation | None = None) -> Evaluation:
    made = evaluation or make_evaluation(None, opinion("vanity", "present", "track clicks", turn=0))
    EvaluationStore(database).add(kept(id_, made, tenant=tenant, expires_s=2.0))
    return made


def _review(criterion: str, verdict: Label, reviewer: str, judged: Verdict = "absent") -> Review:
    return Review(criterion=criterion, judged=judged, verdict=verdict, reason="", reviewer=reviewer, created_s=0.0)


def test_a_review_stands_beside_the_verdict_and_changes_nothing_in_the_evaluation(database: Database) -> None:
    """What the judge said is the same before and after; the review says what it was and what it should be."""
    made = _keep(database, "eval_1")
    criterion, judged = made.findings[0].criterion, made.findings[0].verdict
    review = ReviewStore(database).put("tn_a", "eval_1", criterion, "na", "out of scope", "coach", 5.0)
    found = EvaluationStore(database).get("tn_a", "eval_1")
    assert found is not None
    assert found.evaluation == made
    assert (review.judged, review.verdict, review.reason, review.outcome) == (
        judged,
        "na",
        "out of scope",
        "overridden",
    )


def test_the_latest_review_of_a_reviewer_counts_and_the_former_ones_stay(database: Database) -> None:
    """A coach may change their mind: the last word counts, the history is there to be read."""
    criterion = _keep(database, "eval_1").findings[0].criterion
    store = ReviewStore(database)
    store.put("tn_a", "eval_1", criterion, "absent", "no", "anna", 1.0)
    store.put("tn_a", "eval_1", criterion, "na", "other", "ben", 2.0)
    store.put("tn_a", "eval_1", criterion, "present", "yes after all", "anna", 3.0)
    said = [(review.reviewer, review.verdict, review.current) for review in store.of("tn_a", "eval_1")]
    assert said == [("anna", "absent", False), ("ben", "na", True), ("anna", "present", True)]


def test_the_same_review_again_adds_nothing(database: Database) -> None:
    """A client that sends a review twice, because the answer was lost, leaves one."""
    criterion = _keep(database, "eval_1").findings[0].criterion
    store = ReviewStore(database)
    first = store.put("tn_a", "eval_1", criterion, "absent", "no", "anna", 1.0)
    assert store.put("tn_a", "eval_1", criterion, "absent", "no", "anna", 9.0) == first
    assert store.of("tn_a", "eval_1") == (first,)


def test_another_tenant_sees_reviews_as_little_as_the_evaluation(database: Database) -> None:
    """A foreign evaluation can't be reviewed, read or counted, even where the ids are equal."""
    criterion = _keep(database, "eval_1").findings[0].criterion
    store = ReviewStore(database)
    store.put("tn_a", "eval_1", criterion, "absent", "no", "anna", 1.0)
    for refused in (
        lambda: store.put("tn_b", "eval_1", criterion, "absent", "no", "eve", 1.0),
        lambda: store.of("tn_b", "eval_1"),
    ):
        with pytest.raises(Problem) as caught:
            refused()
        assert caught.value.status == 404
    _keep(database, "eval_1", tenant="tn_b")
    assert store.of("tn_b", "eval_1") == ()
    assert not store.withdraw("tn_b", "eval_1", criterion, "anna")
    assert len(store.of("tn_a", "eval_1")) == 1
    rubric = make_evaluation().rubric.id
    assert (store.count("tn_a", rubric), store.count("tn_b", rubric)) == (1, 0)
    assert list(store.each("tn_b", rubric)) == []


def test_what_is_not_judged_or_not_asked_cannot_be_reviewed(database: Database) -> None:
    """A criterion that the evaluation lacks is not found; a job that isn't judged says to wait."""
    _keep(database, "eval_1")
    queued = Kept(
        tenant="tn_a",
        id="eval_2",
        status="queued",
        created_s=1.0,
        expires_s=2.0,
        rubric="r",
        judge="local",
        metadata={},
    )
    EvaluationStore(database).add(queued)
    store = ReviewStore(database)
    with pytest.raises(Problem) as caught:
        store.put("tn_a", "eval_1", "nothing_of_the_kind", "absent", "", "anna", 1.0)
    assert (caught.value.status, caught.value.where) == (404, "criterion")
    with pytest.raises(Problem) as caught:
        store.put("tn_a", "eval_2", "vanity", "absent", "", "anna", 1.0)
    assert caught.value.status == 409


def test_reviews_go_with_their_evaluation(database: Database) -> None:
    """After an evaluation is deleted no word of its reviewers is left, and other reviews stay."""
    criterion = _keep(database, "eval_1").findings[0].criterion
    _keep(database, "eval_2")
    store = ReviewStore(database)
    for id_ in ("eval_1", "eval_2"):
        store.put("tn_a", id_, criterion, "absent", "no", "anna", 1.0)
    assert EvaluationStore(database).delete("tn_a", "eval_1")
    left = database.read(lambda transaction: transaction.rows("SELECT evaluation FROM sv_reviews"))
    assert [tuple(row) for row in left] == [("eval_2",)]


def test_reviews_go_with_evaluations_that_expire_and_with_those_of_a_batch(database: Database) -> None:
    """Retention and the deletion of a batch leave no word of a reviewer either."""
    made = _keep(database, "eval_1")
    EvaluationStore(database).add(kept("eval_2", made, tenant="tn_a", expires_s=90.0, batch="batch_1"))
    for id_ in ("eval_1", "eval_2"):
        ReviewStore(database).put("tn_a", id_, made.findings[0].criterion, "absent", "no", "anna", 1.0)
    assert Retention(database, lambda: 50.0).tend() == 1
    left = database.read(lambda transaction: transaction.rows("SELECT evaluation FROM sv_reviews"))
    assert [tuple(row) for row in left] == [("eval_2",)]
    BatchStore(database).delete("tn_a", "batch_1")
    assert database.read(lambda transaction: transaction.rows("SELECT evaluation FROM sv_reviews")) == []


def test_withdrawing_takes_the_history_too(database: Database) -> None:
    """What one reviewer said of a criterion is gone, all of it; what others said stays."""
    criterion = _keep(database, "eval_1").findings[0].criterion
    store = ReviewStore(database)
    store.put("tn_a", "eval_1", criterion, "absent", "no", "anna", 1.0)
    store.put("tn_a", "eval_1", criterion, "present", "yes", "anna", 2.0)
    store.put("tn_a", "eval_1", criterion, "present", "yes", "ben", 2.0)
    assert store.withdraw("tn_a", "eval_1", criterion, "anna")
    assert [review.reviewer for review in store.of("tn_a", "eval_1")] == ["ben"]
    assert not store.withdraw("tn_a", "eval_1", criterion, "anna")


def test_reviewed_evaluations_are_walked_in_full(database: Database) -> None:
    """Each evaluation with reviews comes once, however many there are; those without any don't."""
    made = _keep(database, "eval_0000")
    for number in range(1, 120):
        _keep(database, f"eval_{number:04}", evaluation=made)
    store = ReviewStore(database)
    for number in range(0, 120, 2):
        store.put("tn_a", f"eval_{number:04}", made.findings[0].criterion, "absent", "", "anna", 1.0)
    walked = [reviewed.id for reviewed in store.each("tn_a", made.rubric.id, "local")]
    assert walked == [f"eval_{number:04}" for number in range(0, 120, 2)]
    assert store.count("tn_a", made.rubric.id, "another judge") == 0


@given(st.lists(st.sampled_from(_LABELS), min_size=1, max_size=7))
def test_most_reviewers_decide_and_the_last_of_as_many(verdicts: list[Label]) -> None:
    """The consensus is a verdict that no other outnumbers, and is disputed exactly if somebody differs."""
    reviews = [_review("c", verdict, f"r{number}") for number, verdict in enumerate(verdicts)]
    found = consensus(reviews)["c"]
    assert verdicts.count(found.verdict) == max(verdicts.count(verdict) for verdict in verdicts)
    assert found.disputed == (len(set(verdicts)) > 1)
    if len(verdicts) == 2:
        assert found.verdict == verdicts[-1]
