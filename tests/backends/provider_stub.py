"""A fake provider on 127.0.0.1 that speaks OpenAI's Responses, OpenAI's chat completions and Anthropic's Messages.

In tests it runs inside the test's own loop; benchmarks start it as a process (``python provider_stub.py``). It answers
after a fixed latency, injects faults by a seeded schedule or by a script, and counts what it saw, so that a client's
own story about retries can be checked. A request whose body holds ``ITEM-<digits>`` belongs to that item. Replies to
the product's judge are plausible: a verdict for each criterion of the schema, quoted from the candidate's first turn.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import re
import sys
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast

__all__ = ["Answer", "Faults", "ProviderStub", "Seen", "chat_completion", "judged_reply", "message", "response"]

_ITEM: Final = re.compile(rb"ITEM-(\d+)")
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests", 500: "Server Error"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of requests that go wrong, decided by seed, item and attempt.

    Attributes:
        too_many: Answered 429.
        server: Answered 500.
        dropped: The connection breaks.
        cut: The reply is cut off at its token limit.
        retry_after_s: What a 429 asks for.
        seed: Of the schedule.
    """

    too_many: float = 0.0
    server: float = 0.0
    dropped: float = 0.0
    cut: float = 0.0
    retry_after_s: float = 0.05
    seed: int = 1

    def draw(self, item: bytes, attempt: int) -> str:
        """Return what happens to this attempt: the name of a share, or ``none``."""
        digest = hashlib.blake2b(b"%d|%s|%d" % (self.seed, item, attempt), digest_size=8).digest()
        left = int.from_bytes(digest, "big") / 2**64
        for name in ("too_many", "server", "dropped", "cut"):
            left -= getattr(self, name)
            if left < 0:
                return name
        return "none"


