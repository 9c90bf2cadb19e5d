"""Tests of rubrics over HTTP: listed, fetched, checked, kept in versions that never change, and deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.rubric import load_rubric, parse_rubric, rubric_paths
from evaluator.service.context import Service
from evaluator.service.evaluations.store import Kept
from evaluator.service.tenants.caller import LOCAL_TENANT
from tests.fakes import RUBRIC_YAML
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_YAML = {"content-type": "application/yaml"}
_NEXT = RUBRIC_YAML.replace("version: 1.2.0", "version: 1.3.0")


def _name(service: Service, rubric: str, created_s: float) -> None:
    """Store an evaluation that names a rubric."""
    service.evaluations.add(
        Kept(
            tenant=LOCAL_TENANT,
            id=f"eval_{created_s}",
            status="queued",
            created_s=created_s,
            expires_s=4e9,
            rubric=rubric,
            judge="local",
            metadata={},
        )
    )


async def test_the_list_holds_the_latest_of_each(tmp_path: Path) -> None:
    """Own rubrics stand before the shipped ones, each once, with the latest version's figures."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        for text in (RUBRIC_YAML, _NEXT):
            await client.post("/v1/rubrics", content=text, headers=_YAML)
        data = (await client.get("/v1/rubrics")).json()["data"]
        assert [(row["id"], row["origin"]) for row in data] == [
            ("small", "own"),
            *((name, "shipped") for name in rubric_paths()),
        ]
        assert (data[0]["version"], data[0]["criteria"]) == ("1.3.0", 6)
        versions = (await client.get("/v1/rubrics/small/versions")).json()["data"]
        assert [row["version"] for row in versions] == ["1.3.0", "1.2.0"]


async def test_a_version_never_changes(tmp_path: Path) -> None:
    """The same document again is no news; other words under its version are refused, as is a shipped id."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        first = await client.post("/v1/rubrics", content=RUBRIC_YAML, headers=_YAML)
        again = await client.post("/v1/rubrics", content=RUBRIC_YAML, headers=_YAML)
        other = RUBRIC_YAML.replace("Rambles", "Talks on and on")
        changed = await client.post("/v1/rubrics", content=other, headers=_YAML)
        shipped = RUBRIC_YAML.replace("id: small", "id: netflix_pm_metrics", 1)
        taken = await client.post("/v1/rubrics", content=shipped, headers=_YAML)
        assert [a.status_code for a in (first, again, changed, taken)] == [201, 200, 409, 409]
        assert first.json() == again.json()
        assert first.headers["location"] == "/v1/rubrics/small?version=1.2.0"


@pytest.mark.parametrize("name", ["small", "netflix_pm_metrics", "behavioural_star"])
async def test_a_rubric_that_was_fetched_is_the_same_rubric(tmp_path: Path, name: str) -> None:
    """As JSON or as YAML: what is read back has the hash of what was sent."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        await client.post("/v1/rubrics", content=RUBRIC_YAML, headers=_YAML)
        as_json = (await client.get(f"/v1/rubrics/{name}")).json()
        as_yaml = await client.get(f"/v1/rubrics/{name}", headers={"accept": "text/yaml, */*"})
        assert as_yaml.headers["content-type"].startswith("application/yaml")
        assert parse_rubric(as_yaml.text).sha256 == as_json["sha256"]
        assert parse_rubric(json.dumps(as_json["rubric"])).sha256 == as_json["sha256"]


async def test_json_is_taken_as_well_as_yaml(tmp_path: Path) -> None:
    """A program that has no YAML sends the same document as JSON."""
    rubric = parse_rubric(RUBRIC_YAML)
    async with in_memory(config_in(tmp_path)) as (client, _):
        sent = await client.post("/v1/rubrics", json=rubric.model_dump(mode="json"))
        assert sent.status_code == 201
        assert sent.json()["sha256"] == rubric.sha256
        assert (await client.get("/v1/rubrics/small", params={"version": "1.2.0"})).status_code == 200
        assert (await client.get("/v1/rubrics/small", params={"version": "9.9.9"})).status_code == 404


