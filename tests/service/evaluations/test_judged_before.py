"""Tests of requests that come again after the process that worked on them died."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback


async def test_a_request_that_was_judged_before_is_answered_with_what_is_kept(tmp_path: Path) -> None:
    """A process that died after it kept an evaluation leaves it to the next try, which judges nothing again."""
    body = {"transcript": "Candidate: I would track clicks, since more clicks are good.", "store": True}
    told = {"Idempotency-Key": "k"}
    async with in_memory(config_in(tmp_path)) as (client, service):
        first = (await client.post("/v1/evaluations", json=body, headers=told)).json()
        service.database.write(lambda t: t.run("UPDATE sv_requests SET sealed = NULL"))
        again = await client.post("/v1/evaluations", json=body, headers=told)
        used = service.tenancy.usage.used("local")
    assert "Idempotent-Replayed" not in again.headers
    assert json.loads(again.content) == first
    assert used.evaluations == 1
