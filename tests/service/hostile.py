"""What senders of ill will do, over bare sockets: endless bodies, slow ones, lies about lengths, bombs."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import math
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

__all__ = [
    "ATTACKS",
    "Attack",
    "Pulse",
    "idle_sockets",
    "key_of",
    "memory_mb",
    "peak_mb",
    "pulse",
    "raw",
    "slow_sockets",
]

_MB: Final = 1024 * 1024
_TIMEOUT_S: Final = 60.0
_LEAST: Final = 5  # times that health is asked for, however soon it is over
_ANY: Final = range(400, 500)


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile request.

    Attributes:
        name: What it does.
        pieces: Returns what is sent, for a host and a key, piece by piece.
        statuses: With which it may be answered; 0 stands for a closed connection.
    """

    name: str
    pieces: Callable[[str, str], Iterator[bytes]]
    statuses: tuple[int, ...]


@dataclass
class Pulse:
    """How fast ``/healthz`` answered while something went on."""

    taken_s: list[float] = field(default_factory=list[float])
    failed: int = 0

    @property
    def p99_s(self) -> float:
        """Time within which 99 of 100 were answered."""
        ordered = sorted(self.taken_s)
        return ordered[math.ceil(len(ordered) * 0.99) - 1] if ordered else math.inf


