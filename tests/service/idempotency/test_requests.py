"""``Idempotency-Key`` over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Annotated

import httpx2
import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from evaluator.batch.database import Database
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.replays import Idempotency
from evaluator.service.idempotency.requests import idempotent
from evaluator.service.problems import Problem, add_problem_handlers
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import Door, allowed
from evaluator.service.tenants.tenancy import Tenancy
from tests.service.conftest import Clock


@dataclass
class _Service:
    door: Door
    idempotency: Idempotency
    made: list[str] = field(default_factory=list[str])


@dataclass
class _Served:
    client: httpx2.AsyncClient
    service: _Service

    async def send(self, body: bytes = b"words", key: str = "k", path: str = "/things") -> httpx2.Response:
        """Send a request with a key."""
        return await self.client.post(path, content=body, headers={"Idempotency-Key": key})


@pytest.fixture
async def served(file_database: Database, clock: Clock) -> AsyncGenerator[_Served]:
    """Yield an application that makes things."""
    app = FastAPI()
    add_problem_handlers(app)

    @app.post("/things")
    @app.post("/others")
    async def make(request: Request, caller: Annotated[Caller, Depends(allowed("evaluations:write"))]) -> Response:  # pyright: ignore[reportUnusedFunction] - the router calls it
        body = await request.body()

        async def work(made_id: str) -> Response:
            if body == b"wrong":
                raise Problem(422, "wrong", "Wrong")
            service.made.append(made_id)
            headers = {"Location": f"/things/{made_id}", "X-Request-Id": f"req_{len(service.made)}"}
            return JSONResponse({"id": made_id, "quote": body.decode()}, 201, headers=headers)

        return await idempotent(request, caller, body, "thing", work)

    tenancy = Tenancy.over(file_database, clock)
    app.state.service = service = _Service(tenancy.door, Idempotency(ClaimStore(file_database, clock)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service") as client:
        yield _Served(client, service)


async def test_a_replay_is_the_first_answer_and_says_so(served: _Served) -> None:
    """Status, type, place and body are the same; the header tells, and what belongs to one exchange isn't repeated."""
    first, second = await served.send(), await served.send()
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    for name in ("content-type", "location", "content-length"):
        assert first.headers[name] == second.headers[name]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "X-Request-Id" not in second.headers
    assert len(served.service.made) == 1


async def test_another_body_route_or_query_is_refused(served: _Served) -> None:
    """422 with a stable code, wherever the difference lies."""
    await served.send()
    for answer in (
        await served.send(b"other words"),
        await served.send(path="/others"),
        await served.send(path="/things?x=1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
        assert "words" not in answer.text


async def test_a_refusal_does_not_bind_the_key(served: _Served) -> None:
    """The mended request is done under the key of the wrong one."""
    assert (await served.send(b"wrong")).status_code == 422
    assert (await served.send(b"right")).status_code == 201


@pytest.mark.parametrize("keys", [["a", "b"], ["a", "a"], [""], ["a" * 256], ["\xe9"]])
async def test_keys_of_a_wrong_form_are_refused(served: _Served, keys: list[str]) -> None:
    """Two keys, none in the header, one too long or not ASCII: 422, and nothing is done."""
    headers = [(b"Idempotency-Key", key.encode("latin-1")) for key in keys]
    answer = await served.client.post("/things", content=b"words", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key")
    assert served.service.made == []


async def test_without_the_header_each_request_makes_its_own(served: _Served) -> None:
    """Nothing is kept, and nothing replayed."""
    answers = [await served.client.post("/things", content=b"words") for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 2
