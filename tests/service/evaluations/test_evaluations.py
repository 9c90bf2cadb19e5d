"""Tests of ``/v1/evaluations``, through real sockets and with the real local judge."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from evaluator import evaluate
from evaluator.service.context import Service
from evaluator.transcripts import parse_transcript
from evaluator.values.evaluation import Evaluation
from tests.service.running import ANSWER, config_at, evaluation_body, running
from tests.waiting import until

pytestmark = pytest.mark.loopback
_URL = "/v1/evaluations"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[httpx2.Client, Service]]:
    """One service for the tests of this module."""
    with running(config_at(tmp_path_factory.mktemp("service"), max_body_bytes=1_000_000)) as parts:
        yield parts


@pytest.fixture
def client(service: tuple[httpx2.Client, Service]) -> httpx2.Client:
    """Speaks to it."""
    return service[0]


def test_an_answer_is_what_the_one_path_gives(client: httpx2.Client) -> None:
    """The evaluation over HTTP is the library's, but for how long it took."""
    answer = client.post(_URL, json={"transcript": ANSWER})
    assert answer.status_code == 200
    told = Evaluation.model_validate(answer.json()["evaluation"])
    here = evaluate(parse_transcript(ANSWER))
    assert told.model_copy(update={"usage": here.usage}) == here
    assert answer.json()["score"] == here.scorecard.score


def test_nothing_is_kept_unless_asked(client: httpx2.Client, service: tuple[httpx2.Client, Service]) -> None:
    """Neither row nor byte of a transcript stays in the data folder without `store`."""
    rare = "Zanzibarquokka"
    for members in ({}, {"store": False}):
        answer = client.post(_URL, json={"transcript": f"{ANSWER} {rare}", **members}).json()
        assert answer["stored"] is False
        assert answer["expires_at"] is None
        assert client.get(f"{_URL}/{answer['id']}").status_code == 404
    assert not _holding(service[1].config.data, rare)


def test_what_is_stored_can_be_fetched_and_is_gone_when_deleted(
    client: httpx2.Client, service: tuple[httpx2.Client, Service]
) -> None:
    """Deleted means that no file of the data folder holds the words any more."""
    asked = evaluation_body(1, store=True, candidate="c-1", metadata={"cohort": "Wombatxylophone"})
    made = client.post(_URL, json=asked).json()
    assert made["stored"] is True
    assert client.get(f"{_URL}/{made['id']}").json() == made
    assert _holding(service[1].config.data, "Wombatxylophone")
    assert client.delete(f"{_URL}/{made['id']}").status_code == 204
    assert client.get(f"{_URL}/{made['id']}").status_code == 404
    assert client.delete(f"{_URL}/{made['id']}").status_code == 404
    service[1].database.empty_log()
    assert not _holding(service[1].config.data, "Wombatxylophone")


def test_a_job_answers_at_once_and_is_judged_later(client: httpx2.Client) -> None:
    """`Prefer: respond-async` gives 202 with a place to look, and the result comes there."""
    answer = client.post(_URL, json=evaluation_body(2), headers={"Prefer": "respond-async, wait=5"})
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    place = answer.headers["location"]
    until(lambda: client.get(place).json()["status"] == "completed")
    judged = client.get(place).json()
    assert Evaluation.model_validate(judged["evaluation"]).scorecard.score == judged["score"]


def test_a_job_that_must_not_be_stored_is_refused(client: httpx2.Client) -> None:
    """`store: false` is honoured: what nobody may keep can't wait for anybody."""
    answer = client.post(_URL, json=evaluation_body(store=False), headers={"Prefer": "respond-async"})
    assert (answer.status_code, answer.json()["code"]) == (422, "store_required")


def test_lists_are_paged_and_narrowed(client: httpx2.Client) -> None:
    """Every row comes once, newest first, and filters leave the others out."""
    ids = [
        client.post(_URL, json=evaluation_body(number, store=True, candidate="pager")).json()["id"]
        for number in range(5)
    ]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"candidate": "pager", "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get(_URL, params=query).json()
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert client.get(_URL, params={"candidate": "nobody"}).json()["data"] == []


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"{", "invalid_request", "body"),
        (b"[" * 1000 + b"]" * 1000, "invalid_request", "body"),
        (b"{}", "invalid_request", "body"),
        (b'{"transcript": "x", "turns": [{"role": "candidate", "text": "x"}]}', "invalid_request", "body"),
        (b'{"transcript": ""}', "invalid_request", "transcript"),
        (b'{"transcript": "  "}', "transcript", "transcript, line 1"),
        (b'{"transcript": "Candidate: hm", "rubric": "nope"}', "unknown_rubric", "rubric"),
        (b'{"transcript": "Candidate: hm", "judge": "openai"}', "unknown_judge", "judge"),
        (b'{"transcript": "Candidate: hm", "format": "nope"}', "transcript", None),
        (b'{"turns": [{"role": "candidate"}]}', "transcript", None),
        (b'{"transcript": "Candidate: hm", "score": 100}', "invalid_request", "score"),
        (b"\xff\xfe", "invalid_request", "body"),
    ],
)
def test_bad_input_is_told_with_its_place(client: httpx2.Client, body: bytes, code: str, where: str | None) -> None:
    """Each is a problem of RFC 9457 with a stable code."""
    answer = client.post(_URL, content=body, headers={"Content-Type": "application/json"})
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["code"] == code
    assert told["status"] == answer.status_code
    assert told["type"] == f"urn:evaluator:problem:{code}"
    if where is not None:
        assert told["where"] == where
    assert "/home" not in answer.text
    assert "Traceback" not in answer.text


def test_bodies_that_are_too_large_packed_or_of_another_kind_are_refused(client: httpx2.Client) -> None:
    """413, 422 and 415, each before anything is judged."""
    large = json.dumps({"transcript": "x" * 1_100_000}).encode()
    assert client.post(_URL, content=large, headers={"Content-Type": "application/json"}).status_code == 413
    pieces = (b"x" * 65_536 for _ in range(40))
    assert client.post(_URL, content=pieces, headers={"Content-Type": "application/json"}).status_code == 413
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert client.post(_URL, content=b"\x1f\x8b", headers=packed).json()["code"] == "content_encoding"
    assert client.post(_URL, content=b"hello", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_file_in_any_form_is_read(client: httpx2.Client) -> None:
    """A form with a WebVTT file is judged as such; what isn't part of the form is refused."""
    captions = b"WEBVTT\n\n00:00.000 --> 00:09.000\n<v Candidate>I would measure weekly retention of new members.\n"
    form = {"file": ("answer.vtt", captions), "options": (None, json.dumps({"speaker": "Candidate"}))}
    answer = client.post(_URL, files=form)
    assert answer.status_code == 200
    assert answer.json()["evaluation"]["transcript"]["format"] == "vtt"
    assert client.post(_URL, files={"file": ("a.txt", b"hm"), "more": (None, "x")}).json()["where"] == "file"
    assert client.post(_URL, files={"options": (None, "{}")}).json()["where"] == "file"


def test_unknown_places_and_ways_are_problems_too(client: httpx2.Client) -> None:
    """404 and 405 look like every other problem."""
    for method, path, code in (("GET", "/nope", "not_found"), ("PUT", _URL, "method_not_allowed")):
        told = client.request(method, path)
        assert told.json()["code"] == code
        assert told.headers["content-type"] == "application/problem+json"
    assert client.get(_URL, params={"cursor": "nope"}).json()["code"] == "cursor"


def _holding(folder: Path, words: str) -> list[str]:
    """Return the files of a folder that hold some words."""
    return [path.name for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]
