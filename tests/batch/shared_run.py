"""Runs on a shared Postgres for tests and benchmarks: answers, a provider, and processes that can be killed.

``python -m tests.batch.shared_run work URL NAME BEAT_S LEASE_S`` is `evaluator work` with a rhythm of its own, and
``... batch URL FOLDER BEAT_S LEASE_S FIRST END`` a run of so many answers; both say what they do.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from evaluator.backends.sharing import Sharing
from evaluator.batch.records import Item
from evaluator.batch.roll import Rhythm
from evaluator.batch.run import BatchRun, Work
from evaluator.batch.spec import make_spec
from evaluator.cli.work import make_station, tend
from evaluator.judges.building import build_judge
from evaluator.rubric import load_rubric
from evaluator.run_judge import fit_plan, portable, run_judge
from evaluator.settings import load_settings
from evaluator.transcripts import parse_transcript
from tests.waiting import until

__all__ = ["Process", "Provider", "answer"]

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_STUB: Final = _ROOT / "tests" / "backends" / "provider_stub.py"
_PATIENCE_S: Final = 60.0


def answer(number: int) -> str:
    """Return a short answer that the fake provider knows by its number."""
    return (
        "Interviewer: How would you measure the new row?\n"
        f"Candidate: Item ITEM-{number}. I would fix the decision first, then measure the share of members who still "
        "watch weekly after eight weeks, by channel, and as a guardrail cancellations in the first week.\n"
    )


class Provider:
    """The fake provider as a process of its own."""

    def __init__(self, latency_s: float) -> None:
        """Start it."""
        command = [sys.executable, str(_STUB), "--latency-s", str(latency_s)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._address = f"http://127.0.0.1:{int(self._process.stdout.readline() if self._process.stdout else 0)}"

    def environment(self, url: str | None = None, **more: str) -> dict[str, str]:
        """Return the variables of a process that asks it."""
        chosen = {
            "EVALUATOR_BACKEND": "openai",
            "EVALUATOR_BASE_URL": f"{self._address}/v1",
            "OPENAI_API_KEY": "sk-nothing",
            "PYTHONPATH": str(_ROOT),
        }
        return {**os.environ, **chosen, **({"EVALUATOR_DATABASE_URL": url} if url else {}), **more}

    def stats(self) -> dict[str, Any]:
        """Return what it counted."""
        with urllib.request.urlopen(f"{self._address}/stats") as reply:  # noqa: S310 - our own address
            found: dict[str, Any] = json.load(reply)
        return found

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Process:
    """A process of the product, whose lines are kept as they come."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], given: str = "") -> None:
        """Start it with ``python -m``."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env=environment,
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        if self._process.stdin is not None:
            self._process.stdin.write(given)
            self._process.stdin.close()

    @classmethod
    def worker(cls, url: str, name: str, rhythm: Rhythm, environment: Mapping[str, str]) -> Self:
        """Start a worker."""
        beats = [str(rhythm.beat_s), str(rhythm.lease_s)]
        return cls(["tests.batch.shared_run", "work", url, name, *beats], environment)

    @classmethod
    def batch(cls, url: str, folder: Path, rhythm: Rhythm, environment: Mapping[str, str], items: range) -> Self:
        """Start a run of the answers of these numbers."""
        beats = [str(rhythm.beat_s), str(rhythm.lease_s)]
        arguments = ["tests.batch.shared_run", "batch", url, str(folder), *beats, str(items.start), str(items.stop)]
        return cls(arguments, environment)

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join(self.lines)

    def says(self, words: str) -> None:
        """Wait until it says something."""
        until(lambda: words in self.text or self._process.poll() is not None)
        assert words in self.text, self.text

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def ends(self, within_s: float = _PATIENCE_S) -> int:
        """Wait for its end, and return its exit code."""
        code = self._process.wait(within_s)
        self._reading.join()
        return code

    def close(self) -> None:
        """Kill it, if it lives, and wait for its end."""
        self._process.kill()
        self._process.wait()
        self._reading.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                self.lines.extend(line.rstrip("\n") for line in lines)


def _work(url: str, name: str, beat_s: str, lease_s: str) -> None:
    leaving = threading.Event()

    def leave(number: int, _: object) -> None:
        del number
        leaving.set()

    signal.signal(signal.SIGTERM, leave)
    settings = load_settings()
    station = make_station(url, settings, 16, name, Rhythm(beat_s=float(beat_s), lease_s=float(lease_s)))
    print(f"{station.name} works", flush=True)  # noqa: T201 - the starter reads it
    tend(station, leaving)
    print("left", flush=True)  # noqa: T201 - the starter reads it


def _batch(url: str, folder: str, beat_s: str, lease_s: str, *items: str) -> None:
    settings, rubric, sharing = load_settings(), load_rubric("netflix_pm_metrics"), Sharing()
    work = Work(
        folder=Path(folder),
        spec=make_spec(rubric, build_judge(settings.plan()), portable(settings)),
        judge=lambda spec, store, spent: run_judge(fit_plan(settings, spec), store, spent, sharing),
        concurrency=16,
        database_url=url,
        base="batch",
        sharers=sharing.share,
        rhythm=Rhythm(beat_s=float(beat_s), lease_s=float(lease_s)),
    )
    with BatchRun(work) as run:
        run.plan(Item(f"item-{number}", parse_transcript(answer(number))) for number in range(*map(int, items)))
        run.start()
        print("begun", flush=True)  # noqa: T201 - the starter reads it
        while run.going_on():
            pass
        records = [record.item for record in run.records() if hasattr(record, "evaluation")]
        told = run.progress()
    graded = {"records": len(records), "different": len(set(records)), "graded": told.graded, "failed": told.failed}
    print(json.dumps(graded), flush=True)  # noqa: T201 - the starter reads it


if __name__ == "__main__":
    {"work": _work, "batch": _batch}[sys.argv[1]](*sys.argv[2:])
