"""A fake of both providers' batch APIs, as a function of requests: behind a transport or behind a port.

It does what the documentation says: OpenAI's files and batches, Anthropic's message batches, results out of order, and
counts what it was asked, so that a client's own story about paying once can be checked. Every object that it sends is
checked against the SDK's own types first. What becomes of a request is decided by `BatchStub.fate`.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import email
import email.policy
import json
import random
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast
from urllib.parse import parse_qs, urlsplit

import anthropic.types.messages
import httpx2
import openai.types
from openai.types.responses import Response
from provider_stub import judged_reply, message, response
from pydantic import TypeAdapter

__all__ = ["Batch", "BatchStub", "Fate", "Fault", "served"]

Json = dict[str, Any]
Fate = Literal["done", "expired", "refused", "overloaded", "filtered", "silent", "unreadable"]

_OPENAI_REFUSALS: Final = {
    "refused": (400, "invalid_value"),
    "overloaded": (500, "server_error"),
    "filtered": (400, "content_policy_violation"),
}
_ANTHROPIC_REFUSALS: Final = {"refused": "invalid_request_error", "overloaded": "overloaded_error"}
_CREATE_PARAMS: Final = TypeAdapter(openai.types.BatchCreateParams)
_NONCE: Final = re.compile(r"request-[0-9a-f]{32}")


@dataclass
class Batch:
    """One batch at the provider.

    Attributes:
        id: The provider's name.
        entries: Body of each request by its ``custom_id``.
        made: What was sent to create it.
        fates: What becomes of each, decided when it is created.
        looks: How often its state was asked.
        cancelled: Whether it was asked to end.
        created_at: Seconds since 1970.
    """

    id: str
    entries: dict[str, Json]
    made: Json
    fates: dict[str, Fate]
    created_at: float
    looks: int = 0
    cancelled: bool = False


@dataclass
class Fault:
    """What goes wrong with one call, once.

    Attributes:
        call: ``POST /v1/batches`` and so on: how the call begins, or all of it if it ends in ``$``.
        status: What is answered; ``None`` breaks the connection off.
        done: Whether the call takes effect nevertheless.
        cut: Part of a good answer's bytes that arrive, whole lines or not; the rest is lost.
        hang: Called instead of answering; the answer waits for it.
        headers: Of the answer.
    """

    call: str
    status: int | None = 500
    done: bool = False
    cut: float | None = None
    hang: asyncio.Event | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class BatchStub:
    """The provider."""

    def __init__(
        self,
        *,
        looks: int = 2,
        fate: Callable[[int, int], Fate] | None = None,
        reply: Callable[[Json], str] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Hold how to answer.

        Args:
            looks: A batch has ended when its state is asked so often, or an hour after it was created.
            fate: What becomes of a request: by the number of its batch, and its own; all are done if not given.
            reply: Text of the reply to a request; `judged_reply` if not given.
            clock: Seconds since 1970; real if not given.
        """
        self.looks = looks
        self.fate: Callable[[int, int], Fate] = fate or _all_done
        self.reply: Callable[[Json], str] = reply or judged_reply
        self.clock = clock or (lambda: dt.datetime.now(dt.UTC).timestamp())
        self.batches: list[Batch] = []
        self.files: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.whole: str | None = None
        self.ends_s = 3600.0  # a batch ends whether anybody looks or not
        self.name_batch: Callable[[str], str] = str
        self.answered: Counter[str] = Counter()
        self._random = random.Random(7)

    @property
    def requests(self) -> int:
        """How many requests were ever put into a batch."""
        return sum(len(batch.entries) for batch in self.batches)

    @property
    def paid(self) -> int:
        """How many of them were answered, so that they cost something."""
        return sum(fate in {"done", "silent", "unreadable"} for batch in self.batches for fate in batch.fates.values())

    @property
    def asked_twice(self) -> list[str]:
        """What was answered more than once, nonces left out."""
        return [asked for asked, count in self.answered.items() if count > 1]

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as a transport."""
        url = urlsplit(str(request.url))
        status, headers, body = await self.handle(
            request.method, url.path, url.query, dict(request.headers), await request.aread()
        )
        return httpx2.Response(status, headers=headers, content=body)

    async def handle(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a call.

        Raises:
            httpx2.ReadError: The connection breaks off.
        """
        call = f"{method} {path}"
        self.calls[re.sub(r"(batch|file|msgbatch)_\d+", r"\1", call)] += 1
        fault = next((f for f in self.faults if re.match(f.call, call)), None)
        if fault is None:
            return 200, {"content-type": "application/json"}, self._done(method, path, query, headers, body)
        self.faults.remove(fault)
        done = self._done(method, path, query, headers, body) if fault.done or fault.cut is not None else b""
        if fault.hang is not None:
            await fault.hang.wait()
        if fault.cut is not None:
            return 200, {}, done[: int(len(done) * fault.cut)]
        if fault.status is None:
            raise httpx2.ReadError("broken off")
        error = {"message": "scripted", "type": "scripted", "code": None, "param": None}
        return fault.status, fault.headers, json.dumps({"type": "error", "error": error}).encode()

    def _done(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> bytes:
        asked = parse_qs(query)
        routes: list[tuple[str, Callable[[str], bytes | Json]]] = [
            ("POST /v1/files", lambda _: self._upload(headers, body)),
            ("GET /v1/files/(.+)/content", lambda name: self.files[name]),
            ("POST /v1/batches", lambda _: self._create_openai(json.loads(body))),
            ("GET /v1/batches", lambda _: self._list(asked.get("after", [None])[0], self._openai)),
            ("GET /v1/batches/([^/]+)", lambda name: self._openai(self._looked(name))),
            ("POST /v1/batches/([^/]+)/cancel", lambda name: self._openai(self._cancelled(name))),
            ("POST /v1/messages/batches", lambda _: self._create_anthropic(headers, body)),
            ("GET /v1/messages/batches", lambda _: self._list(asked.get("after_id", [None])[0], self._anthropic)),
            ("GET /v1/messages/batches/([^/]+)", lambda name: self._anthropic(self._looked(name))),
            ("GET /v1/messages/batches/([^/]+)/results", lambda name: self._anthropic_results(self._named(name))),
            ("POST /v1/messages/batches/([^/]+)/cancel", lambda name: self._anthropic(self._cancelled(name))),
        ]
        for route, do in routes:
            if found := re.fullmatch(route, f"{method} {path}"):
                done = do(found.group(found.lastindex or 0))
                return done if isinstance(done, bytes) else json.dumps(done).encode()
        raise AssertionError(f"no such call: {method} {path}")

    def _named(self, name: str) -> Batch:
        return next(batch for batch in self.batches if batch.id == name)

    def _looked(self, name: str) -> Batch:
        batch = self._named(name)
        batch.looks += 1
        return batch

    def _cancelled(self, name: str) -> Batch:
        batch = self._named(name)
        batch.cancelled = True
        batch.fates = {key: "expired" if i % 2 else fate for i, (key, fate) in enumerate(batch.fates.items())}
        batch.looks = self.looks
        return batch

    def _ended(self, batch: Batch) -> bool:
        return batch.looks >= self.looks or self.clock() - batch.created_at > self.ends_s

    def _list(self, after: str | None, form: Callable[[Batch], Json]) -> Json:
        newest = self.batches[::-1]
        start = 1 + [batch.id for batch in newest].index(after) if after else 0
        page = newest[start : start + 2]  # small pages, so that the next one has to be asked for
        data = [form(batch) for batch in page]
        more = start + 2 < len(newest)
        ends = {"first_id": page[0].id, "last_id": page[-1].id} if page else {"first_id": None, "last_id": None}
        return {"object": "list", "data": data, "has_more": more, **ends}

    def _add(self, name: str, entries: dict[str, Json], made: Json) -> Batch:
        number = len(self.batches)
        assert len(entries) > 0
        fates: dict[str, Fate] = {key: self.fate(number, i) for i, key in enumerate(entries)}
        for key, body in entries.items():
            self.answered[_NONCE.sub("", json.dumps(body))] += fates[key] == "done"
        batch = Batch(self.name_batch(f"{name}_{number}"), entries, made, fates, self.clock())
        self.batches.append(batch)
        return batch

    def _shuffled(self, batch: Batch) -> list[tuple[str, Json, Fate]]:
        lines: list[tuple[str, Json, Fate]] = [(key, body, batch.fates[key]) for key, body in batch.entries.items()]
        self._random.shuffle(lines)
        return [line for line in lines if line[2] != "silent"]

    # OpenAI

    def _upload(self, headers: Mapping[str, str], body: bytes) -> bytes:
        kind = headers["content-type"]
        form = email.message_from_bytes(
            b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP
        )
        parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        content = cast("bytes", parts["file"].get_payload(decode=True))
        told = {name: part.get_content().strip() for name, part in parts.items() if name != "file"}
        assert told["purpose"] == "batch"
        assert told["expires_after[anchor]"] == "created_at"
        assert 3600 <= int(told["expires_after[seconds]"]) <= 2_592_000
        name = f"file_{len(self.files)}"
        self.files[name] = content
        made: Json = {"id": name, "object": "file", "bytes": len(content), "created_at": int(self.clock())}
        made |= {"filename": parts["file"].get_filename(), "purpose": "batch", "status": "processed"}
        openai.types.FileObject.model_validate(made)
        return json.dumps(made).encode()

    def _create_openai(self, made: Json) -> Json:
        _CREATE_PARAMS.validate_python(made, strict=True)
        lines = [json.loads(line) for line in self.files[made["input_file_id"]].split(b"\n") if line]
        assert {(line["method"], line["url"]) for line in lines} == {("POST", made["endpoint"])}
        entries = {line["custom_id"]: line["body"] for line in lines}
        assert len(entries) == len(lines) <= 50_000
        return self._openai(self._add("batch", entries, made))

    def _openai(self, batch: Batch) -> Json:
        expired = "expired" in batch.fates.values()
        status = "in_progress"
        body: Json = {"id": batch.id, "object": "batch", "created_at": int(batch.created_at)}
        body |= {key: batch.made.get(key) for key in ("endpoint", "input_file_id", "completion_window", "metadata")}
        if self.whole:
            failed = {"object": "list", "data": [{"code": self.whole, "message": "scripted", "line": 1, "param": None}]}
            body |= {"status": "failed", "errors": failed}
        elif self._ended(batch):
            status = "cancelled" if batch.cancelled else "expired" if expired else "completed"
            body |= {"status": status, **self._result_files(batch)}
        else:
            body |= {"status": status}
        openai.types.Batch.model_validate(body)
        return body

    def _result_files(self, batch: Batch) -> Json:
        good: list[str] = []
        bad: list[str] = []
        for number, (key, body, fate) in enumerate(self._shuffled(batch)):
            line: Json = {"id": f"batch_req_{number}", "custom_id": key, "response": None, "error": None}
            if fate == "done":
                answer = response(self.reply(body), model=body["model"])
                Response.model_validate(answer)
                line["response"] = {"status_code": 200, "request_id": f"req_{number}", "body": answer}
                good.append(json.dumps(line, ensure_ascii=False))
            elif fate == "unreadable":
                good.append('{"custom_id": "' + key)
            elif fate == "expired":
                line["error"] = {"code": "batch_cancelled" if batch.cancelled else "batch_expired", "message": "late"}
                bad.append(json.dumps(line))
            else:
                status, code = _OPENAI_REFUSALS[fate]
                error = {"message": "no", "type": "invalid_request_error", "param": None, "code": code}
                line["response"] = {"status_code": status, "request_id": f"req_{number}", "body": {"error": error}}
                bad.append(json.dumps(line))
        files: Json = {"output_file_id": None, "error_file_id": None}
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                file_id = files[f"{name}_file_id"] = f"{name}-{batch.id}"
                self.files[file_id] = "".join(f"{line}\n" for line in lines).encode()
        return files

    # Anthropic

    def _create_anthropic(self, headers: Mapping[str, str], body: bytes) -> Json:
        assert int(headers["content-length"]) == len(body)
        made = json.loads(body)
        entries = {entry["custom_id"]: entry["params"] for entry in made["requests"]}
        assert len(entries) == len(made["requests"]) <= 100_000
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", key) for key in entries)
        return self._anthropic(self._add("msgbatch", entries, {}))

    def _anthropic(self, batch: Batch) -> Json:
        ended = self._ended(batch)
        names = {"done": "succeeded", "silent": "succeeded", "unreadable": "succeeded", "expired": "expired"}
        counts = Counter(names.get(fate, "errored") for fate in batch.fates.values()) if ended else Counter[str]()
        tallies = {name: counts[name] for name in ("canceled", "errored", "expired", "succeeded")}
        created = dt.datetime.fromtimestamp(batch.created_at, dt.UTC)
        body: Json = {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {**tallies, "processing": 0 if ended else len(batch.entries)},
            "created_at": created.isoformat(),
            "expires_at": (created + dt.timedelta(hours=24)).isoformat(),
            "ended_at": created.isoformat() if ended else None,
            "results_url": "https://elsewhere.example/steal-the-key" if ended else None,
        }
        anthropic.types.messages.MessageBatch.model_validate(body)
        return body

    def _anthropic_results(self, batch: Batch) -> bytes:
        lines: list[str] = []
        for key, body, fate in self._shuffled(batch):
            if fate == "unreadable":
                lines.append('{"custom_id": "' + key)
                continue
            result: Json = {"type": "canceled" if batch.cancelled else "expired"}
            if fate == "done":
                result = {"type": "succeeded", "message": message(self.reply(body), model=body["model"])}
            elif fate in _ANTHROPIC_REFUSALS:
                error = {"type": _ANTHROPIC_REFUSALS[fate], "message": "no"}
                result = {"type": "errored", "error": {"type": "error", "error": error, "request_id": "req_1"}}
            line = {"custom_id": key, "result": result}
            anthropic.types.messages.MessageBatchIndividualResponse.model_validate(line)
            lines.append(json.dumps(line, ensure_ascii=False))
        return "".join(f"{line}\n" for line in lines).encode()


def _all_done(_batch: int, _number: int) -> Fate:
    return "done"


@asynccontextmanager
async def served(stub: BatchStub) -> AsyncGenerator[str]:
    """Serve a stub on 127.0.0.1 and give its address; each connection answers once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        try:
            status, extra, content = await stub.handle(method, url.path, url.query, headers, body)
            told = {**extra, "content-length": str(len(content)), "connection": "close"}
            lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in told.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
            await writer.drain()
        except (httpx2.ReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()
