"""Tests of the service by its own description: whatever it allows is answered as it says, and what it doesn't, too."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from evaluator.service.methods import methods_of
from tests.service.hostile import key_of
from tests.service.running import ServerProcess
from tests.service.schema_fuzzing import fuzz
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_PATHS: Final[Mapping[str, Mapping[str, Any]]] = {
    "/v1/things": {"get": {}, "post": {}},
    "/v1/things/{id}": {"get": {}, "delete": {}},
    "/v1/things/new": {"post": {}},
}


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="needs schemathesis: make test installs it")
def test_made_up_requests_break_nothing(tmp_path: Path) -> None:
    """No server error, no answer beside the description, no path or trace in one; `bench/schema_fuzz.py` asks more."""
    key = key_of(tmp_path / "data")
    with ServerProcess(tmp_path / "data") as server:
        found = fuzz(server.url, key, 4, tmp_path, "--generation-deterministic", "--max-failures=20")
    assert not found.failures, found.said[-8000:]
    assert found.code == 0, found.said[-8000:]
    assert len(found.operations) >= 35
    assert all(status < 500 or status in {503, 504} for status in found.statuses)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/things", {"GET", "POST"}),
        ("/v1/things/a.b", {"GET", "DELETE"}),
        ("/v1/things/new", {"POST"}),
        ("/v1/things/a/b", set[str]()),
        ("/", set[str]()),
    ],
)
def test_the_methods_of_a_path_are_those_of_all_its_routes(path: str, methods: set[str]) -> None:
    """A place in a template takes one segment; a path that stands for itself goes before a template."""
    assert methods_of(_PATHS, path) == methods


async def test_a_wrong_method_is_told_the_right_ones(tmp_path: Path) -> None:
    """405 names all methods of the path, not those of the first of its routes."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.put("/v1/evaluations/eval_0")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET")


async def test_no_answer_is_sniffed_or_kept(tmp_path: Path) -> None:
    """Every answer names its type for good; of a tenant's, and of errors, no cache keeps anything."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        for path in ("/healthz", "/readyz", "/openapi.json", "/nowhere", "/v1/evaluations", "/v1/evaluations/eval_0"):
            answer = await client.get(path)
            assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"], path
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            if path.startswith("/v1/") or answer.status_code >= 400:
                assert answer.headers.get_list("Cache-Control") == ["no-store"], path


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/v1/evaluations", {"transcript": "a: b", "candidate": "a\0b"}, "candidate"),
        ("/v1/evaluations", {"transcript": "a: b", "question": "a\0b"}, "question"),
        ("/v1/evaluations", {"transcript": "a: b", "metadata": {"a": "b\0"}}, "metadata.a"),
        ("/v1/evaluations", {"transcript": "a: b", "rubric": "a\nb"}, "rubric"),
        ("/v1/webhooks", {"url": "https://example.com/", "description": "\0"}, "description"),
    ],
)
async def test_characters_that_no_database_takes_are_refused(
    tmp_path: Path, path: str, body: dict[str, object], where: str
) -> None:
    """They are a fault of the request, with the place, before anything is asked of a database."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        answer = await client.post(path, json=body)
        assert (answer.status_code, answer.json()["where"]) == (422, where)


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff", "..%2f..%2fetc%2fpasswd", "a" * 3000, "%F0%9F%98%80", "%0a"])
async def test_ids_of_any_shape_are_unknown(tmp_path: Path, name: str) -> None:
    """An id that can't be one is refused or unknown, and no database is asked for what it can't be asked for."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        paths = [f"/v1/{kind}/{name}" for kind in ("evaluations", "batches", "rubrics", "webhooks")]
        paths += [f"/v1/evaluations?{field}={name}" for field in ("rubric", "candidate", "batch", "band", "cursor")]
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code in {200, 404, 422}, path
            assert httpx2.URL(path).path not in answer.text
