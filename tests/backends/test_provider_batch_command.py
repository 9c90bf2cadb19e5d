"""``evaluator batch --provider-batch`` against a fake of the batch APIs: half the price, and nothing sent twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from batch_stub import BatchStub, served

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_ITEMS: Final = 6
_LIMIT_S: Final = 120.0
_HOSTED: Final = ("--backend", "openai", "--base-url")


def _input(folder: Path) -> Path:
    lines = [
        {
            "id": f"item {number}",
            "text": f"Candidate: My goal is retention, and I would watch it for {number + 1} weeks.",
        }
        for number in range(_ITEMS)
    ]
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


async def _start(folder: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "evaluator", "batch", _input(folder), "-o", folder / "out"),
        *("--provider-batch", "--yes", *options),
        env={**os.environ, "PYTHONPATH": str(_ROOT), "OPENAI_API_KEY": "key", "XDG_CACHE_HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.loopback
async def test_a_killed_run_waits_on_for_the_batch_it_sent(tmp_path: Path) -> None:
    """After ``kill -9`` in mid-poll the same command collects what was sent, at half the price, and sends nothing."""
    stub = BatchStub(looks=10**9)
    async with served(stub) as url, asyncio.timeout(_LIMIT_S):
        killed = await _start(tmp_path, *_HOSTED, f"{url}/v1")
        while not stub.calls["GET /v1/batches/batch"]:  # noqa: ASYNC110 - the fake's
            await asyncio.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        await killed.communicate()
        stub.looks = stub.batches[0].looks + 1
        stub.ends_s = 0.1
        going_on = await _start(tmp_path, *_HOSTED, f"{url}/v1")
        _, told = await going_on.communicate()
    assert going_on.returncode == 0, told.decode()
    lines = [json.loads(line) for line in (tmp_path / "out" / "evaluations.jsonl").read_text().splitlines()]
    assert [line["item"] for line in lines] == [f"answers.jsonl:{number + 1}" for number in range(_ITEMS)]
    assert {line["evaluation"]["usage"]["batched_requests"] for line in lines} == {1}
    assert stub.requests == _ITEMS
    assert stub.asked_twice == []


@pytest.mark.parametrize(
    "options",
    [
        ("--backend", "local"),
        (*_HOSTED, "http://127.0.0.1:1", "--database-url", "postgresql://grader:secret@127.0.0.1:1/none"),
    ],
)
async def test_what_has_no_provider_batches_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    """A judge on this machine and a shared database go without; the message names both options and no password."""
    process = await _start(tmp_path, *options)
    _, told = await process.communicate()
    assert process.returncode == 2
    assert b"provider_batch" in told
    assert b"secret" not in told
