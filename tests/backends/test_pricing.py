"""Tests of prices and of the budget that is kept before money is spent."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import genai_prices
import pytest
from exchange import REQUEST, Exchange, refusal
from genai_prices.data import providers
from genai_prices.types import ModelInfo
from hypothesis import given
from hypothesis import strategies as st
from provider_stub import response

from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.backends.openai import build_model
from evaluator.backends.pricing import (
    BATCH_SHARE,
    Budget,
    Budgeted,
    PriceList,
    Tokens,
    estimate_tokens,
    request_tokens,
)
from evaluator.backends.provider_failures import Failure
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.values.usage import Usage

_LUNA = PriceList("gpt-6-luna", provider_id="openai")
_HAIKU = PriceList("claude-haiku-5-5", provider_id="anthropic")


@pytest.mark.parametrize(
    ("prices", "tokens", "usd"),
    [
        (_LUNA, Tokens(1_000_000 // 5, 100_000), 0.2 * 0.1 + 0.1 * 0.5),
        (_LUNA, Tokens(10_000, 1_000, cached=9_000), (1_000 * 0.1 + 9_000 * 0.01 + 1_000 * 0.5) / 1e6),
        (_HAIKU, Tokens(10_000, 0, cached=4_000, written=5_000), (1_000 * 0.1 + 40 + 5_000 * 0.125) / 1e6),
        (replace(_LUNA, share=BATCH_SHARE), Tokens(10_000, 0), 10_000 * 0.1 / 1e6 / 2),
    ],
)
def test_tokens_are_priced_by_kind(prices: PriceList, tokens: Tokens, usd: float) -> None:
    """Cached and written tokens have prices of their own; a batch pays its share."""
    assert prices.cost_usd(tokens) == pytest.approx(usd)


@pytest.mark.parametrize(
    "prices",
    [PriceList("no-such-model", "openai"), PriceList("gpt-6-luna", "no-such"), PriceList("m", api_url="http://h/v1")],
)
def test_an_unknown_price_is_not_free(prices: PriceList) -> None:
    """It is unpriced: a lower bound of 0 that says so."""
    assert prices.cost_usd(Tokens(1, 1)) is None
    usage = prices.usage(Tokens(100, 10))
    assert (usage.input_tokens, usage.cost_usd, usage.priced) == (100, 0.0, False)


@given(
    st.sampled_from([(provider.id, model) for provider in providers for model in provider.models]),
    st.integers(0, 400_000),
    st.integers(0, 400_000),
    st.integers(0, 400_000),
    st.integers(0, 100_000),
)
def test_a_price_is_what_the_list_itself_adds_up_to(
    listed: tuple[str, ModelInfo], plain: int, cached: int, written: int, output: int
) -> None:
    """For every model of the list, in every tier, with whatever is cached or written."""
    provider, model = listed
    usage = genai_prices.Usage(
        input_tokens=plain + cached + written,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
    )
    try:
        expected = float(genai_prices.calc_price(usage, model.id, provider_id=provider).total_price)
    except (LookupError, ValueError):  # some entries can't be found by their own names
        expected = None
    tokens = Tokens(plain + cached + written, output, cached=cached, written=written)
    assert PriceList(model.id, provider).cost_usd(tokens) == expected


def test_more_cached_than_sent_has_no_price() -> None:
    """Counts that contradict each other are not made into a price."""
    assert _LUNA.cost_usd(Tokens(10, 10, cached=11)) is None


@pytest.mark.parametrize(
    "tokens", [None, Tokens(-1, 5), Tokens(5, -1), Tokens(5, 5, cached=-1), Tokens(5, 5, written=-1), Tokens(10**30, 5)]
)
def test_counts_that_cannot_be_count_as_none(tokens: Tokens | None) -> None:
    """A server's nonsense is no reason to lose its reply, and reaches no sum."""
    assert _LUNA.usage(tokens) == Usage(requests=1, priced=False)


@given(st.text())
def test_estimates_grow_with_the_text(text: str) -> None:
    """Never negative, and never less for more text."""
    assert 0 <= estimate_tokens(text) <= estimate_tokens(text + "x") <= estimate_tokens(text) + 1
    assert estimate_tokens(text) >= len(text) // 4


def test_a_requests_estimate_counts_all_of_its_parts() -> None:
    """System part, messages and schema."""
    tokens = request_tokens(ChatRequest("s" * 400, ("t" * 400, "u" * 400), {"type": "object"}, 10), 77)
    assert 300 < tokens.input < 350
    assert tokens.output == 77


