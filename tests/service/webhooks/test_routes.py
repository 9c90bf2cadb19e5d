"""Tests of ``/v1/webhooks``, over the application's own problems, door and wire."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2
import pytest
from fastapi import FastAPI

from evaluator.batch.database import Database
from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.replays import Idempotency
from evaluator.service.problems import add_problem_handlers
from evaluator.service.tables import create_service_tables
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.door import Door
from evaluator.service.tenants.keys import Refusal
from evaluator.service.tenants.tenancy import Tenancy
from evaluator.service.webhooks.courier import Limits
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.parts import Webhooks, open_webhooks
from evaluator.service.webhooks.routes import router
from evaluator.service.webhooks.sealing import Sealer
from evaluator.service.webhooks.sending import Outcome
from evaluator.settings import Settings
from tests.service.webhooks.office import Scripted
from tests.waiting import until

_URL: Final = "https://example.com/hook"
_A: Final = {"Authorization": "Bearer a"}
_B: Final = {"Authorization": "Bearer b"}
_READER: Final = {"Authorization": "Bearer r"}


class _Keys:
    """Three keys: of two tenants, and one that only reads."""

    def caller(self, token: str | None) -> Caller | Refusal:
        """Return whose token it is."""
        match token:
            case "a" | "b":
                return Caller(f"tn_{token}", f"key_{token}", frozenset({"webhooks:read", "webhooks:write"}))
            case "r":
                return Caller("tn_a", "key_r", frozenset({"webhooks:read"}))
            case _:
                return Refusal.MISSING if token is None else Refusal.UNKNOWN

    def recalls(self, token: str | None) -> bool:
        """Return whether `caller` is quick."""
        del token
        return True


@dataclass
class _Service:
    """What the routes of webhooks work with."""

    webhooks: Webhooks
    database: Database
    sender: Scripted
    door: Door
    idempotency: Idempotency
    clock: Callable[[], float] = time.time

    def tell(self, tenant: str = "tn_a", subject: str = "ev_1") -> None:
        """Write one event."""
        self.database.write(
            lambda transaction: self.webhooks.outbox.add(
                transaction, tenant=tenant, type="evaluation.completed", data={"id": subject}
            )
        )


@pytest.fixture
async def service(tmp_path: Path) -> AsyncGenerator[_Service]:
    """Yield the parts of webhooks, over a file, with a sender that obeys."""
    database, sender = Database(tmp_path / "service.sqlite"), Scripted()
    create_service_tables(database)
    webhooks = Webhooks.over(database, Guard(), Sealer(bytes(32)), sender=lambda: sender, limits=Limits(poll_s=0.01))
    tenancy = Tenancy.over(database)
    door = Door(_Keys(), tenancy.tenants, tenancy.rates, tenancy.usage)
    yield _Service(webhooks, database, sender, door, Idempotency(ClaimStore(database)))
    webhooks.courier.close()
    database.close()


@pytest.fixture
async def client(service: _Service) -> AsyncGenerator[httpx2.AsyncClient]:
    """Yield a client of an application with these routes."""
    app = FastAPI(redirect_slashes=False)
    app.state.service = service
    add_problem_handlers(app)
    app.include_router(router)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        yield client


async def _made(client: httpx2.AsyncClient, headers: Mapping[str, str] = _A) -> str:
    answer = await client.post("/v1/webhooks", json={"url": _URL}, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_webhook_is_made_and_its_secret_told_once(client: httpx2.AsyncClient) -> None:
    """The secret is in the answer to the making, which no cache may keep, and in no other."""
    body = {"url": _URL, "events": ["batch.failed"], "description": "Our app"}
    made = await client.post("/v1/webhooks", json=body, headers=_A)
    told = made.json()
    secret = told.pop("secret")
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/webhooks/{told['id']}"
    assert made.headers["cache-control"] == "no-store"
    assert secret.startswith("whsec_")
    assert {name: told[name] for name in body} == body
    found = await client.get(f"/v1/webhooks/{told['id']}", headers=_A)
    listed = await client.get("/v1/webhooks", headers=_A)
    assert found.json() == told
    assert listed.json() == {"data": [told]}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"url": _URL, "more": 1}, "invalid_request"),
        ({"url": _URL, "events": ["evaluation.begun"]}, "invalid_request"),
        ({"url": _URL, "description": "a\x00b"}, "invalid_request"),
        ({"url": "https://169.254.169.254/latest/"}, "webhook_url"),
        ({"url": "http://example.com/"}, "webhook_url"),
        ({"url": "https://a:b@example.com/"}, "webhook_url"),
        ({"url": "\x00"}, "webhook_url"),
    ],
)
async def test_what_cannot_be_a_webhook_is_refused(
    client: httpx2.AsyncClient, body: dict[str, object], code: str
) -> None:
    """422, with a code, the place and a remedy."""
    answer = await client.post("/v1/webhooks", json=body, headers=_A)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["code"] == code
    assert told["remedy"]


async def test_only_so_many_may_be_made(client: httpx2.AsyncClient) -> None:
    """The twenty-first is a conflict."""
    for _ in range(20):
        await _made(client)
    answer = await client.post("/v1/webhooks", json={"url": _URL}, headers=_A)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")


async def test_a_repeated_request_makes_one_webhook(client: httpx2.AsyncClient) -> None:
    """With an Idempotency-Key the same request gets the same answer, secret included; another body is refused."""
    headers = {**_A, "Idempotency-Key": "once"}
    first, again = [await client.post("/v1/webhooks", json={"url": _URL}, headers=headers) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await client.get("/v1/webhooks", headers=_A)).json()["data"]) == 1
    other = await client.post("/v1/webhooks", json={"url": "https://example.org/"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    path = f"/v1/webhooks/{first.json()['id']}"
    for action in ("rotate-secret", "test"):
        answers = [await client.post(f"{path}/{action}", headers=headers | {"Idempotency-Key": action}) for _ in "ab"]
        assert answers[0].json() == answers[1].json()
    assert len((await client.get(f"{path}/deliveries", headers=_A)).json()["data"]) == 1


async def test_a_webhook_changes_and_goes(client: httpx2.AsyncClient) -> None:
    """What is given changes; what is deleted is unknown from then on."""
    path = f"/v1/webhooks/{await _made(client)}"
    changed = await client.patch(path, json={"events": ["batch.completed"], "disabled": True}, headers=_A)
    assert changed.json()["events"] == ["batch.completed"]
    assert changed.json()["disabled_reason"] == "asked"
    assert (await client.patch(path, json={"disabled": False}, headers=_A)).json()["disabled_at"] is None
    refused = await client.patch(path, json={"url": "https://127.0.0.1/"}, headers=_A)
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook_url")
    assert (await client.delete(path, headers=_A)).status_code == 204
    assert (await client.delete(path, headers=_A)).status_code == 404
    assert (await client.get(path, headers=_A)).json()["code"] == "not_found"


async def test_a_secret_is_replaced(client: httpx2.AsyncClient) -> None:
    """Rotation answers with a new secret, with and without a wish for the old one."""
    path = f"/v1/webhooks/{await _made(client)}/rotate-secret"
    first = await client.post(path, headers=_A)
    second = await client.post(path, json={"overlap_s": 0}, headers=_A)
    assert first.status_code == second.status_code == 200
    assert first.json()["secret"] != second.json()["secret"]
    assert second.headers["cache-control"] == "no-store"
    assert (await client.post(path, json={"overlap_s": 86_401}, headers=_A)).status_code == 422


async def test_a_test_is_sent_and_seen(client: httpx2.AsyncClient, service: _Service) -> None:
    """A test event goes out, and its delivery tells what came of it, but nothing that the receiver said."""
    service.sender.answer = lambda _: Outcome(503, "status", 0.25)
    path = f"/v1/webhooks/{await _made(client)}"
    queued = await client.post(f"{path}/test", headers=_A)
    assert queued.status_code == 202
    assert (queued.json()["event"], queued.json()["status"]) == ("webhook.test", "pending")
    service.webhooks.courier.start()
    until(lambda: bool(service.webhooks.deliveries.page("tn_a", path.rpartition("/")[2], status="failed")[0]))
    (delivery,) = (await client.get(f"{path}/deliveries", headers=_A)).json()["data"]
    (attempt,) = delivery.pop("attempts")
    assert attempt.pop("at").endswith("Z")
    assert attempt == {"duration_s": 0.25, "status_code": 503, "error": "status"}
    assert delivery["id"] == queued.json()["id"]
    assert service.sender.sent[0][1]["webhook-id"] == delivery["message"]


async def test_deliveries_are_paged_and_narrowed(client: httpx2.AsyncClient, service: _Service) -> None:
    """Cursors lead from page to page to the end; a status leaves out the others; what is none is refused."""
    path = f"/v1/webhooks/{await _made(client)}/deliveries"
    for number in range(5):
        service.tell(subject=f"ev_{number}")
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        asked = {"limit": "2"} if cursor is None else {"limit": "2", "cursor": cursor}
        page = (await client.get(path, params=asked, headers=_A)).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(set(seen)) == 5
    assert (await client.get(path, params={"status": "failed"}, headers=_A)).json()["data"] == []
    for wrong in ({"status": "lost"}, {"cursor": "x"}, {"limit": "0"}):
        assert (await client.get(path, params=wrong, headers=_A)).status_code == 422


async def test_a_delivery_is_replayed(client: httpx2.AsyncClient, service: _Service) -> None:
    """A replay sends the same message id again; on a disabled webhook it is a conflict."""
    path = f"/v1/webhooks/{await _made(client)}"
    service.tell()
    service.webhooks.courier.start()
    until(lambda: len(service.sender.sent) == 1)
    (delivery,) = (await client.get(f"{path}/deliveries", headers=_A)).json()["data"]
    again = f"{path}/deliveries/{delivery['id']}/replay"
    assert (await client.post(again, headers=_A)).status_code == 202
    until(lambda: len(service.sender.sent) == 2)
    assert len({headers["webhook-id"] for _, headers, _ in service.sender.sent}) == 1
    await client.patch(path, json={"disabled": True}, headers=_A)
    for refused in (again, f"{path}/test"):
        answer = await client.post(refused, headers=_A)
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")


async def test_another_tenant_finds_nothing(client: httpx2.AsyncClient, service: _Service) -> None:
    """Every route with another tenant's ids answers 404 and changes nothing."""
    mine, theirs = await _made(client), await _made(client, _B)
    service.tell()
    (delivery,), _ = service.webhooks.deliveries.page("tn_a", mine)
    before = (await client.get(f"/v1/webhooks/{mine}", headers=_A)).json()
    paths = [
        ("GET", f"/v1/webhooks/{mine}"),
        ("PATCH", f"/v1/webhooks/{mine}"),
        ("DELETE", f"/v1/webhooks/{mine}"),
        ("POST", f"/v1/webhooks/{mine}/rotate-secret"),
        ("POST", f"/v1/webhooks/{mine}/test"),
        ("GET", f"/v1/webhooks/{mine}/deliveries"),
        ("POST", f"/v1/webhooks/{mine}/deliveries/{delivery.id}/replay"),
        ("POST", f"/v1/webhooks/{theirs}/deliveries/{delivery.id}/replay"),
    ]
    for method, path in paths:
        answer = await client.request(method, path, headers=_B, json={"disabled": True} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert (await client.get(f"/v1/webhooks/{mine}", headers=_A)).json() == before
    assert service.webhooks.deliveries.get("tn_a", mine, delivery.id) == delivery


async def test_scopes_are_asked_for(client: httpx2.AsyncClient) -> None:
    """A key that reads may not write, and without a key nothing goes."""
    path = f"/v1/webhooks/{await _made(client)}"
    assert (await client.get(path, headers=_READER)).status_code == 200
    assert (await client.get(f"{path}/deliveries", headers=_READER)).status_code == 200
    for method, where in (
        ("POST", "/v1/webhooks"),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
        ("POST", f"{path}/rotate-secret"),
        ("POST", f"{path}/deliveries/wd_1/replay"),
    ):
        answer = await client.request(method, where, headers=_READER)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), where
        assert (await client.request(method, where)).status_code == 401


