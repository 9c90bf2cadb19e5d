"""Tests of tenants against each other: whatever route and verb the service has, with the ids of somebody else."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from evaluator.batch.database import Transaction
from evaluator.service.context import Service
from tests.fakes import RUBRIC_YAML
from tests.service.running import evaluation_body
from tests.service.serving import config_in, in_memory
from tests.waiting import until

pytestmark = pytest.mark.loopback

_WORD: Final = "Zanzibar"  # said in what one tenant stores, and nowhere else
_REVIEW: Final = {"verdict": "absent", "reason": f"It is named in the second sentence: {_WORD}."}
_BODIES: Final[dict[tuple[str, str], object]] = {
    ("put", "/v1/evaluations/{id}/reviews/{criterion}"): {**_REVIEW, "verdict": "present", "reason": "Stolen."},
    ("patch", "/v1/webhooks/{id}"): {"description": "Stolen"},
    ("post", "/v1/webhooks/{id}/rotate-secret"): {"overlap_s": 0},
}
_WITHOUT_IDS: Final = {  # each has its own test below, or holds nothing of a tenant
    "/v1/evaluations",
    "/v1/batches",
    "/v1/rubrics",
    "/v1/rubrics/validate",
    "/v1/judges",
    "/v1/reviews/labels",
    "/v1/agreement",
    "/v1/usage",
    "/v1/webhooks",
    "/healthz",
    "/readyz",
    "/metrics",
}


@dataclass(frozen=True, slots=True)
class _House:
    """A service with two tenants, of whom the first has something of everything.

    Attributes:
        client: Speaks to it, without a key.
        service: What is inside.
        owner: Headers of the first tenant.
        other: Headers of the second one.
        ids: Of what the first one has, by the beginning of the paths where it stands.
        tenant: Id of the first one.
    """

    client: httpx2.AsyncClient
    service: Service
    owner: Mapping[str, str]
    other: Mapping[str, str]
    ids: Mapping[str, Mapping[str, str]]
    tenant: str

    async def ask(self, verb: str, path: str, who: Mapping[str, str], ids: Mapping[str, str]) -> httpx2.Response:
        """Ask for a route with some ids."""
        body = _BODIES.get((verb, path))
        return await self.client.request(verb.upper(), path.format(**ids), headers=dict(who), json=body, timeout=60.0)

    def routes(self, paths: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, Mapping[str, str]]]:
        """Return every verb of every path with ids, deletions last and the deepest first, with the owner's ids."""
        found = [(verb, path) for path, verbs in paths.items() if "{" in path for verb in verbs]
        found.sort(key=lambda row: (row[0] == "delete", -row[1].count("/"), row))
        return [(verb, path, self.ids["/".join(path.split("/")[:3])]) for verb, path in found]

    def kept(self) -> dict[str, list[str]]:
        """Return every row of the owner, by table."""

        def rows(transaction: Transaction) -> dict[str, list[str]]:
            names = [name for (name,) in transaction.rows("SELECT name FROM sqlite_master WHERE name LIKE 'sv_%'")]
            counted = "sv_months"  # its counts are written now and then, whoever asked
            tables = [name for name in names if "_by_" not in name and not name.endswith("_due") and name != counted]
            of_owner = "SELECT * FROM {} WHERE tenant = :tenant"
            return {
                name: sorted(map(repr, transaction.rows(of_owner.format(name), {"tenant": self.tenant})))
                for name in tables
            }

        return self.service.database.read(rows)


@asynccontextmanager
async def _house(folder: Path) -> AsyncGenerator[_House]:
    """Open a service where the first of two tenants has something of everything."""
    async with in_memory(config_in(folder)) as (client, service):
        keys = {
            name: service.tenancy.keys.create(service.tenancy.tenants.ensure(name).tenant, scopes=["admin"]).token
            for name in ("owner", "other")
        }
        owner, other = ({"Authorization": f"Bearer {keys[name]}"} for name in ("owner", "other"))
        service.webhooks.courier.close()  # or what it tries changes rows by itself
        body = evaluation_body(store=True, candidate=_WORD, metadata={"note": _WORD})
        made = (await client.post("/v1/evaluations", json=body, headers=owner, timeout=60.0)).json()
        review = await client.put(f"/v1/evaluations/{made['id']}/reviews/vanity_metric", json=_REVIEW, headers=owner)
        assert review.status_code == 200, review.text
        rubric = await client.post(
            "/v1/rubrics", content=RUBRIC_YAML, headers={**owner, "Content-Type": "application/yaml"}
        )
        hook = (await client.post("/v1/webhooks", json={"url": "https://93.184.215.14/"}, headers=owner)).json()
        sent = (await client.post(f"/v1/webhooks/{hook['id']}/test", headers=owner)).json()
        line = json.dumps({"name": _WORD, "text": evaluation_body(1)["transcript"]})
        batch = (
            await client.post("/v1/batches", content=line, headers={**owner, "Content-Type": "application/jsonl"})
        ).json()
        tenant = service.tenancy.tenants.find("owner").tenant
        until(lambda: (found := service.batches.get(tenant, batch["id"])) is not None and bool(found.settled_at), 60.0)
        ids = {
            "/v1/evaluations": {"id": made["id"], "criterion": "vanity_metric"},
            "/v1/batches": {"id": batch["id"]},
            "/v1/rubrics": {"id": rubric.json()["id"], "version": rubric.json()["version"]},
            "/v1/webhooks": {"id": hook["id"], "delivery": sent["id"]},
        }
        yield _House(client, service, owner, other, ids, tenant)


