"""Several workers on one Postgres: what a kill and outages cost, and how many transcripts an hour each worker grades.

``python bench/postgres.py`` starts a real server, a fake provider, a run and three workers beside it. *failures*: one
worker is killed for good and the server is stopped every 5 to 40 s for 0 to 2 s, by turns orderly and as in a crash;
every item must be graded exactly once, calls repeated for no more than the dead worker had in flight, and its shards
taken over within 60 s. *throughput*: one, two and three workers, the run's own among them, at 0.3 and 6 s latency;
the rate is that of the middle of the run, between the start and the last stragglers.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.batch.database import Database
from tests.batch.postgres_server import Postgres
from tests.batch.shared_run import Process, Provider, answer, until

_WORKERS: Final = 3
_TAKEOVER_S: Final = 60.0
_LATENCIES_S: Final = (0.3, 6.0)
_ROUNDS: Final = 12  # of all requests in flight, while throughput is measured
_RAMP: Final = 4  # rounds more in which the number in flight doubles to its most
_FAST_ITEMS: Final = 2000  # at least, of each worker
_MIDDLE: Final = (0.4, 0.9)


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements share."""

    server: Postgres
    folder: Path
    concurrency: int

    def batch(self, provider: Provider, url: str, first: int, items: int) -> tuple[Process, Path]:
        """Start a run of so many items that the provider hasn't seen; return it and its folder."""
        given, out = self.folder / f"{first}.jsonl", self.folder / f"out-{first}"
        lines = (json.dumps({"text": answer(number)}) for number in range(first, first + items))
        given.write_text("".join(f"{line}\n" for line in lines))
        command = ["evaluator", "batch", str(given), "-o", str(out), "--yes", "--progress", "lines"]
        return Process(command, self._environment(provider, url)), out

    def worker(self, provider: Provider, url: str, name: str) -> Process:
        """Start a worker."""
        return Process(["evaluator", "work", "--name", name], self._environment(provider, url))

    def _environment(self, provider: Provider, url: str) -> dict[str, str]:
        return provider.environment(url, EVALUATOR_CONCURRENCY=str(self.concurrency))


class Outages:
    """Stops the server now and then, in a thread of its own."""

    def __init__(self, server: Postgres, seed: int) -> None:
        """Begin."""
        self.count = 0
        self.away_s = 0.0
        self._server = server
        self._chance = random.Random(seed)  # noqa: S311 - a schedule that can be repeated
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> None:
        """Let the server run from now on."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._chance.uniform(5, 40)):
            began = time.monotonic()
            self._server.stop("immediate" if self.count % 2 else "fast")
            time.sleep(self._chance.uniform(0, 2))
            self._server.start()
            self.count += 1
            self.away_s += time.monotonic() - began


def fail(bench: Bench, items: int, latency_s: float, seed: int) -> bool:
    """Kill a worker and stop the server again and again; whether all that was promised holds."""
    url = bench.server.new_database()
    with ExitStack() as stack:
        provider = stack.enter_context(Provider(latency_s))
        names = [f"w{number}" for number in range(_WORKERS)]
        workers = [stack.enter_context(bench.worker(provider, url, name)) for name in names]
        for worker in workers:
            worker.says("works")
        began = time.monotonic()
        batch, out = bench.batch(provider, url, 0, items)
        stack.enter_context(batch)
        until(lambda: provider.stats()["requests"] > items // 4, 600)
        outages = Outages(bench.server, seed)
        workers[0].send(signal.SIGKILL)
        killed = time.monotonic()
        with closing(Database(url)) as database:
            until(lambda: _held(database, "w0-0.") == 0, 300)
            takeover_s = time.monotonic() - killed
            code = batch.ends(3600)
            seconds = time.monotonic() - began
            outages.end()
            counted = int(database.read(lambda asked: asked.rows("SELECT sum(graded) FROM ev_progress"))[0][0])
        for worker in workers[1:]:
            worker.send(signal.SIGTERM)
        left = [worker.ends(180) for worker in workers[1:]]
        stats = provider.stats()
    lines = (out / "evaluations.jsonl").read_text().splitlines() if code == 0 else [batch.text]
    names_found = {json.loads(line)["item"] for line in lines} if code == 0 else set[str]()
    failed = len((out / "failures.jsonl").read_text().splitlines()) if code == 0 else -1
    repeated = stats["requests"] - items
    once = code == 0 and len(lines) == len(names_found) == items == counted and failed == 0 and not any(left)
    print(f"failures: {items} items, {latency_s:g} s latency, {_WORKERS} workers and the run's own, {seconds:.0f} s")
    print(f"  outages {outages.count}, {outages.away_s:.1f} s in all; one worker killed with {bench.concurrency} slots")
    print(f"  records {len(lines)}, different {len(names_found)}, counted {counted}, failed {failed}: {_held_or(once)}")
    cheap = repeated <= bench.concurrency
    print(f"  calls {stats['requests']}, repeated {repeated} (at most {bench.concurrency}): {_held_or(cheap)}")
    quick = takeover_s <= _TAKEOVER_S
    print(f"  taken over {takeover_s:.1f} s after the kill (at most {_TAKEOVER_S:g}): {_held_or(quick)}")
    return once and cheap and quick


def measure(bench: Bench, workers: int, latency_s: float) -> float:
    """Return how many transcripts a second so many workers grade in the middle of a run."""
    url = bench.server.new_database()
    items = workers * max(_FAST_ITEMS if latency_s < 1 else 0, bench.concurrency * (_ROUNDS + _RAMP))
    with ExitStack() as stack:
        provider = stack.enter_context(Provider(latency_s))
        others = [stack.enter_context(bench.worker(provider, url, f"w{number}")) for number in range(workers - 1)]
        for other in others:
            other.says("works")
        batch, _ = bench.batch(provider, url, 0, items)
        stack.enter_context(batch)
        moments: list[float] = []
        for share in _MIDDLE:
            until(lambda share=share: provider.stats()["requests"] >= share * items, 1800)
            moments.append(time.monotonic())
        if batch.ends(1800) != 0:
            raise RuntimeError(batch.text)
    low, high = _MIDDLE
    return (high - low) * items / (moments[1] - moments[0])


def _held(database: Database, life: str) -> int:
    """Return how many unfinished shards a worker's lives are said to hold."""
    asked = "SELECT count(*) FROM ev_shards WHERE finished = 0 AND owner LIKE :life"
    return int(database.read(lambda transaction: transaction.rows(asked, {"life": f"{life}%"}))[0][0])


def _held_or(held: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "held" if held else "MISSED"


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--latency-s", type=float, default=6.0, help="of the provider, while things fail")
    parser.add_argument("--concurrency", type=int, default=64, help="in flight at each worker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("failures", "throughput"))
    chosen = parser.parse_args()
    held = True
    with Postgres(fsync=True) as server, tempfile.TemporaryDirectory() as folder:
        bench = Bench(server, Path(folder), chosen.concurrency)
        if chosen.only != "throughput":
            held = fail(bench, chosen.items, chosen.latency_s, chosen.seed)
        if chosen.only != "failures":
            print(f"throughput: {chosen.concurrency} in flight at each worker")
            for latency_s in _LATENCIES_S:
                for workers in (1, 2, 3):
                    rate = measure(bench, workers, latency_s)
                    hourly = f"{rate * 3600:,.0f} transcripts an hour, {rate * 3600 / workers:,.0f} of each worker"
                    print(f"  {latency_s:g} s latency, {workers} workers: {rate:.1f}/s, {hourly}", flush=True)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
