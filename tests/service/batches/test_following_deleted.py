"""Tests of streams whose batch goes while it is followed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from evaluator.service.batches.store import KeptBatch
from evaluator.service.evaluations.store import Kept
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback


async def test_a_stream_ends_when_its_batch_is_deleted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It just ends, without a `done`; nothing failed."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        now_s = service.clock()
        service.batches.add(KeptBatch("local", "batch_1", None, "r", "local", now_s, now_s + 1000))
        service.evaluations.add(
            Kept(
                tenant="local",
                id="eval_1",
                status="queued",
                created_s=now_s + 1000,  # not yet so old that it would be put into work
                expires_s=now_s + 1000,
                rubric="r",
                judge="local",
                metadata={},
                batch="batch_1",
            )
        )
        following = asyncio.create_task(client.get("/v1/batches/batch_1/events"))
        await asyncio.sleep(0.2)
        assert (await client.delete("/v1/batches/batch_1")).status_code == 204
        told = await asyncio.wait_for(following, 10.0)
    assert told.status_code == 200
    assert "event: progress" in told.text
    assert "event: done" not in told.text
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
