"""What a durable batch costs and what it survives, measured on the real command against a fake provider on loopback.

``PYTHONPATH=. python bench/batch.py kills | throughput | memory | rate | growth`` prints one table each:

- *kills*: ``kill -9`` at random moments; items lost and doubled, calls that were repeated, and whether any of them was
  for an answer that stood on the disk already. ``--apart`` tells each kill in a line of its own.
- *throughput*: beside a bare SDK loop of the same run; plan, grading and writing apart, and what sets the ceiling.
- *memory*: peak of the whole process, outputs included, by number of items.
- *rate*: a provider that allows 3,000 requests a minute, with and without ``--requests-per-minute``.
- *growth*: calls and CPU time per item, by number of items.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from openai import AsyncOpenAI
from pydantic import SecretStr

from evaluator import load_rubric, parse_transcript
from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.openai import build_model
from evaluator.judging import Case
from evaluator.prompt import load_prompts
from tests.batch.batch_process import BatchCommand, StubProcess, answer_of, kept_items, kill, write_inputs

_WORDS: Final = (
    "Before naming a metric I want to fix the decision this supports: whether we roll the new onboarding flow out to "
    "every new member or keep the old one. The business goal is long-term retention, so I would decide by the share "
    "of new members who still watch weekly after eight weeks, because that is what a subscription renews on; raw "
    "sign-ups could rise while worse members join. I would split by acquisition channel and by device, since "
    "television sign-ups behave differently. As a guardrail I would watch support contacts and cancellations in the "
    "first week: a shorter flow could hide the price and cost us trust. For instrumentation we need an event for each "
    "step with the experiment arm, and a daily job that joins it to viewing. I would run it for four weeks with a "
    "power calculation for a one percent change, and stop early only if the guardrail breaks."
)
_TICK_S: Final = 0.02
_LATE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """One run of the command.

    Attributes:
        code: Exit code.
        seconds: From its start to its end.
        cpu_s: Processor time of the process.
        peak_mb: Most memory that it held.
        before_s: From its start to the first request.
        asking_s: From the first request to the last.
        after_s: From the last request to its end.
    """

    code: int
    seconds: float
    cpu_s: float
    peak_mb: float
    before_s: float
    asking_s: float
    after_s: float


@contextmanager
def _bench(
    items: int, in_flight: int, latency_s: float, *, per_minute: float = 0, options: Sequence[str] = ()
) -> Generator[tuple[BatchCommand, StubProcess]]:
    """Yield a command with so many items to grade, and its provider."""
    with tempfile.TemporaryDirectory() as folder, StubProcess(latency_s, per_minute=per_minute) as stub:
        write_inputs(Path(folder) / "in.jsonl", items, words=_WORDS)
        yield BatchCommand(folder=Path(folder), url=stub.url, in_flight=in_flight, options=options), stub


def _measured(command: BatchCommand, stub: StubProcess) -> Ended:
    """Run the command to its end."""
    stub.reset()
    began = time.time()
    process = command.start()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    ended, seen = time.time(), stub.stats()
    first, last = (float(seen[name]) or ended for name in ("first_s", "last_s"))
    cpu_s = used.ru_utime + used.ru_stime
    return Ended(code, ended - began, cpu_s, used.ru_maxrss / 1024, first - began, last - first, ended - last)


def _faults(command: BatchCommand, items: int) -> str:
    """Return what is wrong with the results, or ``none``: every item once, in order, with its own words."""
    found = command.graded()
    wanted = [(f"in.jsonl:{number + 1}", str(number)) for number in range(items)]
    lost, doubled = len(set(wanted) - set(found)), len(found) - len(set(found))
    damaged: list[str] = []
    for name in ("run.sqlite", "queue.sqlite"):
        connection = sqlite3.connect(command.output / ".run" / name)
        damaged += [name] if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",) else []
        connection.close()
    return "none" if found == wanted and not damaged else f"{lost} lost, {doubled} double, damaged: {damaged}"


@dataclass(slots=True)
class _Ledger:
    """What was asked, and what stood on the disk, kill by kill."""

    kept: dict[str, int]
    repeated: int = 0
    most_lost: int = 0

    def look(self, command: BatchCommand, before: dict[str, int], sent: dict[str, int]) -> int:
        """Take in the state after a kill; return how many calls were lost by it."""
        for item in kept_items(command.answers) - set(self.kept):
            self.kept[item] = sent[item]
        asked = {item for item, count in sent.items() if count > before.get(item, 0)}
        lost = len(asked - set(self.kept))
        self.most_lost = max(self.most_lost, lost)
        return lost

    def paid_twice(self, sent: dict[str, int]) -> int:
        """Return how many calls were made for answers that stood on the disk."""
        return sum(sent[item] - count for item, count in self.kept.items())


def _kills(chosen: argparse.Namespace) -> int:
    items, times, in_flight = int(chosen.items), int(chosen.kills), int(chosen.in_flight)
    chance = random.Random(int(chosen.seed))  # noqa: S311 - moments, not secrets
    with _bench(items, in_flight, float(chosen.latency_s)) as (command, stub):
        ledger, began = _Ledger({}), time.monotonic()
        for number in range(times):
            before = stub.sent()
            target = sum(before.values()) + chance.randrange(
                1, max(2, 2 * (items - len(ledger.kept)) // (times - number))
            )
            process, ends = command.start(), time.monotonic() + _LATE_S
            if chance.random() < 0.1:  # noqa: PLR2004 - one in ten dies while it starts, plans or writes
                ends = time.monotonic() + chance.uniform(0, 4)
            while int(stub.stats()["requests"]) < target and time.monotonic() < ends and process.poll() is None:
                time.sleep(_TICK_S)
            time.sleep(chance.uniform(0, 2 * float(chosen.latency_s)))
            kill(process)
            lost = ledger.look(command, before, sent := stub.sent())
            if chosen.apart:
                print(f"kill {number + 1:3}: {len(ledger.kept):6,} answers kept, {lost:4} calls lost in flight")
        code = command.run()[0]
        sent = stub.sent()
        repeated, paid_twice = sum(sent.values()) - items, ledger.paid_twice(sent)
        calls = sum(sent.values())
        third = command.run()[0]
        more = sum(stub.sent().values()) - calls
        print(f"{items:,} items, {in_flight} in flight, {times} kills, {time.monotonic() - began:.0f} s")
        print(f"  wrong with the results: {_faults(command, items)}; exit codes {code}, {third}")
        print(
            f"  calls repeated: {repeated:,} (bound {times * in_flight:,}); most lost by one kill: {ledger.most_lost}"
        )
        print(f"  calls for an answer that was kept: {paid_twice}; calls of a run after the end: {more}")
        good = not paid_twice and not more and repeated <= times * in_flight and ledger.most_lost <= in_flight
        return 0 if good and (code, third) == (0, 0) and _faults(command, items) == "none" else 1


def _throughput(chosen: argparse.Namespace) -> int:
    for in_flight in chosen.in_flight:
        items = int(chosen.rounds) * in_flight
        for latency_s in chosen.latency_s:
            with _bench(items, in_flight, latency_s) as (command, stub):
                bare = _bare_process(stub, items, in_flight)
                provider_s = float(stub.stats()["cpu_s"])
                ended = _measured(command, stub)
                provider_s = (float(stub.stats()["cpu_s"]) - provider_s) / items
                steady, whole = (items - in_flight) / ended.asking_s, items / ended.seconds
                print(f"{items:,} items, {in_flight} in flight, {latency_s:g} s latency")
                print(f"  bare SDK loop  {bare['rate']:6.1f}/s, {bare['cpu_ms']:5.2f} ms CPU an item")
                print(
                    f"  durable        {steady:6.1f}/s while it asks, {steady / bare['rate']:.2f} of bare; "
                    f"{whole:.1f}/s from the command's start to its end; {1000 * ended.cpu_s / items:.2f} ms CPU each"
                )
                print(
                    f"  of {ended.seconds:.1f} s: {ended.before_s:.1f} s to start and plan, {ended.asking_s:.1f} s to "
                    f"grade, {ended.after_s:.1f} s to end and write tables and report"
                )
                print(
                    f"  the provider took {1000 * provider_s:.2f} ms an item: alone it could do {1 / provider_s:,.0f}/s"
                )
    return 0


def _bare_process(stub: StubProcess, items: int, in_flight: int) -> dict[str, float]:
    chosen = ["--url", stub.url, "--items", str(items), "--in-flight", str(in_flight)]
    command = [sys.executable, __file__, "bare", *chosen]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this very file
    return cast("dict[str, float]", json.loads(done.stdout))


def _bare(chosen: argparse.Namespace) -> int:
    """Run the SDK as its documentation shows it: one ready body, its reply's JSON read, so many at once."""
    model, rubric = build_model(ChatOptions(api_key=SecretStr("key"))), load_rubric("netflix_pm_metrics")
    case = Case(parse_transcript(answer_of(0, _WORDS)), rubric, "metric_design", rubric.criteria)
    body: dict[str, Any] = model.body(ChatJudge(model, load_prompts()).request(case, rubric.criteria, {}))

    async def run() -> tuple[float, float]:
        numbers = iter(range(int(chosen.items)))
        async with AsyncOpenAI(api_key="key", base_url=f"{chosen.url}/v1", max_retries=0) as client:
            create = cast("Any", client.responses.create)

            async def work() -> None:
                for _ in numbers:
                    json.loads((await create(**body)).output_text)

            began, used = time.perf_counter(), time.process_time()
            await asyncio.gather(*(work() for _ in range(int(chosen.in_flight))))
            return time.perf_counter() - began, time.process_time() - used

    seconds, cpu_s = asyncio.run(run())
    print(json.dumps({"rate": int(chosen.items) / seconds, "cpu_ms": 1000 * cpu_s / int(chosen.items)}))
    return 0