@dataclass(frozen=True, slots=True)
class Answer:
    """A scripted answer: sent instead of the usual one."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_s: float = 0.0
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: Json


class ProviderStub:
    """The server; ``async with ProviderStub() as stub`` gives it with `url` set."""

    def __init__(
        self,
        *,
        latency_s: float = 0.0,
        faults: Faults | None = None,
        reply: Callable[[Json], str] | None = None,
        keep: bool = True,
        per_minute: float = 0.0,
    ) -> None:
        """Hold how to answer.

        Args:
            latency_s: Before each good answer.
            faults: What goes wrong.
            reply: Text of the reply to a request body; `judged_reply` if not given.
            keep: Whether to keep the requests in `seen`.
            per_minute: Most requests a minute, as a bucket that holds one second's worth; 0 sets no limit.
        """
        self.bucket = _Bucket(per_minute) if per_minute else None
        self.latency_s = latency_s
        self.faults = faults or Faults()
        self.reply = reply or judged_reply
        self.keep = keep
        self.script: deque[Answer] = deque()
        self.seen: list[Seen] = []
        self.reset()
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self.connected: set[asyncio.Transport] = set()

    def reset(self) -> None:
        """Zero the counters."""
        self.requests = 0
        self.first_s = self.last_s = 0.0
        self.in_flight = 0
        self.peak = 0
        self.sent: Counter[bytes] = Counter()
        self.good: Counter[bytes] = Counter()
        self.happened: defaultdict[str, int] = defaultdict(int)

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def repeats_after_good(self) -> int:
        """How many good answers went to items that already had one."""
        return sum(count - 1 for count in self.good.values())

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on a port; 0 takes any free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for transport in list(self.connected):
            transport.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def opened(self, transport: asyncio.Transport) -> None:
        """Count a connection."""
        self.connections += 1
        self.connected.add(transport)

    def closed(self, transport: asyncio.Transport | None) -> None:
        """Forget a connection."""
        if transport is not None:
            self.connected.discard(transport)

    def stats(self) -> Json:
        """Return the counters."""
        return {
            "requests": self.requests,
            "cpu_s": time.process_time(),
            "first_s": self.first_s,
            "last_s": self.last_s,
            "peak": self.peak,
            "connections": self.connections,
            "items": len(self.sent),
            "items_good": len(self.good),
            "most_per_item": max(self.sent.values(), default=0),
            "repeats_after_good": self.repeats_after_good,
            "happened": dict(self.happened),
        }

    def plan(self, path: str, headers: Mapping[str, str], raw: bytes) -> Answer:
        """Return the answer to a request."""
        self.requests += 1
        self.last_s = time.time()
        self.first_s = self.first_s or self.last_s
        found = _ITEM.search(raw)
        item = found.group(1) if found else b"%d" % self.requests
        self.sent[item] += 1
        body: Json = json.loads(raw)
        if self.keep:
            self.seen.append(Seen(path, headers, body))
        if self.script:
            self.happened["scripted"] += 1
            return self.script.popleft()
        short_s = self.bucket.take() if self.bucket else 0.0
        if short_s:
            self.happened["limited"] += 1
            retry = {"retry-after": f"{short_s:.3f}"}
            return Answer(429, _error(path, "rate_limit_exceeded"), retry, delay_s=0.005)
        fault = self.faults.draw(item, self.sent[item])
        self.happened[fault] += 1
        match fault:
            case "too_many":
                retry = {"retry-after": f"{self.faults.retry_after_s:g}"}
                return Answer(429, _error(path, "rate_limit_exceeded"), retry, delay_s=0.002)
            case "server":
                return Answer(500, _error(path, "server_error"), delay_s=self.latency_s / 2)
            case "dropped":
                return Answer(drop=True, delay_s=self.latency_s / 2)
            case _:
                if fault == "none":
                    self.good[item] += 1
                return Answer(200, _answer(path, body, self.reply(body), cut=fault == "cut"), delay_s=self.latency_s)


class _Bucket:
    """Tokens that come at a steady rate; what a second brings is all that it holds."""

    def __init__(self, per_minute: float) -> None:
        self._per_s = per_minute / 60
        self._holds = max(1.0, self._per_s)
        self._tokens = self._holds
        self._seen_s = time.monotonic()

    def take(self) -> float:
        """Take a token and return 0; or, if there is none, return the seconds until there is one."""
        now = time.monotonic()
        self._tokens = min(self._holds, self._tokens + (now - self._seen_s) * self._per_s)
        self._seen_s = now
        if self._tokens < 1:
            return (1 - self._tokens) / self._per_s
        self._tokens -= 1
        return 0.0


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection: bodies of known length, answered in order."""

    def __init__(self, stub: ProviderStub) -> None:
        self._stub = stub
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop has a class of its own
        self._transport = transport
        self._stub.opened(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._stub.closed(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in lines)
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            stop = end + 4 + int(headers.get("content-length", "0"))
            if len(self._buffer) < stop:
                return
            raw = bytes(self._buffer[end + 4 : stop])
            del self._buffer[:stop]
            self._handle(first.split(" ")[0], first.split(" ")[1], headers, raw)

    def _handle(self, method: str, path: str, headers: Mapping[str, str], raw: bytes) -> None:
        stub = self._stub
        if method != "POST" or path in {"/stats", "/reset", "/items"}:
            if path == "/reset":
                stub.reset()
            told = {item.decode(): count for item, count in stub.sent.items()} if path == "/items" else stub.stats()
            self._write(Answer(200, json.dumps(told).encode()))
            return
        stub.in_flight += 1
        stub.peak = max(stub.peak, stub.in_flight)
        answer = stub.plan(path, headers, raw)
        asyncio.get_running_loop().call_later(answer.delay_s, self._finish, answer)

    def _finish(self, answer: Answer) -> None:
        self._stub.in_flight -= 1
        if self._transport is None:
            self._stub.happened["client_gone"] += 1
        elif answer.drop:
            self._transport.abort()
        else:
            self._write(answer)

    def _write(self, answer: Answer) -> None:
        if self._transport is None:
            return
        number = self._stub.requests
        lines = [
            f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Other')}",
            "content-type: application/json",
            f"content-length: {len(answer.body)}",
            f"x-request-id: req_{number}",
            f"request-id: req_{number}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        self._transport.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body)


def judged_reply(body: Json) -> str:
    """Return a reply to the product's judge: every criterion absent, each with other words of the candidate's."""
    schema = _schema(body)
    try:
        verdict = schema["properties"]["verdicts"]["items"]["properties"]
        criteria = verdict["criterion"]["enum"]
    except KeyError:
        return '{"answer": "ok"}'
    quotes = _quotes(_judged_text(body), len(criteria))
    verdicts = [
        {
            "criterion": criterion,
            "reasoning": "The answer names what it would measure and why, so that this failure is not there.",
            "verdict": "absent",
            "quotes": [quotes[place]] if quotes else [],
            "confidence": 0.9,
        }
        for place, criterion in enumerate(criteria)
    ]
    better = {
        "goal_and_metric": "I would decide by retention.",
        "guardrail": "I would watch support contacts.",
        "instrumentation": "I would log each start and each cancellation.",
    }
    texts = {"summary": "A clear answer.", "better_answer": better, "follow_up_questions": ["What would you log?"]}
    return json.dumps({"verdicts": verdicts, **texts})


def response(
    text: str, *, cut: bool = False, model: str = "gpt-6-luna", tokens: tuple[int, int, int] = (6000, 0, 1500)
) -> Json:
    """Return an answer of the Responses API; tokens are input, cached of it, output."""
    said: Json = {
        "type": "message",
        "id": "msg_1",
        "status": "incomplete" if cut else "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_795_000_000,
        "status": "incomplete" if cut else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, said],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": tokens[0],
            "input_tokens_details": {"cached_tokens": tokens[1], "cache_write_tokens": 0},
            "output_tokens": tokens[2],
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": tokens[0] + tokens[2],
        },
    }


