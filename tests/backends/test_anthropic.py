"""Tests of the backend for Anthropic's Messages API: what it sends, and what it makes of the answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import httpx2
import pytest
from anthropic.types import Message
from exchange import KEY, REQUEST, Exchange
from provider_stub import message
from pydantic import SecretStr

from evaluator.backends.anthropic import build_model
from evaluator.backends.chat_options import ChatOptions
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError


async def test_the_static_part_is_marked_for_the_cache() -> None:
    """System part first and marked; the judged text alone in the last message; no sampling parameter at all."""
    exchange = Exchange.of(message("{}"))
    await build_model(exchange.options()).complete(REQUEST)
    body = exchange.sent[0]
    assert exchange.paths == ["https://api.anthropic.com/v1/messages"]
    assert body["model"] == "claude-haiku-5-5"
    assert body["system"] == [{"type": "text", "text": REQUEST.system, "cache_control": {"type": "ephemeral"}}]
    assert body["messages"] == [{"role": "user", "content": text} for text in REQUEST.messages]
    assert body["max_tokens"] > REQUEST.max_output_tokens
    assert not {"temperature", "top_p", "top_k", "thinking"} & set(body)


async def test_the_schema_holds_only_what_the_api_enforces() -> None:
    """Ranges, which the API refuses, move into the description; the shape stays."""
    exchange = Exchange.of(message("{}"))
    await build_model(exchange.options(effort="high")).complete(REQUEST)
    config = exchange.sent[0]["output_config"]
    confidence = config["format"]["schema"]["properties"]["confidence"]
    assert config["effort"] == "high"
    assert config["format"]["type"] == "json_schema"
    assert config["format"]["schema"]["required"] == ["verdict", "confidence"]
    assert not {"minimum", "maximum"} & set(confidence)
    assert "minimum: 0" in confidence["description"]


async def test_cached_tokens_are_added_to_the_input_and_priced_apart() -> None:
    """The provider leaves them out of its input count."""
    body = message("{}")
    body["usage"] |= {"input_tokens": 500, "cache_creation_input_tokens": 1_000, "cache_read_input_tokens": 4_000}
    body["usage"]["output_tokens"] = 2_000
    reply = await build_model(Exchange.of(body).options()).complete(REQUEST)
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (5_500, 4_000, 2_000)
    assert reply.usage.cost_usd == pytest.approx((500 * 0.1 + 1_000 * 0.125 + 4_000 * 0.01 + 2_000 * 0.5) / 1e6)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("end_turn", "complete"),
        ("stop_sequence", "complete"),
        ("max_tokens", "truncated"),
        ("model_context_window_exceeded", "truncated"),
        ("refusal", "refused"),
    ],
)
async def test_the_end_of_a_reply_is_named(reason: str, stop: str) -> None:
    """Cut-off and refused replies are told apart; thinking is no reply."""
    body = {**message("text"), "stop_reason": reason}
    body["content"] = [{"type": "thinking", "thinking": "hm", "signature": "s"}, *body["content"]]
    Message.model_validate(body)  # the SDK's own type accepts what this test calls an answer
    reply = await build_model(Exchange.of(body).options()).complete(REQUEST)
    assert (reply.stop, reply.text) == (stop, "text")


async def test_limits_that_make_no_sense_are_passed_over() -> None:
    """A proxy's nonsense in a header costs no answer that was paid for."""
    nonsense = {
        "anthropic-ratelimit-requests-remaining": "9" * 5000,
        "anthropic-ratelimit-tokens-remaining": "\u00b2",
        "anthropic-ratelimit-requests-reset": "9999-12-31T23:59:59+99:99",
    }
    headers = [(name.encode(), value.encode()) for name, value in nonsense.items()]
    answer = httpx2.Response(200, headers=headers, json=message("{}"))
    limits = (await build_model(Exchange.of(answer).options()).complete(REQUEST)).limits
    assert (limits.remaining_requests, limits.remaining_tokens, limits.reset_s) == (None, None, None)


async def test_limits_are_read_with_their_moment_of_reset() -> None:
    """Resets come as moments; what counts is how long that is from now."""
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
    headers = {"anthropic-ratelimit-requests-remaining": "3", "anthropic-ratelimit-tokens-remaining": "x"}
    headers |= {"anthropic-ratelimit-requests-reset": soon, "anthropic-ratelimit-tokens-reset": "never"}
    answer = httpx2.Response(200, json=message("{}"), headers=headers)
    limits = (await build_model(Exchange.of(answer).options()).complete(REQUEST)).limits
    assert (limits.remaining_requests, limits.remaining_tokens) == (3, None)
    assert limits.reset_s is not None
    assert 25 < limits.reset_s <= 30


@pytest.mark.parametrize("code", ["enforced_spend_limit_reached", "contract_spend_limit_reached"])
async def test_a_spending_limit_ends_it_at_once(code: str) -> None:
    """It arrives as 429 with a Retry-After, but waiting doesn't help."""
    error = {"type": "rate_limit_error", "message": "m", "details": {"error_code": code}}
    answer = httpx2.Response(429, json={"type": "error", "error": error}, headers={"retry-after": "1"})
    with pytest.raises(JudgeMisuse, match="spending limit"):
        await build_model(Exchange.of(answer).options()).complete(REQUEST)


async def test_overload_can_be_tried_again_when_the_provider_says() -> None:
    """529 is for later, with the wait that was asked for."""
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}
    answer = httpx2.Response(529, json=body, headers={"retry-after": "2.5"})
    with pytest.raises(JudgeUnavailable, match="529") as caught:
        await build_model(Exchange.of(answer).options()).complete(REQUEST)
    assert caught.value.retry_after_s == 2.5


async def test_an_answer_of_another_form_can_be_tried_again() -> None:
    """A gateway's page says nothing about the request."""
    for answer in (httpx2.Response(200, content=b"<html>"), httpx2.ReadError("cut")):
        with pytest.raises(JudgeUnavailable):
            await build_model(Exchange.of(answer).options()).complete(REQUEST)


async def test_the_environment_chooses_neither_key_nor_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what the caller gave is used, whatever variables the SDK would read by itself."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://elsewhere.example")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "another")
    exchange = Exchange.of(message("{}"))
    await build_model(exchange.options()).complete(REQUEST)
    assert exchange.paths[0].startswith("https://api.anthropic.com/")
    assert exchange.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("chosen", [{"temperature": 0.0}, {"effort": "none"}, {"effort": "minimal"}])
def test_what_the_api_doesnt_take_is_refused(chosen: dict[str, Any]) -> None:
    """Sampling parameters and efforts of other providers have no meaning here."""
    with pytest.raises(OptionError):
        build_model(ChatOptions(api_key=SecretStr(KEY), **chosen))


def test_a_missing_key_is_named_with_its_variable() -> None:
    """Without a key nothing is sent, and the message says where to put it."""
    with pytest.raises(JudgeMisuse, match="set ANTHROPIC_API_KEY"):
        build_model(ChatOptions())