class _Model:
    """Costs what the test says."""

    provider = model = "fake"
    prices = _LUNA

    def __init__(
        self, cost_usd: float = 0.0, error: Exception | None = None, takes_s: float = 0.0, *, priced: bool = True
    ) -> None:
        self.asked = 0
        self._reply = ChatReply("{}", "complete", Usage(requests=1, cost_usd=cost_usd, priced=priced))
        self._error = error
        self._takes_s = takes_s

    def output_tokens(self, wanted: int) -> int:
        return wanted

    async def complete(self, request: ChatRequest) -> ChatReply:
        del request
        self.asked += 1
        await asyncio.sleep(self._takes_s)
        if self._error:
            raise self._error
        return self._reply


_BIG = ChatRequest("", (), {}, 2_000)  # 0.001 dollars for the reply at most


async def test_the_budget_stops_before_it_would_be_exceeded() -> None:
    """Each request costs 0.001 at most and 0.0009 in fact: ten fit into 0.01, the eleventh doesn't."""
    model, budget = _Model(cost_usd=0.0009), Budget(0.01)
    budgeted = Budgeted(model, budget)
    for _ in range(10):
        await budgeted.complete(_BIG)
    with pytest.raises(JudgeMisuse, match="budget is reached"):
        await budgeted.complete(_BIG)
    assert model.asked == 10
    assert budget.spent_usd == pytest.approx(0.009)


async def test_requests_at_once_never_exceed_it_together() -> None:
    """They wait for each other to be settled rather than be refused, and the sum stays below."""
    model, budget = _Model(cost_usd=0.0005, takes_s=0.001), Budget(0.0051)
    budgeted = Budgeted(model, budget)
    results = await asyncio.gather(*(budgeted.complete(_BIG) for _ in range(30)), return_exceptions=True)
    answered = sum(isinstance(result, ChatReply) for result in results)
    assert 8 <= answered <= 10
    assert budget.spent_usd <= 0.0051
    assert all(isinstance(result, ChatReply | JudgeMisuse) for result in results)


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Failure("fake", "K", status=429).unavailable("m"), False),
        (Failure("fake", "K", status=500).unavailable("m"), False),
        (Failure("fake", "K").unavailable("m"), True),
        (Failure("fake", "K", status=200).unreadable(), True),
        (JudgeMisuse("m"), False),
        (JudgeUnavailable("m"), False),
        (RuntimeError("m"), True),
    ],
)
async def test_what_may_have_been_billed_counts(error: Exception, *, counts: bool) -> None:
    """A refused request is free; one that broke off, or brought what nobody can read, may have been billed."""
    budget = Budget(1.0)
    with pytest.raises(type(error)):
        await Budgeted(_Model(error=error), budget).complete(_BIG)
    assert (budget.spent_usd > 0) == counts


async def test_an_answer_that_tells_no_tokens_counts_at_its_most() -> None:
    """A provider that leaves out its counts, or whose counts contradict each other, can't run through a budget."""
    budget = Budget(0.0035)
    budgeted = Budgeted(_Model(priced=False), budget)
    for _ in range(3):
        await budgeted.complete(_BIG)
    with pytest.raises(JudgeMisuse, match="budget is reached"):
        await budgeted.complete(_BIG)
    assert budget.spent_usd > 0.003


def test_a_budget_is_safe_between_threads() -> None:
    """Whatever runs side by side, no more is reserved and spent than there is."""
    budget = Budget(1.0)
    taken: list[float] = []

    def work() -> None:
        for _ in range(500):
            try:
                if budget.reserve(0.001):
                    budget.settle(0.001, 0.001)
                    taken.append(0.001)
            except JudgeMisuse:
                return

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 990 <= len(taken) <= 1000
    assert budget.spent_usd <= 1.0


async def test_the_models_own_headroom_is_reserved() -> None:
    """Reasoning is billed as output, so that its room counts."""
    exchange = Exchange.of(response("{}"))
    model = build_model(exchange.options(effort="max"))
    with pytest.raises(JudgeMisuse, match="budget"):
        await Budgeted(model, Budget(0.01)).complete(REQUEST)
    assert exchange.sent == []
    assert (await Budgeted(model, Budget(0.1)).complete(REQUEST)).text == "{}"


async def test_a_model_without_a_price_cant_be_kept_within_a_budget() -> None:
    """Better refused at the start than overspent unseen."""
    model = build_model(Exchange.of(refusal(400, "")).options(model="gpt-6.2-astra"))
    with pytest.raises(JudgeMisuse, match=r"gpt-6\.2-astra"):
        Budgeted(model, Budget(1.0))


@pytest.mark.parametrize("sum_usd", [0.0, -1.0, float("nan")])
def test_a_budget_of_nothing_is_refused(sum_usd: float) -> None:
    """It would stop everything, or nothing."""
    with pytest.raises(OptionError):
        Budget(sum_usd)
