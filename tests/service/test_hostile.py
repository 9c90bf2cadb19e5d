"""Tests of a service under senders of ill will, over bare sockets and in a process of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.service.hostile import (
    ATTACKS,
    Attack,
    idle_sockets,
    key_of,
    memory_mb,
    peak_mb,
    pulse,
    raw,
    slow_sockets,
)
from tests.service.running import ServerProcess, config_at, evaluation_body, running

pytestmark = pytest.mark.loopback

_GROWTH_MB: Final = 20.0
_SOCKETS: Final = 100
_SLOW: Final = {
    "a head": b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    "a second head": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /healthz HTTP/1.1\r\nX-A: ",
    "a body without a key": b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500000\r\n\r\n{",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[ServerProcess, str]]:
    """One process for the tests of this module, whose judge is loaded, and a key."""
    data = tmp_path_factory.mktemp("service")
    key = key_of(data)
    with ServerProcess(data) as server:
        with httpx2.Client(base_url=server.url, headers={"X-API-Key": key}, timeout=120.0, trust_env=False) as client:
            client.post("/v1/evaluations", json=evaluation_body()).raise_for_status()
            client.post(
                "/v1/agreement", content=b"{}\n", headers={"Content-Type": "application/jsonl"}
            )  # loads statistics
        raw(server.url, ATTACKS[0].pieces("127.0.0.1", key))  # what it takes in at most is there to be used again
        yield server, key


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_is_sent_in_bad_faith_is_refused(served: tuple[ServerProcess, str], attack: Attack) -> None:
    """Each is refused as it should be, the service stays healthy meanwhile, and it grows by 20 MB at most."""
    server, key = served
    before = memory_mb(server.process_id)
    with pulse(server.url) as health:
        assert raw(server.url, attack.pieces("127.0.0.1", key)) in attack.statuses
    assert not health.failed
    assert peak_mb(server.process_id) - before <= _GROWTH_MB


@pytest.mark.parametrize("kind", _SLOW)
def test_who_takes_too_long_is_hung_up_on(served: tuple[ServerProcess, str], kind: str) -> None:
    """Connections that drip a byte a second are closed, whatever they never finish; others are served meanwhile."""
    server, _ = served
    before = memory_mb(server.process_id)
    with pulse(server.url) as health:
        assert idle_sockets(slow_sockets(server.url, _SOCKETS, _SLOW[kind]), 30.0) == 0
    assert not health.failed
    assert peak_mb(server.process_id) - before <= _GROWTH_MB


def test_a_body_that_does_not_end_is_refused(tmp_path: Path) -> None:
    """It has so long to come, however much of it came."""
    with running(config_at(tmp_path, body_s=1.0)) as (client, _):
        head = (
            b"POST /v1/evaluations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 500000\r\n\r\n{"
        )
        assert raw(str(client.base_url), iter([head])) == 408


def test_requests_in_one_go_are_answered_in_their_order(served: tuple[ServerProcess, str]) -> None:
    """What stands behind a request is the next one, not a part of it."""
    server, key = served
    port = int(server.url.rpartition(":")[2])
    asks = [
        ("/healthz", ""),
        ("/v1/usage", f"X-API-Key: {key}\r\n"),
        ("/v1/usage", ""),
        ("/nowhere", "Connection: close\r\n"),
    ]
    sent = "".join(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n" for path, more in asks)
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as connection:
        connection.sendall(sent.encode())
        told = b""
        while piece := connection.recv(65536):
            told += piece
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", told)]
    assert statuses == [200, 200, 401, 404]


def test_what_is_no_http_gets_a_problem(served: tuple[ServerProcess, str]) -> None:
    """Even the answer to that is a problem whose type is what it says."""
    server, _ = served
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30.0) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        told = connection.recv(65536).decode()
    assert told.startswith("HTTP/1.1 400 ")
    assert "content-type: application/problem+json" in told
    assert "x-content-type-options: nosniff" in told.lower()