def _sizes(chosen: argparse.Namespace) -> int:
    """Tell memory and cost by number of items."""
    print("     items    peak  CPU an item  calls an item    seconds  state on the disk")
    for items in chosen.items:
        with _bench(items, int(chosen.in_flight), float(chosen.latency_s)) as (command, stub):
            ended, calls = _measured(command, stub), int(stub.stats()["requests"])
            kept = sum(path.stat().st_size for path in command.output.rglob("*")) + command.answers.stat().st_size
            print(
                f"  {items:8,} {ended.peak_mb:4.0f} MB {1000 * ended.cpu_s / items:8.2f} ms {calls / items:14.3f}"
                f" {ended.seconds:10.1f} {kept / items / 1024:8.1f} KB an item, outputs included",
                flush=True,
            )
            if ended.code or _faults(command, items) != "none":
                return 1
    return 0


def _rate(chosen: argparse.Namespace) -> int:
    items, limit = int(chosen.items), float(chosen.limit_rpm)
    print(f"{items} items, {limit:,.0f} requests a minute, bucket of one second's worth")
    for name, options in (("told", ("--requests-per-minute", f"{limit:g}")), ("not told", ())):
        with _bench(items, int(chosen.in_flight), 0.3, per_minute=limit, options=options) as (command, stub):
            ended, seen = _measured(command, stub), stub.stats()
            print(
                f"  {name:9} {seen['requests']:5} requests, {ended.asking_s:5.1f} s between the first and the last,"
                f" {ended.seconds:5.1f} s whole; wrong with the results: {_faults(command, items)}"
            )
    return 0


