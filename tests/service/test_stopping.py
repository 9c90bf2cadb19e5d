"""Tests of work that ends before its time: the caller goes, the deadline passes, or the service is told to stop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx2
import pytest

from evaluator.service.context import Service
from evaluator.settings import Settings
from tests.backends.provider_stub import ProviderStub
from tests.service.running import ServerProcess, config_at, evaluation_body, running

pytestmark = pytest.mark.loopback

_JUDGE: Final = "openai-compatible"
_URL: Final = "/v1/evaluations"
_SOON_S: Final = 30.0


def _settings(stub: ProviderStub) -> Settings:
    return Settings(backend=_JUDGE, model="m", base_url=f"{stub.url}/v1")


async def _comes(true: Callable[[], bool], within_s: float = _SOON_S) -> None:
    """Wait until something holds, while the loop of the test goes on.

    Raises:
        TimeoutError: It didn't come to hold.
    """
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110 - what is waited for happens in other threads and processes
            await asyncio.sleep(0.02)


def _working(service: Service) -> int:
    """Return how much is in work on the thread that grades."""

    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    return service.loop.submit(count()).result(5.0)


async def test_what_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    """Twenty callers go: their calls to the provider are broken off, and nothing of them is left."""
    async with ProviderStub(latency_s=30.0) as stub:
        with running(config_at(tmp_path, settings=_settings(stub), judges=(_JUDGE,))) as (client, service):
            idle = _working(service)
            async with httpx2.AsyncClient(base_url=client.base_url, timeout=60.0, trust_env=False) as callers:
                waiting = [
                    asyncio.create_task(callers.post(_URL, json=evaluation_body(number))) for number in range(20)
                ]
                await _comes(lambda: service.room.taken >= 20 and stub.in_flight >= 1, 30.0)
                for caller in waiting:
                    caller.cancel()
                await asyncio.wait(waiting)
            await _comes(lambda: not service.room.taken and _working(service) <= idle)
            await _comes(lambda: not stub.connected)
            assert (await asyncio.to_thread(client.get, "/readyz")).status_code == 200


async def test_a_deadline_ends_the_call(tmp_path: Path) -> None:
    """A provider that takes too long is hung up on, and the caller is told so by then."""
    async with ProviderStub(latency_s=30.0) as stub:
        with running(config_at(tmp_path, settings=_settings(stub), judges=(_JUDGE,))) as (client, service):
            body = evaluation_body(deadline_s=0.5)
            answer = await asyncio.to_thread(client.post, _URL, json=body)
            assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
            await _comes(lambda: not stub.connected and not service.room.taken)


async def test_a_service_that_stops_ends_what_it_can_and_keeps_the_rest(tmp_path: Path) -> None:
    """On SIGTERM it answers who waits, ends streams, leaves within 15 s with 0, and does all jobs in its next life."""
    async with ProviderStub(latency_s=2.0) as stub:
        environment = {
            "EVALUATOR_BACKEND": _JUDGE,
            "EVALUATOR_MODEL": "m",
            "EVALUATOR_BASE_URL": f"{stub.url}/v1",
            "EVALUATOR_CONCURRENCY": "2",
        }
        server = await asyncio.to_thread(ServerProcess, tmp_path, environment=environment)
        async with httpx2.AsyncClient(base_url=server.url, timeout=60.0, trust_env=False) as client:
            lines = "".join(json.dumps({"text": evaluation_body(number)["transcript"]}) + "\n" for number in range(20))
            sent = await client.post("/v1/batches", content=lines, headers={"Content-Type": "application/jsonl"})
            batch = f"/v1/batches/{sent.json()['id']}"
            followed = asyncio.create_task(client.get(f"{batch}/events"))
            waiting = asyncio.create_task(client.post(_URL, json=evaluation_body(99)))
            await _comes(lambda: stub.in_flight >= 2, 30.0)
            await asyncio.sleep(0.2)
            began = time.monotonic()
            code = await asyncio.to_thread(server.terminate)
            took_s = time.monotonic() - began
            answers = await asyncio.gather(followed, waiting)
        assert (code, [answer.status_code for answer in answers]) == (0, [200, 200])
        assert took_s <= 15.0
        assert "event: progress" in answers[0].text
        assert "event: done" not in answers[0].text
        stub.latency_s = 0.0
        with await asyncio.to_thread(ServerProcess, tmp_path, environment=environment) as again:
            async with httpx2.AsyncClient(base_url=again.url, timeout=60.0, trust_env=False) as client:
                told = await client.get(f"{batch}/events")
                assert "event: done" in told.text
                counts = (await client.get(batch)).json()["counts"]
        assert (counts["items"], counts["completed"], counts["queued"]) == (20, 20, 0)
        assert stub.repeats_after_good == 0


async def test_a_judge_that_never_answers_keeps_no_service_from_stopping(tmp_path: Path) -> None:
    """Who still waits when time is up is told that the service stops, and it leaves within 15 s with 0."""
    async with ProviderStub(latency_s=600.0) as stub:
        environment = {"EVALUATOR_BACKEND": _JUDGE, "EVALUATOR_MODEL": "m", "EVALUATOR_BASE_URL": f"{stub.url}/v1"}
        server = await asyncio.to_thread(ServerProcess, tmp_path, environment=environment)
        async with httpx2.AsyncClient(base_url=server.url, timeout=60.0, trust_env=False) as client:
            later = {"Prefer": "respond-async"}
            await client.post(_URL, json=evaluation_body(1), headers=later)
            waiting = asyncio.create_task(client.post(_URL, json=evaluation_body(2)))
            await _comes(lambda: stub.in_flight >= 2, 30.0)
            began = time.monotonic()
            code = await asyncio.to_thread(server.terminate)
            took_s, answer = time.monotonic() - began, await waiting
        assert (code, answer.status_code, answer.json()["code"]) == (0, 503, "stopping")
        assert answer.headers["Retry-After"]
        assert took_s <= 15.0
        assert not any("Traceback" in line for line in server.said)