def chat_completion(
    text: str, *, cut: bool = False, model: str = "local", tokens: tuple[int, int, int] = (6000, 0, 1500)
) -> Json:
    """Return an answer of the chat completions API."""
    return {
        "id": "chatcmpl_1",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "length" if cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[2],
            "total_tokens": tokens[0] + tokens[2],
            "prompt_tokens_details": {"cached_tokens": tokens[1]},
        },
    }


def message(
    text: str, *, cut: bool = False, model: str = "claude-haiku-5-5", tokens: tuple[int, int, int] = (6000, 0, 1500)
) -> Json:
    """Return an answer of the Messages API, which counts cached tokens apart from its input."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "max_tokens" if cut else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens[0] - tokens[1],
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": tokens[1],
            "output_tokens": tokens[2],
            "service_tier": "standard",
        },
    }


def _answer(path: str, body: Json, text: str, *, cut: bool) -> bytes:
    text = text[: len(text) * 2 // 3] if cut else text
    make = {"/v1/responses": response, "/v1/chat/completions": chat_completion, "/v1/messages": message}[path]
    return json.dumps(make(text, cut=cut, model=body["model"])).encode()


def _error(path: str, code: str) -> bytes:
    if path == "/v1/messages":
        return json.dumps({"type": "error", "error": {"type": code, "message": "scripted"}}).encode()
    return json.dumps({"error": {"message": "scripted", "type": code, "param": None, "code": code}}).encode()


def _schema(body: Json) -> Json:
    """Return the schema that a request of any of the three APIs asks for; empty if it asks for none."""
    places = [body.get("text"), body.get("response_format"), body.get("output_config")]
    for place in (cast("Json", found) for found in places if found):
        form = cast("Json", place.get("format") or place.get("json_schema") or {})
        if "schema" in form:
            return cast("Json", form["schema"])
    return {}


def _judged_text(body: Json) -> str:
    content: Any = (body.get("input") or body["messages"])[-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def _quotes(text: str, count: int) -> list[Json]:
    """Return so many stretches of the candidate's first turn, from the message that holds the transcript."""
    try:
        judged = next(iter(json.loads(text).values()))
        turn = next(turn for turn in judged["turns"] if turn["role"] == "candidate")
    except (ValueError, AttributeError, KeyError, StopIteration):
        return []
    words: list[str] = turn["text"].split()
    starts = [place * max(0, len(words) - 8) // max(1, count - 1) for place in range(count)]
    return [{"turn": turn["turn"], "text": " ".join(words[start : start + 8])} for start in starts]


async def _serve(latency_s: float, port: int, per_minute: float) -> None:
    stub = ProviderStub(latency_s=latency_s, keep=False, per_minute=per_minute)
    await stub.start(port)
    print(stub.port, flush=True)  # noqa: T201 - whoever started the process reads it
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the starter goes away
    await stub.stop()


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop  # noqa: PLC0415 - only a process of its own needs speed
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-s", type=float, default=0.3)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--limit-rpm", type=float, default=0.0)
    chosen = parser.parse_args()
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(chosen.latency_s, chosen.port, chosen.limit_rpm))