def main() -> int:
    """Measure and print; 1 if something is lost, doubled or paid for twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    kills = commands.add_parser("kills")
    kills.add_argument("--items", type=int, default=10_000)
    kills.add_argument("--kills", type=int, default=50)
    kills.add_argument("--in-flight", type=int, default=50)
    kills.add_argument("--latency-s", type=float, default=0.05)
    kills.add_argument("--seed", type=int, default=1)
    kills.add_argument("--apart", action="store_true")
    kills.set_defaults(run=_kills)
    throughput = commands.add_parser("throughput")
    throughput.add_argument("--in-flight", type=int, nargs="+", default=[50, 256])
    throughput.add_argument("--latency-s", type=float, nargs="+", default=[0.3, 0.0])
    throughput.add_argument("--rounds", type=int, default=40)
    throughput.set_defaults(run=_throughput)
    bare = commands.add_parser("bare")
    for name in ("--url", "--items", "--in-flight"):
        bare.add_argument(name, required=True)
    bare.set_defaults(run=_bare)
    for name, sizes in (("memory", [1_000, 10_000, 100_000]), ("growth", [100, 1_000, 10_000, 100_000])):
        command = commands.add_parser(name)
        command.add_argument("--items", type=int, nargs="+", default=sizes)
        command.add_argument("--in-flight", type=int, default=50)
        command.add_argument("--latency-s", type=float, default=0.0)
        command.set_defaults(run=_sizes)
    rate = commands.add_parser("rate")
    rate.add_argument("--items", type=int, default=500)
    rate.add_argument("--limit-rpm", type=float, default=3000.0)
    rate.add_argument("--in-flight", type=int, default=64)
    rate.set_defaults(run=_rate)
    chosen = parser.parse_args()
    return int(chosen.run(chosen))


if __name__ == "__main__":
    sys.exit(main())
