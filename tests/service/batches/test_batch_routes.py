"""Tests of ``/v1/batches``, through real sockets and with the real local judge."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Generator, Iterator
from typing import Any

import httpx2
import pytest

from evaluator.batch.records import GradedItem
from evaluator.service.context import Service
from tests.service.running import ANSWER, config_at, running
from tests.waiting import until

pytestmark = pytest.mark.loopback
_URL = "/v1/batches"
_LINES = {"Content-Type": "application/jsonl"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[httpx2.Client, Service]]:
    """One service for the tests of this module."""
    with running(config_at(tmp_path_factory.mktemp("service"))) as parts:
        yield parts


@pytest.fixture
def client(service: tuple[httpx2.Client, Service]) -> httpx2.Client:
    """Speaks to it."""
    return service[0]


def _lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _sent(client: httpx2.Client, body: bytes, **query: str) -> str:
    answer = client.post(_URL, content=body, headers=_LINES, params=query)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{_URL}/{answer.json()['id']}"
    return answer.json()["id"]


def _done(client: httpx2.Client, id_: str) -> dict[str, Any]:
    until(lambda: client.get(f"{_URL}/{id_}").json()["status"] in ("completed", "cancelled"), 60.0)
    return client.get(f"{_URL}/{id_}").json()


def test_every_item_is_a_record_in_its_order(client: httpx2.Client) -> None:
    """What can't be read is a record too, and stands where it was sent."""
    rows = [{"id": "a", "text": ANSWER}, {"id": "b", "text": ""}, {"id": "c", "text": f"{ANSWER} And more."}]
    id_ = _sent(client, _lines(*rows), name_column="id", title="Autumn")
    done = _done(client, id_)
    assert done["title"] == "Autumn"
    assert {name: done["counts"][name] for name in ("items", "completed", "failed", "queued")} == {
        "items": 3,
        "completed": 2,
        "failed": 1,
        "queued": 0,
    }
    records = [json.loads(line) for line in client.get(f"{_URL}/{id_}/results").text.splitlines()]
    assert [record["item"] for record in records] == ["a", "b", "c"]
    assert records[1]["code"] == "transcript"
    assert GradedItem.model_validate(records[0]).evaluation.scorecard.score is not None


def test_a_table_has_no_formula(client: httpx2.Client) -> None:
    """The CSV of a batch holds a row for each item; names that a spreadsheet would run are words."""
    id_ = _sent(client, _lines({"n": "=1+1", "text": ANSWER}), name_column="n")
    _done(client, id_)
    answer = client.get(f"{_URL}/{id_}/results", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["item"] for row in rows] == ["'=1+1"]
    assert rows[0]["status"] == "graded"


def test_progress_is_told_until_the_end(client: httpx2.Client) -> None:
    """The stream of events ends with what the batch is then; an unknown batch is a problem, not a stream."""
    id_ = _sent(client, _lines(*({"text": f"{ANSWER} Number {n}."} for n in range(6))))
    events = list(_events(client, id_))
    assert [name for name, _ in events[:-1]] == ["progress"] * (len(events) - 1)
    name, last = events[-1]
    assert (name, last["status"], last["counts"]["completed"]) == ("done", "completed", 6)
    assert client.get(f"{_URL}/batch_unknown/events").json()["code"] == "not_found"


def test_a_zip_of_files_is_a_batch(client: httpx2.Client) -> None:
    """Whatever `evaluator batch` reads can be sent as a file, with options beside it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("anna.txt", ANSWER)
        archive.writestr("deep/ben.txt", f"{ANSWER} And more.")
    form = {"file": ("all.zip", packed.getvalue()), "options": (None, json.dumps({"title": "Zip"}))}
    answer = client.post(_URL, files=form)
    assert answer.status_code == 202
    done = _done(client, answer.json()["id"])
    assert (done["title"], done["counts"]["completed"]) == ("Zip", 2)


def test_items_are_evaluations_of_the_batch(client: httpx2.Client) -> None:
    """Each can be opened alone, by the filter of the list."""
    id_ = _sent(client, _lines({"who": "p-7", "text": ANSWER}), candidate_column="who")
    _done(client, id_)
    (row,) = client.get("/v1/evaluations", params={"batch": id_}).json()["data"]
    assert (row["candidate"], row["batch"]) == ("p-7", id_)
    assert client.get(f"/v1/evaluations/{row['id']}").json()["evaluation"]["scorecard"]["score"] == row["score"]


def test_a_batch_can_be_cancelled_and_deleted(client: httpx2.Client, service: tuple[httpx2.Client, Service]) -> None:
    """After the deletion neither batch nor item is there, and the file that was sent never is."""
    id_ = _sent(client, _lines(*({"text": f"{ANSWER} Case {n}."} for n in range(40))))
    cancelled = client.post(f"{_URL}/{id_}/cancel").json()
    assert cancelled["status"] == "cancelled"
    counts = cancelled["counts"]
    assert counts["cancelled"] + counts["completed"] == 40
    assert client.delete(f"{_URL}/{id_}").status_code == 204
    assert client.get(f"{_URL}/{id_}").status_code == 404
    assert client.get("/v1/evaluations", params={"batch": id_}).json()["data"] == []
    assert not list(service[1].config.data.glob("incoming-*"))


@pytest.mark.parametrize(
    ("body", "query", "status", "code"),
    [
        (b"", {}, 422, "input"),
        (b'{"x": 1}\n', {}, 422, "input"),
        (_lines({"text": ANSWER}), {"rubric": "nope"}, 422, "unknown_rubric"),
        (_lines({"text": ANSWER}), {"judge": "nope"}, 422, "unknown_judge"),
        (_lines({"text": ANSWER}), {"store": "false"}, 422, "store_required"),
        (_lines({"text": ANSWER}), {"nope": "1"}, 422, "invalid_request"),
    ],
)
def test_what_is_no_batch_is_refused_and_leaves_nothing(
    client: httpx2.Client, body: bytes, query: dict[str, str], status: int, code: str
) -> None:
    """The answer says why, and no batch is there afterwards that wasn't before."""
    before = len(client.get(_URL, params={"limit": 100}).json()["data"])
    answer = client.post(_URL, content=body, headers=_LINES, params=query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "incoming" not in answer.text
    assert len(client.get(_URL, params={"limit": 100}).json()["data"]) == before


def _events(client: httpx2.Client, id_: str) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    with client.stream("GET", f"{_URL}/{id_}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))
