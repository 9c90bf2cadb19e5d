"""Tests of the backend for compatible servers: what it sends, what it goes without, and what it makes of answers."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import httpx2
import pytest
from exchange import REQUEST, Exchange, refusal
from openai.types.chat import ChatCompletion
from provider_stub import Answer, ProviderStub, chat_completion
from pydantic import SecretStr

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.openai_compatible import CompatibleModel, build_model
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.values.usage import Usage

_HERE = {"model": "qwen", "base_url": "http://127.0.0.1:11434/v1/", "api_key": None}


async def test_the_judged_text_stands_alone_in_the_one_user_message() -> None:
    """Many chat templates refuse two user messages in a row; the task goes behind the static part."""
    exchange = Exchange.of(chat_completion("{}"))
    model = build_model(exchange.options(**_HERE))
    await model.complete(REQUEST)
    body = exchange.sent[0]
    assert exchange.paths == ["http://127.0.0.1:11434/v1/chat/completions"]
    assert body["messages"] == [
        {"role": "system", "content": "The static part.\n\nThe task."},
        {"role": "user", "content": REQUEST.messages[-1]},
    ]
    assert body["response_format"]["json_schema"] == {"name": "reply", "schema": REQUEST.schema, "strict": True}
    assert body["max_tokens"] == REQUEST.max_output_tokens
    assert model.model == "qwen at http://127.0.0.1:11434/v1"


async def test_without_a_key_no_authorization_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything of an OpenAI account that the environment holds: the server is somebody else's."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-mine")
    exchange = Exchange.of(chat_completion("{}"))
    await build_model(exchange.options(**_HERE)).complete(REQUEST)
    assert "mine" not in str(exchange.headers[0].items())  # type: ignore[attr-defined]
    assert "authorization" not in exchange.headers[0]


async def test_with_a_key_it_is_sent() -> None:
    """Gateways ask for one."""
    exchange = Exchange.of(chat_completion("{}"))
    await build_model(exchange.options(**{**_HERE, "api_key": SecretStr("gw-1")})).complete(REQUEST)
    assert exchange.headers[0]["authorization"] == "Bearer gw-1"


async def test_a_server_without_schema_output_is_asked_for_less_and_remembered() -> None:
    """Each refusal that names the format gives one step up; later requests begin where it worked."""
    exchange = Exchange.of(
        refusal(400, "response_format type json_schema is not supported"),
        refusal(400, "'response_format' must be text"),
        chat_completion("{}"),
    )
    model = build_model(exchange.options(**_HERE))
    await model.complete(REQUEST)
    await model.complete(REQUEST)
    formats = [body.get("response_format", {}).get("type") for body in exchange.sent]
    assert formats == ["json_schema", "json_object", None, None]
    assert '"verdict"' not in exchange.sent[0]["messages"][0]["content"]
    assert '"verdict"' in exchange.sent[3]["messages"][0]["content"]  # without schema output it stands in the prompt


async def test_a_server_that_fails_on_the_grammar_is_asked_for_less() -> None:
    """Some servers answer 500 when they can't turn the schema into a grammar."""
    exchange = Exchange.of(refusal(500, "failed to parse grammar"), chat_completion("{}"))
    reply = await build_model(exchange.options(**_HERE)).complete(REQUEST)
    assert reply.stop == "complete"
    assert len(exchange.sent) == 2


async def test_the_other_name_of_the_limit_is_tried() -> None:
    """Servers in front of newer models know only the newer name."""
    exchange = Exchange.of(refusal(400, "Unsupported parameter: 'max_tokens'"), chat_completion("{}"))
    await build_model(exchange.options(**_HERE)).complete(REQUEST)
    assert "max_tokens" not in exchange.sent[1]
    assert exchange.sent[1]["max_completion_tokens"] == REQUEST.max_output_tokens


@pytest.mark.parametrize("text", ["max_tokens and response_format", "no such model", "response_format"])
async def test_it_gives_up_after_few_requests(text: str) -> None:
    """A server that refuses everything is told about, not asked for ever."""
    exchange = Exchange.of(refusal(400, text))
    with pytest.raises(JudgeMisuse, match="refuses"):
        await build_model(exchange.options(**_HERE)).complete(REQUEST)
    assert len(exchange.sent) <= 4


def _choice(**changes: object) -> dict[str, Any]:
    body = chat_completion("text")
    body["choices"][0] |= changes
    return body


@pytest.mark.parametrize(
    ("body", "stop", "text"),
    [
        (_choice(), "complete", "text"),
        (_choice(finish_reason="length"), "truncated", "text"),
        (_choice(finish_reason="content_filter"), "filtered", "text"),
        (_choice(message={"role": "assistant", "content": None, "refusal": "no"}), "refused", ""),
        (_choice(message={"role": "assistant", "content": None}), "complete", ""),
    ],
)
async def test_the_end_of_a_reply_is_named(body: dict[str, Any], stop: str, text: str) -> None:
    """Cut-off, filtered and refused replies are told apart."""
    ChatCompletion.model_validate(body)  # the SDK's own type accepts what this test calls an answer
    reply = await build_model(Exchange.of(body).options(**_HERE)).complete(REQUEST)
    assert (reply.stop, reply.text) == (stop, text)


