"""Tests of the client's patience, errors and streams, against a service that a test makes up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.client import (
    AsyncClient,
    Client,
    NotSettled,
    Patience,
    ServiceProblem,
    ServiceUnreachable,
    UnreadableAnswer,
)
from evaluator.errors import EvaluatorError, OptionError

_QUICK: Final = Patience(total_s=5.0, first_wait_s=0.001, longest_wait_s=0.002, longest_retry_after_s=2.0)
_JOB: Final[dict[str, Any]] = {
    "id": "eval_1",
    "object": "evaluation",
    "status": "queued",
    "stored": True,
    "created_at": "2026-11-23T10:15:00.000Z",
    "rubric": "r",
    "judge": "local",
}
_BATCH: Final[dict[str, Any]] = {
    "id": "batch_1",
    "object": "batch",
    "status": "running",
    "rubric": "r",
    "judge": "local",
    "created_at": "2026-11-23T10:15:00.000Z",
    "expires_at": "2026-12-23T10:15:00.000Z",
    "counts": {
        "items": 2,
        "queued": 1,
        "completed": 1,
        "needs_review": 0,
        "failed": 0,
        "cancelled": 0,
        "cost_usd": 0.0,
    },
}
_DONE: Final = {**_BATCH, "status": "completed", "counts": {**_BATCH["counts"], "queued": 0, "completed": 2}}


class _Service:
    """Answers with what it was given, one after the other, and remembers what it was asked."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self._answers: Iterator[httpx2.Response | Exception] = iter(answers)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, patience: Patience = _QUICK) -> Client:
        return Client("http://service", key="key_1", patience=patience, transport=httpx2.MockTransport(self))

    @property
    def keys(self) -> set[str | None]:
        return {request.headers.get("idempotency-key") for request in self.asked}


def _problem(status: int, code: str = "overloaded", **headers: str) -> httpx2.Response:
    body = {"type": f"urn:evaluator:problem:{code}", "title": "No", "status": status, "code": code, "where": "here"}
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, json=body, headers={"content-type": "application/problem+json", **told})


_PASSING: Final[list[Callable[[], httpx2.Response | Exception]]] = [
    lambda: httpx2.ConnectError("refused"),
    lambda: httpx2.ReadError("reset"),
    lambda: httpx2.RemoteProtocolError("gone"),
    lambda: _problem(503),
    lambda: _problem(429, "rate_limited", retry_after="0"),
    lambda: _problem(409, "idempotency_in_progress", retry_after="0"),
]


@pytest.mark.parametrize("failure", _PASSING)
def test_a_post_is_repeated_with_one_key(failure: Callable[[], httpx2.Response | Exception]) -> None:
    """Whatever may pass is tried again, and the service can tell that it is the same request."""
    service = _Service(failure(), failure(), httpx2.Response(202, json=_JOB))
    with service.client() as client:
        assert client.submit("Candidate: hello").id == "eval_1"
    assert len(service.asked) == 3
    assert len(service.keys) == 1
    assert None not in service.keys
    assert {request.content for request in service.asked} == {service.asked[0].content}


def test_two_calls_have_two_keys_unless_told() -> None:
    """Two transcripts are two jobs; a key of the caller's own makes a repetition of theirs safe too."""
    service = _Service(*(httpx2.Response(202, json=_JOB) for _ in range(3)))
    with service.client() as client:
        client.submit("a")
        client.submit("a")
        client.submit("a", idempotency_key="mine")
    assert len(service.keys) == 3
    assert "mine" in service.keys


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 415, 422, 500, 502, 504])
def test_what_will_not_pass_is_not_repeated(status: int) -> None:
    """A refusal comes at once, as a typed error with the problem's parts."""
    service = _Service(_problem(status, "some_code", x_request_id="req_1"))
    with service.client() as client, pytest.raises(ServiceProblem) as caught:
        client.submit("a")
    error = caught.value
    assert (error.status, error.code, error.where, error.request_id) == (status, "some_code", "here", "req_1")
    assert isinstance(error, EvaluatorError)
    assert len(service.asked) == 1


def test_a_wish_to_wait_is_honoured_within_a_limit() -> None:
    """A service that asks for a moment is waited for; one that asks for an hour is the caller's to decide on."""
    service = _Service(_problem(429, "rate_limited", retry_after="3600"))
    with service.client() as client, pytest.raises(ServiceProblem) as caught:
        client.submit("a")
    assert caught.value.retry_after_s == 3600.0
    assert len(service.asked) == 1


def test_patience_ends() -> None:
    """A service that stays away is an error of the network, once the patience is over."""
    service = _Service(*(httpx2.ConnectError("refused") for _ in range(2)))
    with service.client(Patience(total_s=0.0)) as client, pytest.raises(ServiceUnreachable):
        client.health()


def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    """If the first try deleted and its answer never came, not to find it again is what was asked for."""
    service = _Service(httpx2.ReadError("reset"), _problem(404, "not_found"))
    with service.client() as client:
        client.evaluations.delete("eval_1")
    other = _Service(_problem(404, "not_found"))
    with other.client() as client, pytest.raises(ServiceProblem):
        client.evaluations.delete("eval_1")