@pytest.mark.parametrize("id_", ["a%00b", "%F0%9F%8E%89", "a" * 65, "a%20b", "..%2f"])
async def test_an_odd_id_is_no_failure(client: httpx2.AsyncClient, id_: str) -> None:
    """Whatever stands in the path, the answer is the caller's fault, not the service's."""
    assert (await client.get(f"/v1/webhooks/{id_}", headers=_A)).status_code in {404, 422}


def test_the_service_opens_its_webhooks_as_configured(tmp_path: Path) -> None:
    """The operator's networks and key decide; without a key one is made in the data folder, and found again."""
    database = Database(tmp_path / "service.sqlite")
    create_service_tables(database)
    config = ServiceConfig(data=tmp_path, settings=Settings(), webhook_networks=("10.20.0.0/16",))
    endpoint, _ = open_webhooks(database, config).endpoints.create("tn_a", "http://10.20.0.1:8080/")
    assert (tmp_path / "webhooks.key").exists()
    assert open_webhooks(database, config).endpoints.get("tn_a", endpoint.id) == endpoint
    database.close()


def test_the_application_offers_the_routes(tmp_path: Path) -> None:
    """They are in the OpenAPI of the service."""
    paths = create_app(ServiceConfig(data=tmp_path, settings=Settings())).openapi()["paths"]
    assert {path for path in paths if path.startswith("/v1/webhooks")} == {
        "/v1/webhooks",
        "/v1/webhooks/{id}",
        "/v1/webhooks/{id}/rotate-secret",
        "/v1/webhooks/{id}/test",
        "/v1/webhooks/{id}/deliveries",
        "/v1/webhooks/{id}/deliveries/{delivery}/replay",
    }
