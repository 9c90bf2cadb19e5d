"""Tests of what receivers are told of jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from evaluator.batch.database import Transaction
from evaluator.service.batches.store import Ended
from evaluator.service.batches.wire import BatchCounts
from evaluator.service.jobs.job import Settled
from evaluator.service.webhooks.announcing import Announcer
from evaluator.service.webhooks.outbox import forget_subject
from tests.service.webhooks.office import Office, opened

_COUNTS = BatchCounts(items=3, queued=0, completed=2, needs_review=0, failed=1, cancelled=0, cost_usd=0.5)


@pytest.fixture
def office(tmp_path: Path) -> Generator[Office]:
    """Yield the stores of webhooks, with an endpoint that wants every event."""
    with opened(tmp_path / "service.sqlite") as office:
        office.endpoints.create("tn_a", "https://example.com/")
        yield office


def _told(office: Office, write: Callable[[Announcer, Transaction], None]) -> list[tuple[str, dict[str, object]]]:
    announcer = Announcer(office.outbox)
    office.database.write(lambda transaction: write(announcer, transaction))
    rows = office.rows("SELECT type, body FROM sv_webhook_messages ORDER BY created_s")
    return [(str(event), json.loads(str(body))["data"]) for event, body in rows]


def _settled(status: str, batch: str | None = None) -> Settled:
    good = status == "completed"
    return Settled(
        tenant="tn_a",
        id="eval_1",
        batch=batch,
        status=status,
        rubric="netflix_pm_metrics",
        judge="local",
        score=61.5 if good else None,
        band="no_hire" if good else None,
        cost_usd=0.0,
        evaluation=None,
        code=None if good else "not_graded",
    )


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_an_evaluation_is_told_by_its_figures(office: Office, status: str) -> None:
    """The event has the id, status, score, band and code; words of the transcript have no place in it."""
    ((event, data),) = _told(office, lambda announcer, t: announcer.evaluations(t, [_settled(status)]))
    assert event == f"evaluation.{status}"
    assert set(data) == {"id", "status", "rubric", "judge", "score", "band", "needs_review", "code"}
    assert (data["id"], data["status"]) == ("eval_1", status)
    assert data["score"] == (61.5 if status == "completed" else None)


def test_items_of_a_batch_are_told_by_their_batch(office: Office) -> None:
    """A batch of thousands is one event."""
    settled = [_settled("completed", "batch_1"), _settled("failed", "batch_1")]
    assert _told(office, lambda announcer, t: announcer.evaluations(t, settled)) == []


@pytest.mark.parametrize(
    ("status", "counts", "event"),
    [
        ("completed", _COUNTS, "batch.completed"),
        ("cancelled", _COUNTS, "batch.failed"),
        ("completed", _COUNTS.model_copy(update={"completed": 0, "failed": 3}), "batch.failed"),
        ("completed", _COUNTS.model_copy(update={"items": 0, "completed": 0, "failed": 0}), "batch.completed"),
    ],
)
def test_a_batch_is_told_by_its_counts(office: Office, status: str, counts: BatchCounts, event: str) -> None:
    """A batch that was cancelled, or brought nothing, has failed; its data say which."""
    ended = Ended(tenant="tn_a", id="batch_1", status=status, judge="local", counts=counts)
    ((told, data),) = _told(office, lambda announcer, t: announcer.batches(t, [ended]))
    assert told == event
    assert data == {"id": "batch_1", "status": status, "counts": counts.model_dump(mode="json")}


def test_the_events_of_a_deleted_evaluation_can_be_forgotten(office: Office) -> None:
    """What is announced goes by the id of what it tells of."""
    _told(office, lambda announcer, t: announcer.evaluations(t, [_settled("completed")]))
    assert _told(office, lambda _, t: forget_subject(t, "tn_a", "eval_1")) == []