async def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """A document with two faults gets both, each with its line and key path; nothing is kept."""
    broken = RUBRIC_YAML.replace("kind: measured", "kind: guessed").replace("minimum_coverage: 0.5", "minimum: 0.5")
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post("/v1/rubrics/validate", content=broken, headers=_YAML)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["valid"], told["rubric"]) == (False, None)
        lines = broken.splitlines()
        for fault in told["faults"]:
            assert fault["path"]
            assert fault["path"].rpartition(".")[2] in lines[fault["line"] - 1] or "missing" in fault["message"]
        assert {"criteria.5.kind", "scoring.minimum"} <= {fault["path"] for fault in told["faults"]}
        assert (await client.get("/v1/rubrics/small")).status_code == 404


async def test_a_valid_rubric_gets_advice_and_is_not_kept(tmp_path: Path) -> None:
    """Checking says what the rubric would be and what could be better, and leaves the shelf as it was."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        told = (await client.post("/v1/rubrics/validate", content=RUBRIC_YAML, headers=_YAML)).json()
        assert (told["valid"], told["faults"]) == (True, [])
        assert told["advice"]
        assert (told["rubric"]["id"], told["rubric"]["origin"]) == ("small", "own")
        assert (await client.get("/v1/rubrics/small")).status_code == 404


async def test_an_unused_version_is_deleted_and_a_used_one_stays(tmp_path: Path) -> None:
    """A version goes only if no stored evaluation names it, be it by the id alone while it was the latest."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        for now_s, text in ((10.0, RUBRIC_YAML), (20.0, _NEXT)):
            service.rubrics.add(LOCAL_TENANT, text, now_s)
        _name(service, "small", 15.0)
        path = "/v1/rubrics/small/versions"
        assert (await client.delete(f"{path}/1.2.0")).status_code == 409
        _name(service, "small@1.3.0", 16.0)
        assert (await client.delete(f"{path}/1.3.0")).status_code == 409
        for id_ in ("eval_15.0", "eval_16.0"):
            service.evaluations.delete(LOCAL_TENANT, id_)
        assert (await client.delete(f"{path}/1.3.0")).status_code == 204
        assert (await client.delete(f"{path}/1.3.0")).status_code == 404
        assert (await client.get("/v1/rubrics/small")).json()["version"] == "1.2.0"


async def test_a_shipped_rubric_cannot_be_deleted(tmp_path: Path) -> None:
    """It belongs to the service, not to a tenant."""
    shipped = load_rubric()
    async with in_memory(config_in(tmp_path)) as (client, _):
        assert (await client.delete(f"/v1/rubrics/{shipped.id}/versions/{shipped.version}")).status_code == 409


async def test_another_tenants_rubric_is_not_there(tmp_path: Path) -> None:
    """It can't be listed, fetched or deleted."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        service.rubrics.add("tn_other", RUBRIC_YAML, 1.0)
        answers = [
            await client.get("/v1/rubrics/small"),
            await client.get("/v1/rubrics/small/versions"),
            await client.delete("/v1/rubrics/small/versions/1.2.0"),
        ]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert "small" not in [row["id"] for row in (await client.get("/v1/rubrics")).json()["data"]]
        assert service.rubrics.get("tn_other", "small").rubric.version == "1.2.0"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"a: [", "application/yaml", 422),
        (b"\xff\xfe", "text/yaml", 422),
        (b"id: x", "image/png", 415),
        (b"a" * (512 * 1024 + 1), "application/yaml", 413),
    ],
)
async def test_what_is_no_rubric_is_refused(tmp_path: Path, content: bytes, kind: str, status: int) -> None:
    """Broken, undecodable, foreign and oversized bodies are refused, each by its own status."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post("/v1/rubrics", content=content, headers={"content-type": kind})
        assert answer.status_code == status
