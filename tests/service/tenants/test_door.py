"""The door, through a real application: who gets in, and what everybody else is told."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypedDict, Unpack

import httpx2
import pytest
from fastapi import Depends, FastAPI, Response

from evaluator.batch.database import Database
from evaluator.service.problems import add_problem_handlers
from evaluator.service.tenants import routes
from evaluator.service.tenants.caller import Caller, Scope
from evaluator.service.tenants.door import allowed
from evaluator.service.tenants.headers import LimitHeaders
from evaluator.service.tenants.limits import Limits
from evaluator.service.tenants.tenancy import Tenancy
from evaluator.service.tenants.tokens import new_token
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback


class _Options(TypedDict, total=False):
    scopes: tuple[Scope, ...]
    expires_s: float


@dataclass
class _Served:
    tenancy: Tenancy
    client: httpx2.AsyncClient

    @property
    def door(self) -> object:
        """Where routes look for the door."""
        return self.tenancy.door

    def key(self, tenant: str = "Acme", limits: Limits | None = None, **options: Unpack[_Options]) -> dict[str, str]:
        """Make a key; return the header that shows it."""
        made = self.tenancy.tenants.ensure(tenant)
        if limits:
            self.tenancy.tenants.limit(made.tenant, limits)
        return {"Authorization": f"Bearer {self.tenancy.keys.create(made.tenant, **options).token}"}


@pytest.fixture
async def served(database: Database, clock: Clock) -> AsyncGenerator[_Served]:
    """Yield an application with a route for each way to answer."""
    app = FastAPI()
    add_problem_handlers(app)
    app.add_middleware(LimitHeaders)
    app.include_router(routes.router)

    @app.get("/model")
    async def model(caller: Annotated[Caller, Depends(allowed("evaluations:read"))]) -> dict[str, str | None]:  # pyright: ignore[reportUnusedFunction] - the router calls it
        return {"tenant": caller.tenant, "key": caller.key}

    @app.post("/response", dependencies=[Depends(allowed("evaluations:write"))])
    async def response() -> Response:  # pyright: ignore[reportUnusedFunction] - the router calls it
        return Response("made", 201)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://service") as client:
        app.state.service = served = _Served(Tenancy.over(database, clock), client)
        yield served


async def test_everybody_is_served_until_there_is_a_key(served: _Served, clock: Clock) -> None:
    """Without keys the caller is `local`; with one, whoever shows none is asked for it."""
    assert (await served.client.get("/model")).json() == {"tenant": "local", "key": None}
    served.key()
    clock.wait(5)
    refused = await served.client.get("/model")
    assert (refused.status_code, refused.json()["code"]) == (401, "key_required")


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-API-Key"])
async def test_a_key_is_shown_in_either_header(served: _Served, name: str) -> None:
    """`Authorization: Bearer` and `X-API-Key` do the same."""
    shown = served.key()["Authorization"]
    value = shown if name.lower() == "authorization" else shown.removeprefix("Bearer ")
    answer = await served.client.get("/model", headers={name: value})
    assert answer.json()["tenant"].startswith("tn_")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer ключ".encode()},
        {"Authorization": b"Bearer \xff\xfe\xe9"},
        {"Authorization": "Bearer " + "a" * 10_240},
        {"Authorization": f"Bearer {new_token('key_' + '0' * 24)}"},
        {"X-API-Key": "ev_live_"},
        {"X-API-Key": b"\xe9\x80\x80"},
    ],
)
async def test_who_shows_no_valid_key_is_told_how(served: _Served, headers: dict[str, str | bytes]) -> None:
    """Nothing that is sent makes it fail: 401, a problem, and the scheme to use."""
    served.key()
    for path, verb in (("/model", "GET"), ("/response", "POST"), ("/v1/usage", "GET")):
        sent = {name.encode(): value if isinstance(value, bytes) else value.encode() for name, value in headers.items()}
        answer = await served.client.request(verb, path, headers=list(sent.items()))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] in {"key_required", "key_refused"}


async def test_who_held_a_key_learns_what_became_of_it(served: _Served, clock: Clock) -> None:
    """A revoked and an expired key are told apart, by whoever shows the whole key; the key isn't repeated."""
    revoked = served.key()
    served.tenancy.keys.revoke(served.tenancy.keys.list()[0].key)
    expired = served.key(expires_s=clock() + 10)
    clock.wait(11)
    told = [await served.client.get("/model", headers=shown) for shown in (revoked, expired)]
    assert {answer.json()["detail"] for answer in told} == {"it was revoked", "it has expired, or was replaced"}
    assert not any("ev_live_" in answer.text for answer in told)


