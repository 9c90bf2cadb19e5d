"""Whether senders of ill will get anywhere: endless and slow bodies, bombs, lies about lengths, 500 sockets that drip.

``PYTHONPATH=. python bench/hostile.py`` starts ``evaluator serve`` in a folder of its own, makes a key, and sends each
of them over bare sockets, while another thread asks for ``/healthz`` twenty times a second. The bars: each refused with
a 4xx or closed, memory grows by 20 MB at most (counted after one ordinary request of each kind, which loads the judge),
``/healthz`` within 1 s in 99 of 100 cases.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import httpx2

from tests.service.hostile import ATTACKS, idle_sockets, key_of, memory_mb, peak_mb, pulse, raw, slow_sockets
from tests.service.running import ServerProcess, evaluation_body, until

_GROWTH_MB: Final = 20.0
_HEALTH_S: Final = 1.0
_HELD_S: Final = 45.0
_SLOW: Final = {
    "slow heads": b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    "slow bodies": b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: KEY\r\n"
    b"Content-Type: application/json\r\nContent-Length: 5000000\r\n\r\n{",
    "slow bodies without a key": b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500000\r\n\r\n{",
    "slow chunks": b"POST /v1/batches HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: KEY\r\n"
    b"Content-Type: application/jsonl\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{",
    "slow second heads": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /healthz HTTP/1.1\r\nX-A: ",
}


def main() -> int:
    """Run all and print a table; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=500, help="slow sockets of each kind")
    sockets = parser.parse_args().sockets
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        key = key_of(Path(folder))
        with ServerProcess(Path(folder)) as server:
            _warm(server.url, key)
            first = memory_mb(server.process_id)
            print(f"{'attack':40} {'answer':>9} {'s':>6} {'MB':>7} {'healthz p99 s':>14}")
            for attack in ATTACKS:
                before, began = memory_mb(server.process_id), time.monotonic()
                with pulse(server.url) as health:
                    status = raw(server.url, attack.pieces("127.0.0.1", key))
                took_s, grown = time.monotonic() - began, peak_mb(server.process_id) - before
                bad = status not in attack.statuses or grown > _GROWTH_MB or health.failed
                bad = bad or (bool(health.taken_s) and health.p99_s > _HEALTH_S)
                missed += bool(bad)
                print(_row(attack.name, str(status), took_s, grown, health.p99_s, bad=bool(bad)), flush=True)
            for name, head in _SLOW.items():
                before, began = memory_mb(server.process_id), time.monotonic()
                with pulse(server.url) as health:
                    opened = slow_sockets(server.url, sockets, head.replace(b"KEY", key.encode()))
                    held = idle_sockets(opened, _HELD_S)
                grown = peak_mb(server.process_id) - before
                took_s = time.monotonic() - began
                bad = bool(held or grown > _GROWTH_MB or health.failed or health.p99_s > _HEALTH_S)
                missed += bad
                print(_row(f"{sockets} {name}", f"{held} held", took_s, grown, health.p99_s, bad=bad), flush=True)
            print(f"memory: {first:.0f} MB at first, {memory_mb(server.process_id):.0f} MB at the end")
    print(f"{missed} bars missed")
    return 1 if missed else 0


def _row(name: str, answer: str, took_s: float, grown: float, health_s: float, *, bad: bool) -> str:  # noqa: PLR0913 - a row's cells
    return f"{name:40} {answer:>9} {took_s:6.1f} {grown:+7.1f} {health_s:14.3f}{'  MISSED' if bad else ''}"


def _warm(url: str, key: str) -> None:
    """Let the service load what it needs for ordinary work."""
    with httpx2.Client(base_url=url, headers={"X-API-Key": key}, timeout=120.0, trust_env=False) as client:
        for number in range(20):
            client.post("/v1/evaluations", json=evaluation_body(number)).raise_for_status()
        made = client.post("/v1/batches", content=b'{"text": "a: b"}\n', headers={"Content-Type": "application/jsonl"})
        until(lambda: client.get(f"/v1/batches/{made.json()['id']}").json()["status"] == "completed", 60.0)
        client.post("/v1/rubrics/validate", content=b"a: 1", headers={"Content-Type": "application/yaml"})


if __name__ == "__main__":
    sys.exit(main())