def test_an_answer_of_somebody_else_is_told_apart() -> None:
    """A page of a proxy is no problem of the service's, and a strange success is no result."""
    service = _Service(httpx2.Response(502, html="<h1>Bad gateway</h1>"), httpx2.Response(200, text="hello"))
    with service.client() as client:
        with pytest.raises(ServiceProblem) as caught:
            client.health()
        assert (caught.value.status, caught.value.code) == (502, "http")
        with pytest.raises(UnreadableAnswer):
            client.health()


def test_redirects_are_not_followed() -> None:
    """The key is shown to the address that was given and to no other."""
    service = _Service(httpx2.Response(307, headers={"location": "http://elsewhere/"}))
    with service.client() as client, pytest.raises(ServiceProblem):
        client.health()
    assert [request.url.host for request in service.asked] == ["service"]


def test_members_that_a_newer_service_adds_are_passed_over() -> None:
    """An older client reads a newer service."""
    service = _Service(httpx2.Response(200, json={**_JOB, "of_tomorrow": {"x": 1}}))
    with service.client() as client:
        assert client.evaluations.get("eval_1").status == "queued"


def test_waiting_ends_when_the_job_is_settled_or_the_time_is_over() -> None:
    """A job is looked at until it is judged; past the time it goes on without us."""
    done = {**_JOB, "status": "failed", "problem": {"code": "transcript", "message": "No.", "again": False}}
    service = _Service(*(httpx2.Response(200, json=body) for body in (_JOB, _JOB, done, _JOB)))
    with service.client() as client:
        assert client.evaluations.wait("eval_1").status == "failed"
        with pytest.raises(NotSettled):
            client.evaluations.wait("eval_1", timeout_s=0.0)


def test_lists_go_from_page_to_page() -> None:
    """All pages are walked, each asked for when it is needed, with the cursor of the one before."""
    pages = [
        {"data": [{**_JOB, "id": "a"}, {**_JOB, "id": "b"}], "next_cursor": "x"},
        {"data": [{**_JOB, "id": "c"}], "next_cursor": None},
    ]
    service = _Service(*(httpx2.Response(200, json=page) for page in pages))
    with service.client() as client:
        listed = client.evaluations.list(status="queued", needs_review=False)
        assert next(listed).id == "a"
        assert len(service.asked) == 1
        assert [row.id for row in listed] == ["b", "c"]
    assert [request.url.params.get("cursor") for request in service.asked] == [None, "x"]
    assert service.asked[0].url.params["needs_review"] == "false"


def _events(*events: tuple[str, dict[str, Any]]) -> httpx2.Response:
    text = "".join(f": ping\n\nevent: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    return httpx2.Response(200, text=text, headers={"content-type": "text/event-stream"})


def test_a_stream_that_breaks_off_is_taken_up_again() -> None:
    """A server that restarts while a batch is followed ends nothing: the last word is `done`."""
    service = _Service(
        _events(("progress", _BATCH)),
        httpx2.ConnectError("refused"),
        _events(("progress", _BATCH), ("done", _DONE)),
    )
    with service.client() as client:
        followed = list(client.batches.follow("batch_1"))
    assert [batch.done for batch in followed] == [False, False, True]


async def test_the_async_client_is_as_patient() -> None:
    """The same failures pass, with one key, on an event loop; streams and pages likewise."""
    service = _Service(
        httpx2.ConnectError("refused"),
        _problem(503),
        httpx2.Response(202, json=_JOB),
        _events(("progress", _BATCH)),
        _events(("done", _DONE)),
        httpx2.Response(200, json={"data": [_JOB], "next_cursor": None}),
        httpx2.ReadError("reset"),
        _problem(404, "not_found"),
    )
    transport = httpx2.MockTransport(service)
    async with AsyncClient("http://service", patience=_QUICK, transport=transport) as client:
        assert (await client.submit("a")).id == "eval_1"
        assert len(service.keys) == 1
        assert [batch.done async for batch in client.batches.follow("batch_1")] == [False, True]
        assert [row.id async for row in client.evaluations.list()] == ["eval_1"]
        await client.evaluations.delete("eval_1")


@given(st.text(min_size=1, max_size=40))
def test_an_id_stays_one_part_of_the_path(id_: str) -> None:
    """Whatever stands for an id, the request goes to that resource and to no other path of the service."""
    service = _Service(_problem(404, "not_found"))
    with service.client() as client, pytest.raises(ServiceProblem):
        client.evaluations.get(id_)
    raw = service.asked[0].url.raw_path.decode()
    assert raw.startswith("/v1/evaluations/")
    assert raw.count("/") == 3
    assert "?" not in raw
    assert "." not in raw


@pytest.mark.parametrize("address", ["", "service:8000", "ftp://service", "http://", "http://[::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    """At once, before anything is sent."""
    with pytest.raises(OptionError):
        Client(address)


@pytest.mark.parametrize("key", ["", "key\nX-Other: 1", "schlüssel"])
def test_what_is_no_key_is_refused_without_repeating_it(key: str) -> None:
    """A key that no header can hold is a mistake, and stands in no message."""
    with pytest.raises(OptionError) as caught:
        Client("http://service", key=key)
    assert not key or key not in str(caught.value)


def test_exactly_one_form_of_a_transcript_is_given() -> None:
    """Neither none nor two."""
    with _Service().client() as client:
        with pytest.raises(OptionError):
            client.evaluate()
        with pytest.raises(OptionError):
            client.evaluate("a", turns=[])
