"""The service under load and under kills: the local judge over HTTP, and jobs whose server dies again and again.

    python bench/service.py throughput [--clients 32] [--rounds 3]
    python bench/service.py kills [--jobs 1000] [--kills 10] [--services 1]

``throughput`` grades the gold transcripts by `POST /v1/evaluations` from so many clients and, in turn, in one process
without HTTP, with the same number at once; every round's sentences are new to both. ``kills`` submits jobs with an
Idempotency-Key while ``kill -9`` ends the server at random moments; clients repeat what was not acknowledged. Several
services share a Postgres of their own; each request goes to one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp

from evaluator.agreement.labels import read_labels
from evaluator.judges.building import JudgePlan, build_judge
from evaluator.pipeline import aevaluate
from evaluator.rubric import load_rubric
from evaluator.transcripts import parse_turns_row

_ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_ROOT))

from tests.batch.postgres_server import Postgres  # noqa: E402 - found by the line above
from tests.service.running import ServerProcess  # noqa: E402 - likewise

_GOLD: Final = _ROOT / "fixtures/gold/dev.jsonl"
_PORT: Final = 8377
_SEALING: Final = base64.b64encode(bytes(32)).decode()  # the key of webhooks, which all services of a database share
_WARMING: Final = 4
_ANSWER: Final = (
    "Candidate: The goal is retention, so I would measure the share of members who still watch in week eight."
)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("throughput", "kills"))
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--services", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if chosen.what == "throughput":
            _throughput(Path(folder), chosen.clients, chosen.rounds)
        else:
            with ExitStack() as stack:
                url = stack.enter_context(Postgres()).new_database() if chosen.services > 1 else None
                services = [_Service(Path(folder), number, url) for number in range(chosen.services)]
                asyncio.run(_kills(services, chosen.jobs, chosen.kills, chosen.seed))


def _rows(mark: str) -> list[dict[str, Any]]:
    """Return the gold transcripts' turns, every sentence made new by a mark."""
    rubric = load_rubric()
    found: list[dict[str, Any]] = []
    for row in read_labels(_GOLD, rubric).rows:
        if row.transcript is not None:
            turns = [
                {"role": turn.role, "text": re.sub(r"(?=[.?!](?:\s|$))", f" {mark}", turn.text)}
                for turn in row.transcript.turns
            ]
            found.append({"turns": turns})
    return found


def _throughput(folder: Path, clients: int, rounds: int) -> None:
    rubric = load_rubric()
    judge = build_judge(JudgePlan())
    figures: dict[str, list[float]] = {"HTTP": [], "in process": []}
    waits: list[float] = []
    with ServerProcess(folder, _PORT) as server:
        asyncio.run(_post(server.url, _rows("warm")[:_WARMING], clients))
        asyncio.run(_here(_rows("warm")[:_WARMING], rubric, judge, clients))
        for number in range(rounds):
            rows = _rows(f"w{number}")
            started = time.perf_counter()
            waits += asyncio.run(_post(server.url, rows, clients))
            figures["HTTP"].append(len(rows) / (time.perf_counter() - started))
            started = time.perf_counter()
            asyncio.run(_here(rows, rubric, judge, clients))
            figures["in process"].append(len(rows) / (time.perf_counter() - started))
    waits.sort()
    for name, rates in figures.items():
        print(f"{name:12} {statistics.median(rates):8.1f} transcripts/s  [{min(rates):.1f}, {max(rates):.1f}]")
    ratios = [a / b for a, b in zip(figures["HTTP"], figures["in process"], strict=True)]
    print(f"HTTP / in process   {statistics.median(ratios):.2f}  [{min(ratios):.2f}, {max(ratios):.2f}]")
    p50, p99 = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    print(f"answers: p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms ({p99 / p50:.1f} x), longest {waits[-1]:.2f} s")


async def _post(url: str, rows: list[dict[str, Any]], clients: int) -> list[float]:
    """Return how long each answer took."""
    waiting = list(enumerate(rows))
    waits: list[float] = []

    async def client(session: aiohttp.ClientSession) -> None:
        while waiting:
            _, row = waiting.pop()
            started = time.perf_counter()
            async with session.post(f"{url}/v1/evaluations", data=json.dumps(row), headers=_JSON) as answer:
                told = await answer.read()
                if answer.status != 200:  # noqa: PLR2004 - the status
                    raise SystemExit(told.decode())
            waits.append(time.perf_counter() - started)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return waits


