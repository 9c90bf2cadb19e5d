"""Tests of the backend for OpenAI's Responses API: what it sends, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from exchange import KEY, REQUEST, Exchange, refusal
from openai.types.responses import Response
from provider_stub import response
from pydantic import SecretStr

from evaluator.backends.chat_model import RateLimits
from evaluator.backends.chat_options import ChatOptions, Effort
from evaluator.backends.openai import build_model
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError


async def test_the_request_asks_for_a_strict_schema_and_stores_nothing() -> None:
    """The static part comes first, the judged text alone and last; the schema is strict; no sampling is sent."""
    exchange = Exchange.of(response("{}"))
    await build_model(exchange.options()).complete(REQUEST)
    body = exchange.sent[0]
    assert exchange.paths == ["https://api.openai.com/v1/responses"]
    assert body["model"] == "gpt-6-luna"
    assert body["instructions"] == REQUEST.system
    assert body["input"] == [{"role": "user", "content": text} for text in REQUEST.messages]
    assert body["text"]["format"] == {"type": "json_schema", "name": "reply", "schema": REQUEST.schema, "strict": True}
    assert body["store"] is False
    assert body["max_output_tokens"] > REQUEST.max_output_tokens
    assert not {"temperature", "top_p", "seed", "reasoning"} & set(body)


async def test_requests_with_the_same_static_part_share_a_cache_key() -> None:
    """The provider routes requests of one rubric to one cache; another rubric's go elsewhere."""
    exchange = Exchange.of(response("{}"))
    model = build_model(exchange.options())
    other = type(REQUEST)("Another static part.", REQUEST.messages, REQUEST.schema, 10)
    for request in (REQUEST, type(REQUEST)(REQUEST.system, ("x", "y"), REQUEST.schema, 10), other):
        await model.complete(request)
    keys = [body["prompt_cache_key"] for body in exchange.sent]
    assert keys[0] == keys[1] != keys[2]
    assert max(map(len, keys)) <= 64


@pytest.mark.parametrize(("effort", "room"), [("none", 0), ("low", 3_000), ("high", 16_000)])
async def test_reasoning_has_room_beside_the_reply(effort: Effort, room: int) -> None:
    """Reasoning counts towards the limit, so more effort raises it; none leaves it as asked."""
    exchange = Exchange.of(response("{}"))
    model = build_model(exchange.options(effort=effort))
    await model.complete(REQUEST)
    assert exchange.sent[0]["max_output_tokens"] == REQUEST.max_output_tokens + room
    assert exchange.sent[0]["reasoning"] == {"effort": effort}
    assert model.model == f"gpt-6-luna effort={effort}"


async def test_usage_and_limits_are_read() -> None:
    """Tokens, cached ones included, are priced; the rate headers are passed on."""
    headers = {"x-ratelimit-remaining-requests": "4999", "x-ratelimit-remaining-tokens": "1200"}
    headers |= {"x-ratelimit-reset-requests": "12ms", "x-ratelimit-reset-tokens": "1m6.5s"}
    body = httpx2.Response(200, json=response("{}", tokens=(10_000, 8_000, 1_000)), headers=headers)
    reply = await build_model(Exchange.of(body).options()).complete(REQUEST)
    assert (reply.usage.requests, reply.usage.input_tokens, reply.usage.cached_tokens) == (1, 10_000, 8_000)
    assert reply.usage.cost_usd == pytest.approx((2_000 * 0.1 + 8_000 * 0.01 + 1_000 * 0.5) / 1e6)
    assert reply.limits == RateLimits(4999, 1200, 66.5)


def _with(**changes: object) -> dict[str, Any]:
    return {**response('{"a": 1}'), **changes}


def _parts(*parts: dict[str, object], phase: str | None = None) -> dict[str, Any]:
    item = {"type": "message", "id": "m", "status": "completed", "role": "assistant", "content": list(parts)}
    return item | ({"phase": phase} if phase else {})


_TEXT: dict[str, object] = {"type": "output_text", "text": "final", "annotations": []}


