"""Tests of what stands around the application: ids, lines in the log, figures, and where a defect ends."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator
from typing import Annotated

import httpx2
import pytest
from fastapi import FastAPI, Path, Request
from starlette.types import Message, Send

from evaluator.errors import TranscriptError
from evaluator.service.problems import Problem, add_problem_handlers
from evaluator.service.telemetry.metrics import Metrics
from evaluator.service.telemetry.watched import Watched
from evaluator.service.tenants.caller import Caller

_SAID = "words-that-only-the-candidate-said"


def _app(metrics: Metrics) -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    ticks = iter(range(100))
    app.add_middleware(Watched, metrics=metrics, clock=lambda: next(ticks) / 4)

    @app.get("/v1/things/{id}")
    async def thing(request: Request, id: Annotated[str, Path()]) -> dict[str, str]:  # noqa: A002 - its name in the path
        request.state.caller = Caller("tn_1", "key_1", frozenset())
        return {"id": id, "request_id": request.state.request_id}

    @app.post("/v1/things")
    async def make() -> None:
        raise TranscriptError("the transcript is empty", where="line 1")

    @app.get("/forbidden")
    async def forbidden() -> None:
        raise Problem(403, "scope_missing", "The key doesn't allow this")

    @app.get("/defect")
    async def defect() -> None:
        raise ZeroDivisionError(_SAID)

    return app


@pytest.fixture
def metrics() -> Metrics:
    """Return figures at zero."""
    return Metrics((), (), process=False)


@pytest.fixture
async def client(metrics: Metrics) -> AsyncGenerator[httpx2.AsyncClient]:
    """Return a client of the watched application."""
    transport = httpx2.ASGITransport(app=_app(metrics))
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    names = ("request_id", "method", "route", "status", "duration_ms", "tenant", "key", "code")
    return [
        {"event": record.msg} | {name: getattr(record, name) for name in names if hasattr(record, name)}
        for record in caplog.records
        if record.name.startswith("evaluator")
    ]


async def test_every_answer_has_an_id(client: httpx2.AsyncClient) -> None:
    """One that the client gave comes back if it is one harmless word; else there is a new one; errors name it, too."""
    assert (await client.get("/v1/things/1", headers={"X-Request-Id": "trace-0123.abc"})).json() == {
        "id": "1",
        "request_id": "trace-0123.abc",
    }
    for bad in ("short", "x" * 65, "two words here", 'quote"quote"', "ünïcödé-word", "<script>alert(1)"):
        answer = await client.get("/v1/things/1", headers=[(b"X-Request-Id", bad.encode())])
        assert re.fullmatch(r"req_[0-9a-f]{24}", answer.headers["x-request-id"])
    for method, path, status in (
        ("POST", "/v1/things", 422),
        ("GET", "/nowhere", 404),
        ("GET", "/forbidden", 403),
        ("GET", "/defect", 500),
        ("DELETE", "/v1/things/1", 405),
    ):
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_one_line_for_each_request(client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """It tells route, status, time, tenant and key; never the path, the query, a header or a body."""
    caplog.set_level(logging.INFO, "evaluator")
    await client.get(f"/v1/things/{_SAID}?question={_SAID}", headers={"X-Request-Id": "trace-0123"})
    assert _lines(caplog) == [
        {
            "event": "request",
            "request_id": "trace-0123",
            "method": "GET",
            "route": "/v1/things/{id}",
            "status": 200,
            "duration_ms": 250.0,
            "tenant": "tn_1",
            "key": "key_1",
        }
    ]
    assert _SAID not in caplog.text


async def test_requests_are_timed_by_route(client: httpx2.AsyncClient, metrics: Metrics) -> None:
    """Paths of one route count together, and those of none count as one."""
    for path in ("/v1/things/1", "/v1/things/2", "/nowhere", "/elsewhere"):
        await client.get(path)
    text = metrics.render()[0].decode()
    prefix = "evaluator_http_request_duration_seconds_count"
    assert f'{prefix}{{method="GET",route="/v1/things/{{id}}",status="200"}} 2.0' in text
    assert f'{prefix}{{method="GET",route="unmatched",status="404"}} 2.0' in text
    assert "evaluator_http_requests_in_flight 0.0" in text


async def test_a_defect_ends_here(client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered as a problem without details and logged by its class; it never reaches the server's own log."""
    answer = await client.get("/defect")
    assert (answer.status_code, answer.json()["code"]) == (500, "defect")
    assert _SAID not in answer.text + caplog.text
    assert [line["code"] for line in _lines(caplog) if line["event"] == "defect"] == ["ZeroDivisionError"]


async def test_an_answer_that_breaks_off_is_a_failure(metrics: Metrics, caplog: pytest.LogCaptureFixture) -> None:
    """Where the answer had begun, no second one is sent, and it counts as a 500."""
    sent: list[str] = []

    async def broken(scope: object, receive: object, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError(_SAID)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await Watched(broken, metrics)({"type": "http", "method": "GET", "headers": []}, _nothing, send)
    assert sent == ["http.response.start"]
    assert 'status="500"' in metrics.render()[0].decode()
    assert _SAID not in caplog.text


async def test_a_client_that_goes_is_told_apart(metrics: Metrics) -> None:
    """A request that nobody waits for, and that gets no answer, counts as 499."""

    async def silent(*_: object) -> None:
        return

    async def send(message: Message) -> None:
        raise AssertionError(message)

    await Watched(silent, metrics)({"type": "http", "method": "GET", "headers": []}, _nothing, send)
    assert 'route="unmatched",status="499"' in metrics.render()[0].decode()


async def test_what_is_no_request_passes() -> None:
    """Other kinds of connection, and the application's begin and end, are not looked at."""
    seen: list[str] = []

    async def app(scope: Message, receive: object, send: object) -> None:
        del receive, send
        seen.append(scope["type"])

    watched = Watched(app, Metrics((), (), process=False))
    await watched({"type": "lifespan"}, None, None)  # pyright: ignore[reportArgumentType] - neither is used
    assert seen == ["lifespan"]