async def test_a_key_without_the_scope_is_refused(served: _Served) -> None:
    """403 names the scope that is missing."""
    shown = served.key(scopes=("evaluations:read",))
    assert (await served.client.get("/model", headers=shown)).status_code == 200
    answer = await served.client.post("/response", headers=shown)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert 'scope="evaluations:write"' in answer.headers["WWW-Authenticate"]


async def test_the_rate_holds_for_all_keys_of_a_tenant_and_no_other(served: _Served, clock: Clock) -> None:
    """Two keys of one tenant share its minute; a third tenant's is its own; after the wait it goes on."""
    one, two = served.key("Acme", Limits(rate_per_minute=3)), served.key("Acme")
    other = served.key("Other", Limits(rate_per_minute=3))
    statuses = [(await served.client.get("/model", headers=shown)).status_code for shown in (one, two, one, two, one)]
    assert statuses == [200, 200, 200, 429, 429]
    assert (await served.client.get("/model", headers=other)).status_code == 200
    refused = await served.client.get("/model", headers=one)
    assert refused.json()["code"] == "rate_limit"
    clock.wait(float(refused.headers["Retry-After"]))
    assert (await served.client.get("/model", headers=one)).status_code == 200


async def test_every_answer_says_what_is_left(served: _Served) -> None:
    """Models, responses of a route's own, refusals and what isn't found alike carry the fields, once each."""
    shown = served.key(limits=Limits(rate_per_minute=3), scopes=("evaluations:read", "evaluations:write"))
    answers = [
        await served.client.get("/model", headers=shown),
        await served.client.post("/response", headers=shown),
        await served.client.get("/v1/usage", headers=shown),
        await served.client.get("/model", headers=shown),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 429]
    assert [answer.headers.get_list("RateLimit-Policy") for answer in answers] == [['"requests";q=3;w=60']] * 4
    left = [answer.headers.get_list("RateLimit") for answer in answers]
    assert [each[0].split(";")[1] for each in left] == ["r=2", "r=1", "r=0", "r=0"]
    assert {len(each) for each in left} == {1}


async def test_without_a_limit_nothing_is_said_of_one(served: _Served) -> None:
    """A tenant that may call as often as it likes gets no such fields."""
    answer = await served.client.get("/model")
    assert "RateLimit" not in answer.headers


async def test_use_is_told_to_its_own_tenant(served: _Served, clock: Clock) -> None:
    """Requests, evaluations, cost, limits and what is left are the caller's, of this month; another sees its own."""
    shown, other = served.key("Acme", Limits(60, 4, 10.0)), served.key("Other")
    tenant = served.tenancy.tenants.find("Acme").tenant
    for _ in range(4):
        await served.client.get("/model", headers=shown)
    served.tenancy.usage.add(tenant, "evaluations", 3)
    served.tenancy.budgets.settle(served.tenancy.budgets.reserve(tenant, 2.0), 1.5)
    served.tenancy.budgets.reserve(tenant, 0.5)
    clock.wait(6)
    assert (await served.client.get("/v1/usage", headers=shown)).json() == {
        "tenant": tenant,
        "month": "2026-11",
        "resets_at": "2026-12-01T00:00:00.000Z",
        "requests": 5,
        "evaluations": 3,
        "cost_usd": 1.5,
        "reserved_usd": 0.5,
        "limits": {"rate_per_minute": 60, "concurrency": 4, "monthly_budget_usd": 10.0},
        "left_usd": 8.0,
    }
    theirs = (await served.client.get("/v1/usage", headers=other)).json()
    assert (theirs["requests"], theirs["evaluations"], theirs["cost_usd"], theirs["left_usd"]) == (1, 0, 0, None)


def test_counts_wait_for_a_database_that_is_away(file_database: Database, tmp_path: Path, clock: Clock) -> None:
    """What couldn't be written is written later, once."""
    usage = Tenancy.over(file_database, clock).usage
    usage.add("tn_a", "requests", 3)
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON sv_months BEGIN SELECT RAISE(ABORT, 'full'); END")
        usage.flush()
        assert usage.used("tn_a").requests == 0
        other.execute("DROP TRIGGER full")
    usage.add("tn_a", "requests")
    assert usage.used("tn_a").requests == 4


async def test_counts_of_two_processes_add_up(database: Database, clock: Clock) -> None:
    """What each counted in memory is added to the month, and counted once."""
    one, two = Tenancy.over(database, clock).usage, Tenancy.over(database, clock).usage
    for _ in range(3):
        one.add("tn_a", "requests")
        two.add("tn_a", "requests", 2)
        two.flush()
    one.flush()
    one.flush()
    assert two.used("tn_a").requests == 9