async def test_missing_usage_is_unpriced_rather_than_free() -> None:
    """A server that counts nothing leaves a lower bound that says so."""
    body = chat_completion("{}")
    del body["usage"]
    usage = (await build_model(Exchange.of(body).options(**_HERE)).complete(REQUEST)).usage
    assert (usage.requests, usage.input_tokens, usage.cost_usd, usage.priced) == (1, 0, 0.0, False)


@pytest.mark.parametrize(
    "usage",
    [{}, [], "none", {"prompt_tokens": None}, {"prompt_tokens": 1.5}, {"total_tokens": 7}, {"prompt_tokens": -1}],
)
async def test_usage_in_another_form_costs_no_reply(usage: object) -> None:
    """What a server counts in a way of its own is passed over; the reply, which may have been paid for, stays."""
    exchange = Exchange.of({**chat_completion("{}"), "usage": usage})
    reply = await build_model(exchange.options(**_HERE)).complete(REQUEST)
    assert (reply.text, reply.usage) == ("{}", Usage(requests=1, priced=False))
    assert len(exchange.sent) == 1


async def test_a_known_providers_address_is_priced() -> None:
    """The price list knows the public providers by their addresses."""
    exchange = Exchange.of(chat_completion("{}"))
    options = exchange.options(model="llama-3.1-8b-instant", base_url="https://api.groq.com/openai/v1")
    usage = (await build_model(options).complete(REQUEST)).usage
    assert usage.priced
    assert usage.cost_usd > 0


async def test_an_answer_without_choices_can_be_tried_again() -> None:
    """Gateways answer so when the server behind them failed."""
    bodies: list[dict[str, object]] = [{"choices": []}, {"error": "x"}]
    for body in bodies:
        with pytest.raises(JudgeUnavailable):
            await build_model(Exchange.of(body).options(**_HERE)).complete(REQUEST)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:11434",
        "ftp://host/v1",
        "http://",
        "http://key@host/v1",
        "http://host/v1?key=1",
        "file:///etc/passwd",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://host/v1#x",
        "//host/v1",
        "",
    ],
)
def test_what_is_no_address_of_an_api_is_refused(url: str) -> None:
    """Only http and https, only a server and a path; and the message says what would do."""
    with pytest.raises(OptionError, match=r"http://127\.0\.0\.1"):
        build_model(ChatOptions(model="m", base_url=url))


def test_model_and_address_must_be_given() -> None:
    """There is no default that would fit any server."""
    with pytest.raises(OptionError, match="model"):
        build_model(ChatOptions(base_url="http://127.0.0.1/v1"))
    with pytest.raises(OptionError, match="base_url"):
        build_model(ChatOptions(model="m"))


@pytest.mark.loopback
def test_one_model_serves_several_event_loops_and_leaves_no_connection() -> None:
    """Each loop has a client of its own, closed at the loop's end; warnings of leaks would fail this test."""

    async def once(model: CompatibleModel, stub: ProviderStub) -> str:
        return (await model.complete(REQUEST)).text if stub.port else ""

    async def main() -> None:
        async with ProviderStub(reply=lambda _: "{}") as stub:
            model = build_model(ChatOptions(model="m", base_url=f"{stub.url}/v1"))
            loops = [asyncio.to_thread(asyncio.run, once(model, stub)) for _ in range(4)]
            assert await asyncio.gather(*loops, once(model, stub), once(model, stub)) == ["{}"] * 6
            await asyncio.to_thread(asyncio.run, once(model, stub))
            await asyncio.sleep(0.05)
            assert len(stub.connected) <= 2  # those of this test's own loop
            await model.close()
            assert await once(model, stub) == "{}"

    asyncio.run(main())
    gc.collect()


@pytest.mark.loopback
@pytest.mark.parametrize("transport", [None, httpx2.AsyncHTTPTransport], ids=["aiohttp", "httpx2"])
async def test_real_failures_of_the_network_are_for_later(transport: type[httpx2.AsyncBaseTransport] | None) -> None:
    """A broken connection, a silent server, nonsense and a closed port are all translated, over both transports."""
    async with ProviderStub() as stub:
        options = ChatOptions(model="m", base_url=f"{stub.url}/v1", timeout_s=0.2, transport=transport)
        model = build_model(options)
        stub.script += [Answer(drop=True), Answer(delay_s=1.0), Answer(200, b"\xff\xfe nonsense"), Answer(599)]
        for _ in range(4):
            with pytest.raises(JudgeUnavailable):
                await model.complete(REQUEST)
        await model.close()
    with pytest.raises(JudgeUnavailable):
        await model.complete(REQUEST)
    await model.close()
