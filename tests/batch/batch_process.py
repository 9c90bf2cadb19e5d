"""The real command and a fake provider as processes, for what must hold when a process is killed.

Items name themselves in their words, so that the provider counts its calls by item and answers that were kept can be
told apart. Used by the kill tests and by ``bench/batch.py``.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self, cast

from evaluator.store.answers import unpack

__all__ = ["BatchCommand", "StubProcess", "answer_of", "kept_items", "kill", "write_inputs"]

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_STUB: Final = _ROOT / "tests" / "backends" / "provider_stub.py"
_ITEM: Final = re.compile(r"ITEM-(\d+)")
_SHORT: Final = (
    "I would decide by the share of new members who still watch weekly after four weeks, because that is what a "
    "subscription renews on, and I would stop if cancellations in the first week rise."
)


def answer_of(number: int, words: str = _SHORT) -> str:
    """Return a transcript that names its item in the candidate's first words."""
    return f"Interviewer: How would you measure success?\nCandidate: Item ITEM-{number} here. {words}\n"


def write_inputs(path: Path, count: int, *, words: str = _SHORT) -> Path:
    """Write so many transcripts as JSON lines, and return the path."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"text": answer_of(number, words)}) + "\n")
    return path


def kept_items(answers: Path) -> set[str]:
    """Return the numbers of the items whose answer is safe on the disk, from a copy that nobody writes."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / answers.name
        for path in answers.parent.glob(f"{answers.name}*"):
            shutil.copy(path, copy.with_name(path.name))
        if not copy.exists():
            return set()
        connection = sqlite3.connect(copy)
        try:
            rows = connection.execute("SELECT packed FROM answers").fetchall()
        except sqlite3.OperationalError:  # killed before the table was made
            return set()
        finally:
            connection.close()
    return {number for (packed,) in rows for number in _numbers(packed)}


def _numbers(packed: bytes) -> set[str]:
    for kept in unpack([packed]).opinions.values():
        for quote in kept.opinion.quotes:
            if found := _ITEM.search(quote.text):
                return {found.group(1)}
    return set()


class StubProcess:
    """The fake provider in a process of its own; ``with StubProcess(...) as stub``."""

    def __init__(self, latency_s: float, *, per_minute: float = 0.0) -> None:
        """Start it."""
        command = [sys.executable, str(_STUB), "--latency-s", str(latency_s), "--limit-rpm", str(per_minute)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def stats(self) -> dict[str, Any]:
        """Return its counters."""
        return self._ask("/stats")

    def reset(self) -> None:
        """Zero its counters."""
        self._ask("/reset")

    def sent(self) -> dict[str, int]:
        """Return how many requests came for each item."""
        return cast("dict[str, int]", self._ask("/items"))

    def _ask(self, path: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return cast("dict[str, Any]", json.loads(connection.getresponse().read()))
        finally:
            connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchCommand:
    """One command line of ``evaluator batch``, to be run again and again.

    Attributes:
        folder: Everything is in it: inputs, outputs, answers.
        url: Of the fake provider.
        in_flight: Most requests at once.
        options: Further options.
        environment: Further variables.
        program: What the interpreter runs.
    """

    folder: Path
    url: str
    in_flight: int
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    program: Sequence[str] = ("-m", "evaluator")

    @property
    def output(self) -> Path:
        """Output folder."""
        return self.folder / "out"

    @property
    def answers(self) -> Path:
        """File of answers."""
        return self.folder / "answers.sqlite"

    def start(self, *, told: int | IO[str] | None = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start it in a process group of its own; ``told`` is where its error stream goes."""
        command = [sys.executable, *self.program, "batch", str(self.folder / "in.jsonl"), "-o", str(self.output)]
        command += ["--backend", "openai", "--yes", "--concurrency", str(self.in_flight), "--cache", str(self.answers)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EVALUATOR_")}
        ours = {"PYTHONPATH": str(_ROOT), "OPENAI_API_KEY": "key", "EVALUATOR_BASE_URL": f"{self.url}/v1"}
        return subprocess.Popen(
            [*command, *self.options],
            env={**clean, **ours, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            text=True,
            start_new_session=True,
        )

    def run(self) -> tuple[int, str]:
        """Run it to its end; return the exit code and what it said."""
        process = self.start(told=subprocess.PIPE)
        _, said = process.communicate()
        return process.returncode, said

    def graded(self) -> list[tuple[str, str]]:
        """Return name and number-by-its-words of each evaluation that was written."""
        found: list[tuple[str, str]] = []
        with (self.output / "evaluations.jsonl").open(encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                words = " ".join(turn["text"] for turn in record["evaluation"]["transcript"]["turns"])
                number = _ITEM.search(words)
                found.append((record["item"], number.group(1) if number else ""))
        return found


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a process as a power cut would, without a chance to say a word; one that has ended stays ended."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
