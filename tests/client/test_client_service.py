"""Tests of the client against the real application on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest

from evaluator.agreement.labels import parse_labels
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.client import AsyncClient, Client, Patience, ServiceProblem
from evaluator.rubric import load_rubric
from tests.fakes import RUBRIC_YAML
from tests.service.running import ANSWER, ServerProcess, config_at, running

pytestmark = pytest.mark.loopback

_TURNS: Final = [
    {"speaker": "interviewer", "text": "How would you measure the new row?"},
    {"speaker": "candidate", "text": "I would count clicks on it, since more clicks show that people like the row."},
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Serve the application once for all tests of this module."""
    with running(config_at(tmp_path_factory.mktemp("served"))) as (http, _):
        yield str(http.base_url)


@pytest.fixture
def client(address: str) -> Generator[Client]:
    """Return a client of the service."""
    with Client(address) as client:
        yield client


def test_text_turns_and_a_file_are_judged_alike(client: Client, tmp_path: Path) -> None:
    """The three forms of one transcript give the same evaluation, as the library's own type."""
    file = tmp_path / "answer.txt"
    file.write_text(ANSWER, encoding="utf-8")
    by_text, by_file = client.evaluate(ANSWER), client.evaluate(file=file)
    assert by_text.evaluation is not None
    assert by_file.evaluation is not None
    assert by_text.evaluation.findings == by_file.evaluation.findings
    assert not by_text.stored
    by_turns = client.evaluate(turns=_TURNS, question_type="metric_design", metadata={"cohort": "7"})
    assert by_turns.evaluation is not None
    assert by_turns.evaluation.question_type.source == "given"
    assert by_turns.metadata == {"cohort": "7"}


def test_a_job_is_submitted_waited_for_listed_and_deleted(client: Client) -> None:
    """The whole life of a stored evaluation."""
    job = client.submit(ANSWER, candidate="anna")
    done = client.evaluations.wait(job.id, timeout_s=60)
    assert (done.id, done.status, done.score is not None) == (job.id, "completed", True)
    assert job.id in [row.id for row in client.evaluations.list(candidate="anna")]
    client.evaluations.delete(job.id)
    with pytest.raises(ServiceProblem) as caught:
        client.evaluations.get(job.id)
    assert caught.value.status == 404


def test_a_repeated_submit_is_one_job(client: Client) -> None:
    """The same key and transcript give the same job; another transcript under the key is refused."""
    first = client.submit(ANSWER, idempotency_key="one")
    assert client.submit(ANSWER, idempotency_key="one").id == first.id
    with pytest.raises(ServiceProblem) as caught:
        client.submit(f"{ANSWER} And more.", idempotency_key="one")
    assert caught.value.code == "idempotency_mismatch"


def test_a_batch_is_sent_followed_and_read(client: Client) -> None:
    """Progress ends in `done`; every item is a record, in its order; the table has a row for each."""
    rows = [{"name": f"a-{number}", "text": f"{ANSWER} This is {number}."} for number in range(4)]
    batch = client.batches.create([*rows, {"name": "empty", "text": ""}], title="Cohort 7", name_column="name")
    *_, last = client.batches.follow(batch.id)
    assert last.done
    assert last.counts.items == 5
    results = list(client.batches.results(batch.id))
    assert [isinstance(record, GradedItem) for record in results] == [True] * 4 + [False]
    assert isinstance(results[-1], FailedItem)
    assert len(client.batches.table(batch.id).splitlines()) == 6
    assert client.batches.wait(batch.id).status == "completed"
    assert batch.id in [row.id for row in client.batches.list()]
    client.batches.delete(batch.id)


def test_a_batch_is_cancelled(client: Client) -> None:
    """What isn't judged yet will not be; the batch ends."""
    batch = client.batches.create([{"text": f"{ANSWER} Number {number}."} for number in range(200)])
    client.batches.cancel(batch.id)
    ended = client.batches.wait(batch.id, timeout_s=60)
    assert ended.status == "cancelled"
    assert ended.counts.completed + ended.counts.cancelled == 200


