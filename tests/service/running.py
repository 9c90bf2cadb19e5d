"""A service for tests: the real application on a real socket, in this process or in one that can be killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import httpx2
import uvicorn

from evaluator.service.app import create_app
from evaluator.service.config import ServiceConfig
from evaluator.service.context import Service
from evaluator.settings import Settings
from tests.waiting import until

__all__ = ["ANSWER", "ServerProcess", "config_at", "evaluation_body", "running"]

ANSWER: Final = (
    "Interviewer: How would you measure the new row?\n"
    "Candidate: The goal is retention, so I would measure the share of members who still watch weekly after eight "
    "weeks, because a habit keeps them. As a guardrail I would watch cancellations in the first week."
)
_STARTING_S: Final = 60.0
_ROOT: Final = Path(__file__).resolve().parent.parent.parent


def config_at(data: Path, **changes: Any) -> ServiceConfig:  # noqa: ANN401 - any field of the config
    """Return how a test's service runs."""
    return replace(ServiceConfig(data=data, settings=Settings(), drain_s=5.0), **changes)


def evaluation_body(number: int = 0, **members: object) -> dict[str, object]:
    """Return a request for one evaluation, of words that differ by number."""
    return {"transcript": f"{ANSWER} This is answer {number}.", **members}


@contextmanager
def running(config: ServiceConfig) -> Generator[tuple[httpx2.Client, Service]]:
    """Serve in a thread; yield a client, and the parts inside."""
    app = create_app(config)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx2.Client(base_url=base, timeout=60.0, trust_env=False) as client:
            yield client, app.state.service
    finally:
        server.should_exit = True
        thread.join(30.0)
        listening.close()


class ServerProcess:
    """`evaluator serve` as a process of its own."""

    def __init__(self, data: Path, port: int = 0, environment: Mapping[str, str] | None = None) -> None:
        """Start it; `url` is known when it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "evaluator", "serve", "--data", str(data), "--port", str(port)],
            cwd=_ROOT,
            env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._address = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._address.wait(_STARTING_S):
            self.kill()
            raise TimeoutError(" ".join(self.said))

    @property
    def url(self) -> str:
        """Where it listens."""
        found = re.search(r"http://[\d.:]+", " ".join(self.said))
        return found.group() if found else ""

    @property
    def process_id(self) -> int:
        """Id of its process."""
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def terminate(self) -> int:
        """Ask it to end; return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(30.0)
        self._reader.join()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line.strip())
            if "serving on" in line:
                self._address.set()
        self._process.stderr.close()
        self._address.set()