async def test_every_route_and_verb_knows_no_foreign_id(tmp_path: Path) -> None:
    """Whatever is asked of somebody else's thing, it is as unknown as one that never was; nothing is read or written.

    Its owner is then answered by the same routes with the same ids, so that nothing was refused for another reason.
    """
    async with _house(tmp_path) as house:
        paths = (await house.client.get("/openapi.json")).json()["paths"]
        routes, before = house.routes(paths), house.kept()
        assert len(routes) >= 20
        for verb, path, ids in routes:
            foreign = await house.ask(verb, path, house.other, ids)
            unknown = await house.ask(verb, path, house.other, {name: f"{ids[name][:-4]}0000" for name in ids})
            told = [{**answer.json(), "request_id": None} for answer in (foreign, unknown)]
            assert foreign.status_code == unknown.status_code == 404, (verb, path, foreign.text)
            assert told[0] == told[1], (verb, path)
            assert _WORD not in foreign.text
        assert house.kept() == before
        for verb, path, ids in routes:
            owned = await house.ask(verb, path, house.owner, ids)
            assert owned.status_code < 300, (verb, path, owned.text)


async def test_lists_and_figures_hold_only_what_is_the_callers_own(tmp_path: Path) -> None:
    """Every route without an id in its path is empty for a tenant that has nothing, even if it names a foreign id."""
    async with _house(tmp_path) as house:
        client, other, ids = house.client, dict(house.other), house.ids
        paths = (await client.get("/openapi.json")).json()["paths"]
        assert {path for path in paths if "{" not in path} <= _WITHOUT_IDS, "a new route: test it here"
        rubric, batch = ids["/v1/rubrics"]["id"], ids["/v1/batches"]["id"]
        empty = [
            "/v1/evaluations",
            f"/v1/evaluations?batch={batch}",
            f"/v1/evaluations?candidate={_WORD}",
            "/v1/batches",
            "/v1/webhooks",
        ]
        for path in empty:
            assert (await client.get(path, headers=other)).json()["data"] == [], path
        assert (await client.get("/v1/reviews/labels", headers=other)).text == ""
        listed = (await client.get("/v1/rubrics", headers=other)).json()["data"]
        assert rubric not in {row["id"] for row in listed}
        used = (await client.get("/v1/usage", headers=other)).json()
        assert (used["evaluations"], used["tenant"] == house.tenant) == (0, False)
        measured = await client.post("/v1/agreement", json={"source": "reviews"}, headers=other)
        assert measured.status_code == 404, measured.text
        assert _WORD not in measured.text


async def test_no_request_can_use_a_foreign_rubric(tmp_path: Path) -> None:
    """A rubric of somebody else is as unknown as one that never was, wherever one is named."""
    async with _house(tmp_path) as house:
        other, lines = dict(house.other), {**house.other, "Content-Type": "application/jsonl"}
        line = json.dumps({"text": evaluation_body(2)["transcript"]})
        told: list[list[tuple[int, str]]] = []
        for name in (house.ids["/v1/rubrics"]["id"], "never_was"):
            client = house.client
            answers = [
                await client.post("/v1/evaluations", json=evaluation_body(rubric=name), headers=other),
                await client.post("/v1/batches", content=line, params={"rubric": name}, headers=lines),
                await client.get("/v1/judges", params={"rubric": name}, headers=other),
                await client.get("/v1/reviews/labels", params={"rubric": name}, headers=other),
                await client.post("/v1/agreement", json={"source": "reviews"}, params={"rubric": name}, headers=other),
            ]
            told.append([(answer.status_code, answer.json()["code"]) for answer in answers])
        assert told[0] == told[1]
        assert all(status in {404, 422} for status, _ in told[0])


async def test_the_same_idempotency_key_of_two_tenants_is_two_requests(tmp_path: Path) -> None:
    """Nobody gets the answer that was kept for somebody else."""
    async with _house(tmp_path) as house:
        body = evaluation_body(3, store=True)
        answers = [
            await house.client.post(
                "/v1/evaluations", json=body, headers={**who, "Idempotency-Key": "one"}, timeout=60.0
            )
            for who in (house.owner, house.other)
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json()["id"] != answers[1].json()["id"]
        assert "Idempotent-Replayed" not in answers[1].headers


@pytest.mark.parametrize("key", [None, "ek_nonsense", "ö", "x" * 5000, "null\x01"])
async def test_every_route_wants_a_key(tmp_path: Path, key: str | None) -> None:
    """Without one that is known, each answers 401 and nothing else, but for what tells of health."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        tenant = service.tenancy.tenants.ensure("owner").tenant
        service.tenancy.keys.create(tenant)
        headers = [] if key is None else [(b"X-API-Key", key.encode())]
        for path, verbs in (await client.get("/openapi.json")).json()["paths"].items():
            for verb in verbs if path.startswith("/v1/") else ():
                answer = await client.request(verb.upper(), path, headers=headers)
                assert answer.status_code == 401, (verb, path)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
