"""A provider that makes its answers up, exact to the wire: OpenAI's Responses API and Anthropic's Messages API.

It stands where the network would, below the recorder, so that synthetic recordings are made by the very code that
makes live ones: the headers that a recording must not keep are sent as the providers send them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

import httpx2

from evaluator.rubric import Criterion, Rubric
from tests.backends.synthetic_cases import Case, reply_text

__all__ = ["DATE", "PROVIDERS", "Provider", "SyntheticProvider"]

Provider = Literal["openai", "anthropic"]

PROVIDERS: Final[tuple[Provider, ...]] = ("openai", "anthropic")
DATE: Final = dt.date(2026, 11, 23)

_START: Final = int(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC).timestamp())
_CHARS_PER_TOKEN: Final = 4.3
_CACHE_STEP: Final = 128  # OpenAI caches prefixes in steps of so many tokens
_CUT_AT: Final = 0.6
_REFUSAL: Final = "I'm sorry, but I can't help with that."

Json = dict[str, Any]


class SyntheticProvider(httpx2.AsyncBaseTransport):
    """Answers for one case at a time."""

    def __init__(self, provider: Provider, rubric: Rubric) -> None:
        """Hold whom to play."""
        self._provider: Provider = provider
        self._rubric = rubric
        self._case: Case | None = None
        self._attempt = 0
        self._served = 0

    def play(self, case: Case) -> None:
        """Answer what comes next as this case tells."""
        self._case, self._attempt = case, 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return a made-up answer, with headers that must not be kept."""
        if self._case is None:
            raise RuntimeError("no case is being played")
        self._attempt += 1
        self._served += 1
        body: Json = json.loads(await request.aread())
        make = self._response if self._provider == "openai" else self._message
        number = hashlib.sha256(f"{self._provider} {self._case.id} {self._attempt}".encode()).hexdigest()
        return httpx2.Response(200, headers=_headers(self._provider, number, self._served), json=make(body, number))

    def _reply(self, task: str) -> tuple[str, bool]:
        """Return the reply's text, and whether it is cut."""
        case = self._played
        text = reply_text(case, _asked(task, self._rubric), self._rubric, self._attempt)
        cut = case.fault == "truncated" and self._attempt == 1
        return (text[: int(len(text) * _CUT_AT)] if cut else text), cut

    @property
    def _played(self) -> Case:
        if self._case is None:
            raise RuntimeError("no case is being played")
        return self._case

    def _response(self, body: Json, number: str) -> Json:
        text, cut = self._reply(body["input"][0]["content"])
        refused = self._played.fault == "refused"
        part: Json = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        if refused:
            text, part = _REFUSAL, {"type": "refusal", "refusal": _REFUSAL}
        status = "incomplete" if cut else "completed"
        message: Json = {"id": f"msg_{number[:48]}", "type": "message", "status": status, "role": "assistant"}
        static = _tokens(body["instructions"], json.dumps(body["text"])) // _CACHE_STEP * _CACHE_STEP
        asked = _tokens(body["instructions"], json.dumps(body["text"]), *(m["content"] for m in body["input"]))
        written = body["max_output_tokens"] if cut else _tokens(text) + 64
        first = self._served == 1
        return {
            "id": f"resp_{number[:48]}",
            "object": "response",
            "created_at": _START + self._served * 60,
            "status": status,
            "background": False,
            "completed_at": None if cut else _START + self._served * 60 + 7,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "instructions": body["instructions"],
            "max_output_tokens": body["max_output_tokens"],
            "max_tool_calls": None,
            "model": body["model"],
            "output": [
                {"id": f"rs_{number[:48]}", "type": "reasoning", "summary": []},
                {**message, "content": [part]},
            ],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "prompt_cache_key": body["prompt_cache_key"],
            "reasoning": {"effort": body.get("reasoning", {}).get("effort", "medium"), "summary": None},
            "safety_identifier": None,
            "service_tier": "default",
            "temperature": 1.0,
            "text": {"format": {**body["text"]["format"], "description": None}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": {
                "input_tokens": asked,
                "input_tokens_details": {
                    "cached_tokens": 0 if first else static,
                    "cache_write_tokens": static if first else 0,
                },
                "output_tokens": written,
                "output_tokens_details": {"reasoning_tokens": 64},
                "total_tokens": asked + written,
            },
            "user": None,
            "metadata": {},
        }

    def _message(self, body: Json, number: str) -> Json:
        texts = list(_texts(body["messages"]))
        text, cut = self._reply(texts[0])
        refused = self._played.fault == "refused"
        static = _tokens(body["system"][0]["text"], json.dumps(body["output_config"]))
        first = self._served == 1
        stop = "refusal" if refused else "max_tokens" if cut else "end_turn"
        return {
            "id": f"msg_01{number[:22]}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [] if refused else [{"type": "text", "text": text}],
            "stop_reason": stop,
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": None, "explanation": None} if refused else None,
            "usage": {
                "input_tokens": _tokens(*texts),
                "cache_creation_input_tokens": static if first else 0,
                "cache_read_input_tokens": 0 if first else static,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": static if first else 0,
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": 1 if refused else body["max_tokens"] if cut else _tokens(text),
                "service_tier": "standard",
            },
        }


def _texts(messages: list[Json]) -> Iterator[str]:
    """Yield the texts of messages, whether plain or in blocks."""
    for message in messages:
        content: str | list[Json] = message["content"]
        if isinstance(content, str):
            yield content
        else:
            yield from (block["text"] for block in content)


def _asked(task: str, rubric: Rubric) -> list[Criterion]:
    """Return the criteria that a task message names, in its order."""
    places = {c.id: found.start() for c in rubric.criteria if (found := re.search(rf"\b{c.id}\b", task))}
    return [rubric.criterion(key) for key in sorted(places, key=lambda key: places[key])]


def _tokens(*texts: str) -> int:
    return round(sum(map(len, texts)) / _CHARS_PER_TOKEN)


def _headers(provider: Provider, number: str, served: int) -> dict[str, str]:
    left = 10_000 - served
    secret = {
        "date": "Mon, 23 Nov 2026 09:00:00 GMT",
        "set-cookie": f"__cf_bm={number}; path=/; HttpOnly",
        "cf-ray": number[:16],
    }
    if provider == "openai":
        return secret | {
            "openai-organization": f"org-{number[:24]}",
            "openai-project": f"proj_{number[:24]}",
            "x-request-id": f"req_{number[:32]}",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": "6ms",
            "x-ratelimit-limit-tokens": "10000000",
            "x-ratelimit-remaining-tokens": str(10_000_000 - 6000 * served),
            "x-ratelimit-reset-tokens": "36ms",
        }
    moment = "2026-11-23T09:01:00Z"
    return secret | {
        "anthropic-organization-id": f"{number[:8]}-{number[8:12]}-4{number[12:15]}-8{number[15:18]}-{number[18:30]}",
        "request-id": f"req_01{number[:22]}",
        "anthropic-ratelimit-requests-limit": "10000",
        "anthropic-ratelimit-requests-remaining": str(left),
        "anthropic-ratelimit-requests-reset": moment,
        "anthropic-ratelimit-tokens-limit": "10000000",
        "anthropic-ratelimit-tokens-remaining": str(10_000_000 - 6000 * served),
        "anthropic-ratelimit-tokens-reset": moment,
    }