async def _here(rows: list[dict[str, Any]], rubric: Any, judge: Any, at_once: int) -> None:  # noqa: ANN401 - as they come
    gate = asyncio.Semaphore(at_once)

    async def one(row: dict[str, Any]) -> None:
        async with gate:
            evaluation = await aevaluate(parse_turns_row(row, "row"), rubric, judge)
            evaluation.model_dump_json()

    await asyncio.gather(*map(one, rows))


_JSON: Final = {"Content-Type": "application/json"}


class _Service:
    """One service that is killed and begun again: alone in its folder, or on a Postgres with others."""

    def __init__(self, folder: Path, number: int, database_url: str | None) -> None:
        self._data = folder / f"service-{number}"
        self._port = _PORT + number
        shared = {"EVALUATOR_DATABASE_URL": database_url or "", "EVALUATOR_WEBHOOK_KEY": _SEALING}
        self._environment = shared if database_url else {}
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self) -> None:
        self._process = ServerProcess(self._data, self._port, self._environment)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


async def _kills(services: list[_Service], jobs: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - when to kill is no secret
    acknowledged: dict[int, set[str]] = {number: set() for number in range(jobs)}
    await asyncio.gather(*(asyncio.to_thread(service.begin) for service in services))
    waiting = list(range(jobs))
    repeats = Counter[int]()

    async def client(session: aiohttp.ClientSession) -> None:
        while waiting:
            number = waiting.pop()
            body = json.dumps({"transcript": f"{_ANSWER} Case {number}.", "metadata": {"case": str(number)}})
            headers = {**_JSON, "Prefer": "respond-async", "Idempotency-Key": f"case-{number}"}
            while not acknowledged[number]:
                try:
                    url = f"{chance.choice(services).url}/v1/evaluations"
                    async with session.post(url, data=body, headers=headers) as answer:
                        told = await answer.json(content_type=None)
                        if answer.status == 202:  # noqa: PLR2004 - the status
                            acknowledged[number].add(told["id"])
                            continue
                except (aiohttp.ClientError, OSError, ValueError):
                    pass
                repeats[number] += 1
                await asyncio.sleep(0.2)

    async def killer() -> None:
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3, 2.5))
            service = chance.choice(services)
            await asyncio.to_thread(service.kill)
            await asyncio.to_thread(service.begin)

    started = time.perf_counter()
    async with aiohttp.ClientSession() as session:
        killing = asyncio.ensure_future(killer())
        await asyncio.gather(*(client(session) for _ in range(16)))
        sent_s = time.perf_counter() - started
        await killing
        # Each once more: the same key must give the same id.
        waiting.extend(range(jobs))
        first = {number: next(iter(ids)) for number, ids in acknowledged.items()}
        for ids in acknowledged.values():
            ids.clear()
        await asyncio.gather(*(client(session) for _ in range(16)))
        others = sum(acknowledged[number] != {id_} for number, id_ in first.items())
        rows = await _settled(session, services[0].url, jobs)
    await asyncio.gather(*(asyncio.to_thread(service.kill) for service in services))
    by_case = Counter(row["metadata"]["case"] for row in rows)
    lost = set(first.values()) - {row["id"] for row in rows}
    print(f"{jobs} jobs, {kills} kills, {sum(repeats.values())} requests repeated, all sent after {sent_s:.1f} s")
    print(f"rows {len(rows)}, statuses {dict(Counter(row['status'] for row in rows))}")
    print(f"acknowledged and lost {len(lost)}, double {sum(count > 1 for count in by_case.values())}")
    print(f"answered with another id when repeated {others}; all settled after {time.perf_counter() - started:.1f} s")


async def _settled(session: aiohttp.ClientSession, url: str, jobs: int) -> list[dict[str, Any]]:
    """Return every row, once none is queued any more."""
    while True:
        rows: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            async with session.get(f"{url}/v1/evaluations", params=query) as answer:
                page = await answer.json()
            rows += page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        if len(rows) >= jobs and all(row["status"] != "queued" for row in rows):
            return rows
        await asyncio.sleep(1.0)


if __name__ == "__main__":
    main()