@pytest.mark.parametrize(
    ("body", "stop", "text"),
    [
        (_with(), "complete", '{"a": 1}'),
        (_with(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "truncated", '{"a": 1}'),
        (_with(status="incomplete", incomplete_details={"reason": "content_filter"}), "filtered", '{"a": 1}'),
        (_with(status="incomplete", incomplete_details=None), "truncated", '{"a": 1}'),
        (_with(status="failed", error={"code": "invalid_prompt", "message": "m"}, output=[]), "filtered", ""),
        (_with(output=[_parts({"type": "refusal", "refusal": "no"})]), "refused", ""),
        (_with(output=[]), "complete", ""),
        (_with(output=[_parts({**_TEXT, "text": "aside"}, phase="commentary"), _parts(_TEXT)]), "complete", "final"),
    ],
    ids=["complete", "cut", "filtered", "incomplete", "failed by filter", "refused", "empty", "commentary"],
)
async def test_the_end_of_a_reply_is_named(body: dict[str, Any], stop: str, text: str) -> None:
    """Cut-off, filtered and refused replies are told apart; a comment on the way is no reply."""
    Response.model_validate(body)  # the SDK's own type accepts what this test calls an answer
    reply = await build_model(Exchange.of(body).options()).complete(REQUEST)
    assert (reply.stop, reply.text) == (stop, text)


async def test_a_filter_that_answers_with_an_error_is_a_filtered_reply() -> None:
    """A refusal of this text alone must not end a batch."""
    exchange = Exchange.of(refusal(400, "flagged", "content_filter"))
    reply = await build_model(exchange.options()).complete(REQUEST)
    assert (reply.stop, reply.text, reply.usage.requests) == ("filtered", "", 1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, content=b'{"id": "resp_1", "outp'),
        httpx2.Response(200, content=b"<html>gateway</html>"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"output": "text"}),
        httpx2.ReadTimeout("slow"),
        httpx2.ConnectError("away"),
    ],
)
async def test_broken_answers_can_be_tried_again(answer: httpx2.Response | Exception) -> None:
    """A cut body, another form or no answer at all says nothing about the request."""
    with pytest.raises(JudgeUnavailable):
        await build_model(Exchange.of(answer).options()).complete(REQUEST)


@pytest.mark.parametrize(
    ("code", "error"), [("server_error", JudgeUnavailable), ("rate_limit_exceeded", JudgeUnavailable)]
)
async def test_a_failed_response_can_be_tried_again(code: str, error: type[Exception]) -> None:
    """The API reports some failures inside a good answer."""
    body = _with(status="failed", error={"code": code, "message": "m"}, output=[])
    with pytest.raises(error, match=code):
        await build_model(Exchange.of(body).options()).complete(REQUEST)


def test_a_missing_key_is_named_with_its_variable() -> None:
    """Without a key nothing is sent, and the message says where to put it."""
    with pytest.raises(JudgeMisuse, match="set OPENAI_API_KEY"):
        build_model(ChatOptions())
    with pytest.raises(JudgeMisuse, match="set MY_KEY"):
        build_model(ChatOptions(api_key_env="MY_KEY"))


@pytest.mark.parametrize("key", ["sk-schlüssel", "sk two", "sk\n2"])
def test_a_key_that_cannot_stand_in_a_header_is_refused(key: str) -> None:
    """A mistyped key is refused before a library can print it."""
    with pytest.raises(JudgeMisuse) as caught:
        build_model(ChatOptions(api_key=SecretStr(key)))
    assert key not in str(caught.value)


async def test_the_key_stands_in_no_repr() -> None:
    """Options, models and sessions can be printed without showing the key."""
    options = Exchange.of(response("{}")).options()
    model = build_model(options)
    shown = f"{options!r} {model!r} {vars(model)!r}"
    assert KEY not in shown


def test_temperature_is_refused_where_the_model_takes_none() -> None:
    """A parameter that would be ignored or refused by the provider is refused here."""
    with pytest.raises(OptionError, match="gpt-6-luna"):
        build_model(ChatOptions(api_key=SecretStr(KEY), temperature=0.0))
    with pytest.raises(OptionError, match="effort"):
        build_model(ChatOptions(api_key=SecretStr(KEY), temperature=0.0, model="gpt-5.4-mini", effort="low"))


async def test_temperature_is_sent_where_the_model_takes_it() -> None:
    """And it is part of the model's name, since it changes answers."""
    exchange = Exchange.of(response("{}"))
    model = build_model(exchange.options(temperature=0.0, model="gpt-5.4-mini", effort="none"))
    await model.complete(REQUEST)
    assert exchange.sent[0]["temperature"] == 0.0
    assert model.model == "gpt-5.4-mini effort=none temperature=0"
