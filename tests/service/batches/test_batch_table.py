"""Tests of a batch's results as a table, after the rubric that judged it got another version."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from tests.fakes import RUBRIC_YAML
from tests.service.serving import ANSWER, config_in, in_memory

pytestmark = pytest.mark.loopback

_YAML = {"Content-Type": "application/yaml"}


async def test_a_table_has_the_criteria_that_judged(tmp_path: Path) -> None:
    """A later version with another criterion changes no column of what was judged before."""
    later = RUBRIC_YAML.replace("version: 1.2.0", "version: 1.3.0").replace("rambling", "wandering")
    async with in_memory(config_in(tmp_path)) as (client, _):
        assert (await client.post("/v1/rubrics", content=RUBRIC_YAML, headers=_YAML)).status_code == 201
        sent = await client.post(
            "/v1/batches?rubric=small",
            content=json.dumps({"text": ANSWER}),
            headers={"Content-Type": "application/jsonl"},
        )
        batch = f"/v1/batches/{sent.json()['id']}"
        async with asyncio.timeout(60.0):
            while (await client.get(batch)).json()["status"] != "completed":  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.1)
        before = await client.get(f"{batch}/results?format=csv")
        assert (await client.post("/v1/rubrics", content=later, headers=_YAML)).status_code == 201
        after = await client.get(f"{batch}/results?format=csv")
    assert after.text == before.text
    (row,) = csv.DictReader(io.StringIO(after.text.removeprefix("\ufeff")))
    assert row["verdict.rambling"]
    assert "verdict.wandering" not in row