@contextmanager
def pulse(url: str, every_s: float = 0.05) -> Generator[Pulse]:
    """Ask for the health of a service all the while, each time on a new connection."""
    found, ended = Pulse(), threading.Event()

    def ask() -> None:
        while not ended.wait(every_s) or len(found.taken_s) < _LEAST:
            began = time.monotonic()
            status = raw(url, iter([b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"]))
            found.taken_s.append(time.monotonic() - began)
            found.failed += status != 200

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def key_of(data: Path) -> str:
    """Make the first key of a service, which allows everything, by the command for it."""
    command = [sys.executable, "-m", "evaluator", "keys", "create", "--tenant", "acme", "--scopes", "admin"]
    made = subprocess.run([*command, "--data", str(data)], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def raw(url: str, pieces: Iterator[bytes], patience_s: float = _TIMEOUT_S) -> int:
    """Send pieces until an answer comes; return its status, or 0 if the connection was closed without one."""
    with _connected(url, patience_s) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
            connection.settimeout(0.0)
            with contextlib.suppress(BlockingIOError, ConnectionResetError):
                if connection.recv(1, socket.MSG_PEEK):
                    break
            connection.settimeout(patience_s)
        connection.settimeout(patience_s)
        try:
            head = connection.recv(65536)
        except ConnectionResetError:
            return 0
    return int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0


def slow_sockets(url: str, count: int, head: bytes) -> list[socket.socket]:
    """Open connections that begin a request and don't go on."""
    opened: list[socket.socket] = []
    for _ in range(count):
        connection = _connected(url, _TIMEOUT_S)
        connection.sendall(head)
        opened.append(connection)
    return opened


def idle_sockets(opened: list[socket.socket], within_s: float) -> int:
    """Let each drip a byte a second; return how many the service still holds after so long."""
    ends = time.monotonic() + within_s
    held = list(opened)
    while held and time.monotonic() < ends:
        time.sleep(1.0)
        held = [connection for connection in held if _drips(connection)]
    for connection in opened:
        connection.close()
    return len(held)


def memory_mb(process: int) -> float:
    """Return what a process holds in memory, as the kernel counts it, and count its peak anew from there."""
    Path(f"/proc/{process}/clear_refs").write_text("5")
    return _memory(process, "VmRSS")


def peak_mb(process: int) -> float:
    """Return what a process held at most since `memory_mb`."""
    return _memory(process, "VmHWM")


def _memory(process: int, name: str) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(name))


def _drips(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"x")
        connection.settimeout(0.0)
        while data := connection.recv(65536):
            del data
    except BlockingIOError:
        connection.settimeout(_TIMEOUT_S)
        return True
    except OSError:
        return False
    return False


def _connected(url: str, patience_s: float) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((place.hostname or "", place.port or 80), timeout=patience_s)


def _head(host: str, key: str, path: str, *more: str, verb: str = "POST") -> bytes:
    lines = [f"{verb} {path} HTTP/1.1", f"Host: {host}", f"X-API-Key: {key}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _whole(path: str, kind: str, body: bytes, *more: str) -> Callable[[str, str], Iterator[bytes]]:
    def pieces(host: str, key: str) -> Iterator[bytes]:
        yield _head(host, key, path, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more)
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    return pieces


def _chunked(path: str, kind: str, size: int) -> Callable[[str, str], Iterator[bytes]]:
    def pieces(host: str, key: str) -> Iterator[bytes]:
        yield _head(host, key, path, f"Content-Type: {kind}", "Transfer-Encoding: chunked")
        chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        for _ in range(size // 65536):
            yield chunk
        yield b"0\r\n\r\n"

    return pieces


def _form(path: str, *parts: tuple[str, bytes]) -> Callable[[str, str], Iterator[bytes]]:
    body = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + name.encode() + b"\r\n\r\n" + data + b"\r\n"
        for name, data in parts
    )
    return _whole(path, "multipart/form-data; boundary=x", body + b"--x--\r\n")


def _zip_bomb(name: str, size: int) -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed,
        packed.open(name, "w", force_zip64=True) as entry,
    ):
        for _ in range(size // _MB):
            entry.write(b"Candidate: a" * (_MB // 12))
    return file.getvalue()


def _deep(depth: int) -> bytes:
    return b'{"transcript": ' + b"[" * depth + b"]" * depth + b"}"


def _sent(*pieces: bytes) -> Callable[[str, str], Iterator[bytes]]:
    return lambda host, key: iter(
        [piece.replace(b"HOST", host.encode()).replace(b"KEY", key.encode()) for piece in pieces]
    )


_JSON: Final = "application/json"
_ONE: Final = "/v1/evaluations"
_MANY: Final = "/v1/batches"
_FILE: Final = 'name="file"; filename="a.{}"'
_SMALL: Final = json.dumps({"transcript": "Candidate: a"}).encode()
ATTACKS: Final = (
    Attack("100 MB chunked, one evaluation", _chunked(_ONE, _JSON, 100 * _MB), (413,)),
    Attack("100 MB chunked, a batch", _chunked(_MANY, "application/jsonl", 100 * _MB), (413,)),
    Attack("100 MB chunked, a rubric", _chunked("/v1/rubrics", "application/yaml", 100 * _MB), (413,)),
    Attack("100 MB chunked, without a key", lambda host, _: _chunked(_ONE, _JSON, 100 * _MB)(host, "no"), (401,)),
    Attack(
        "100 MB told", _sent(_head("HOST", "KEY", _ONE, f"Content-Type: {_JSON}", "Content-Length: 104857600")), (413,)
    ),
    Attack("gzip bomb", _whole(_ONE, _JSON, gzip.compress(b"a" * 50 * _MB), "Content-Encoding: gzip"), (415, 422)),
    Attack(
        "gzip bomb, a batch",
        _whole(_MANY, "application/jsonl", gzip.compress(b"a" * 50 * _MB), "Content-Encoding: gzip"),
        (415, 422),
    ),
    Attack(
        "gzip bomb, agreement",
        _whole("/v1/agreement", "application/jsonl", gzip.compress(b"a" * 50 * _MB), "Content-Encoding: gzip"),
        (415, 422),
    ),
    Attack(
        "zip bomb as .docx", _form(_ONE, (_FILE.format("docx"), _zip_bomb("word/document.xml", 300 * _MB))), (413, 422)
    ),
    Attack("zip bomb as a batch", _form(_MANY, (_FILE.format("zip"), _zip_bomb("a.txt", 300 * _MB))), (202, 413, 422)),
    Attack("JSON 1,000 deep", _whole(_ONE, _JSON, _deep(1000)), (422,)),
    Attack("JSON 100,000 deep", _whole(_ONE, _JSON, _deep(100_000)), (422,)),
    Attack("JSON 10,000 deep in a webhook", _whole("/v1/webhooks", _JSON, _deep(10_000)), (422,)),
    Attack("JSON lines 100,000 deep", _whole(_MANY, "application/jsonl", _deep(100_000)), (202, 413, 422)),
    Attack("YAML 100,000 deep", _whole("/v1/rubrics", "application/yaml", b"[" * 100_000), (422,)),
    Attack(
        "10,000 fields in a form", _form(_ONE, *((f'name="f{number}"', b"a") for number in range(10_000))), tuple(_ANY)
    ),
    Attack(
        "1,000 files in a form", _form(_ONE, *((_FILE.format(number), b"a") for number in range(1000))), tuple(_ANY)
    ),
    Attack("a field of 5 MB in a form", _form(_ONE, ('name="options"', b"a" * 5 * _MB)), tuple(_ANY)),
    Attack(
        "a head of 1 MB",
        _sent(*[b"GET /healthz HTTP/1.1\r\n"], *(b"X-%d: " % number + b"a" * 1000 + b"\r\n" for number in range(1000))),
        (400, 431, 0),
    ),
    Attack(
        "two lengths", _sent(_head("HOST", "KEY", _ONE, "Content-Length: 5", "Content-Length: 6") + b"abcdef"), (400,)
    ),
    Attack(
        "a length and chunks",
        _sent(
            _head("HOST", "KEY", _ONE, f"Content-Type: {_JSON}", "Content-Length: 5", "Transfer-Encoding: chunked")
            + b"0\r\n\r\n"
        ),
        tuple(_ANY),
    ),
    Attack("a negative length", _sent(_head("HOST", "KEY", _ONE, "Content-Length: -5")), (400,)),
    Attack(
        "a length of 30 digits",
        _sent(_head("HOST", "KEY", _ONE, f"Content-Type: {_JSON}", f"Content-Length: {'9' * 30}")),
        (400, 413),
    ),
    Attack("two hosts", _sent(_head("HOST", "KEY", "/readyz", "Host: other", verb="GET")), (400,)),
    Attack("a null in a header", _sent(_head("HOST", "KEY", "/v1/usage", "X-A: \0", verb="GET")), (400,)),
    Attack("no ASCII in a key", _sent(_head("HOST", "\xff\xfe", "/v1/usage", verb="GET")), (401,)),
    Attack(
        "two keys",
        _sent(_head("HOST", "KEY", "/v1/usage", "X-API-Key: other", "Authorization: Bearer no", verb="GET")),
        (401,),
    ),
    Attack("no HTTP", _sent(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 40 + b"\r\n\r\n"), (400, 0)),
    Attack(
        "path traversal", _sent(_head("HOST", "KEY", "/v1/rubrics/..%2f..%2f..%2fetc%2fpasswd", verb="GET")), (404, 422)
    ),
    Attack(
        "an absolute path as a rubric",
        _whole(_ONE, _JSON, json.dumps({"transcript": "a: b", "rubric": "/etc/passwd"}).encode()),
        (404, 422),
    ),
    Attack(
        "nulls in a candidate's id",
        _whole(_ONE, _JSON, json.dumps({"transcript": "a: b", "candidate": "a\0b"}).encode()),
        (422,),
    ),
    Attack("half a surrogate pair", _whole(_ONE, _JSON, b'{"transcript": "a: \\ud800 b", "store": true}'), (422,)),
    Attack(
        "half a surrogate pair in a review",
        _whole("/v1/webhooks", _JSON, b'{"url": "https://a.example/", "description": "\\ud800"}'),
        (422,),
    ),
)