def test_reviews_become_labels_and_feed_agreement(client: Client) -> None:
    """A coach's override is read back, exported as a label, and measured against."""
    done = client.evaluate(turns=_TURNS, store=True)
    assert done.evaluation is not None
    decided = [finding for finding in done.evaluation.findings if finding.verdict in ("present", "absent")]
    client.reviews.put(done.id, decided[0].criterion, "absent", "I see it otherwise.", reviewer="coach")
    review = client.reviews.put(done.id, decided[0].criterion, "present", "After all.", reviewer="coach")
    assert client.reviews.of(done.id).reviews[-1] == review
    rubric = load_rubric()
    lines = b"\n".join(client.reviews.labels())
    assert [dict(row.labels) for row in parse_labels(lines, rubric).rows] == [{decided[0].criterion: "present"}]
    report = client.agreement.of_reviews()
    assert report.figures.transcripts == 1
    client.reviews.delete(done.id, decided[0].criterion, reviewer="coach")
    assert client.reviews.of(done.id).reviews == ()


def test_labels_are_measured(client: Client) -> None:
    """Rows in memory are labels as well as a file's."""
    report = client.agreement.of_labels([{"id": "a-1", "turns": _TURNS, "labels": {"vanity_metric": "present"}}])
    assert (report.figures.transcripts, report.judge.backend) == (1, "local")


def test_rubrics_are_checked_kept_fetched_and_deleted(client: Client) -> None:
    """A document that is fetched is the one that was sent; a fault has its line."""
    assert not client.rubrics.validate("id: x").valid
    made = client.rubrics.create(RUBRIC_YAML)
    assert client.rubrics.yaml("small") == RUBRIC_YAML
    fetched = client.rubrics.get("small", version=made.version)
    assert client.rubrics.create(fetched.rubric).sha256 == made.sha256
    assert [row.version for row in client.rubrics.versions("small")] == [made.version]
    assert "small" in [row.id for row in client.rubrics.list()]
    assert [judge.measured for judge in client.judges.list(rubric="small")] == [None]
    client.rubrics.delete("small", made.version)
    with pytest.raises(ServiceProblem):
        client.rubrics.get("small")


def test_webhooks_are_made_changed_and_deleted(client: Client) -> None:
    """The secret is told once; what is listed has none."""
    made = client.webhooks.create("https://example.com/hook", events=["evaluation.completed"])
    assert made.secret.startswith("whsec_")
    assert client.webhooks.change(made.id, disabled=True).disabled_reason == "asked"
    assert client.webhooks.rotate_secret(made.id).secret != made.secret
    assert [hook.id for hook in client.webhooks.list()] == [made.id]
    assert list(client.webhooks.deliveries(made.id)) == []
    client.webhooks.delete(made.id)


def test_usage_and_health_are_told(client: Client) -> None:
    """What was used, and that it lives and can take work."""
    assert client.usage().tenant == "local"
    assert client.health() == client.ready()


async def test_the_async_client_does_the_same(address: str) -> None:
    """A job and a batch, on an event loop."""
    async with AsyncClient(address) as client:
        job = await client.submit(ANSWER)
        assert (await client.evaluations.wait(job.id, timeout_s=60)).status == "completed"
        batch = await client.batches.create([{"text": ANSWER}])
        assert [found.done async for found in client.batches.follow(batch.id)][-1]
        assert [record.item async for record in client.batches.results(batch.id)]
        assert [row.id async for row in client.rubrics.list()]


def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    """Submits go on while the process is killed and started again: each is one job, and none is lost."""
    first = ServerProcess(tmp_path)
    port = int(first.url.rpartition(":")[2])
    ids: list[str] = []
    restarted: list[ServerProcess] = []

    def submit() -> None:
        with Client(first.url, patience=Patience(total_s=90.0)) as client:
            ids.extend(client.submit(f"{ANSWER} Number {number}.").id for number in range(40))

    try:
        worker = threading.Thread(target=submit)
        worker.start()
        first.kill()
        restarted.append(ServerProcess(tmp_path, port))
        worker.join(120.0)
        with Client(restarted[0].url) as client:
            assert len(set(ids)) == 40
            settled = {client.evaluations.wait(id_, timeout_s=90).status for id_ in ids}
            assert settled == {"completed"}
            assert sorted(row.id for row in client.evaluations.list()) == sorted(ids)
    finally:
        for process in (first, *restarted):
            process.kill()
