"""Tests of a hosted model as it is put together."""

from __future__ import annotations

import pytest
from exchange import REQUEST, Exchange, refusal
from provider_stub import response

from evaluator.backends.hosted import hosted
from evaluator.backends.openai import build_model
from evaluator.backends.pricing import Budget
from evaluator.errors import JudgeMisuse, JudgeUnavailable


async def test_each_attempt_is_counted_against_the_budget_and_a_good_reply_ends_it() -> None:
    """A refused attempt is free, the good one is paid; the next call finds the rest."""
    exchange = Exchange.of(refusal(500, "m"), response("{}", tokens=(1000, 0, 1000)))
    options = exchange.options(attempts=2)
    budget = Budget(0.01)
    model = hosted(build_model(options), options, budget=budget)
    reply = await model.complete(REQUEST)
    assert len(exchange.sent) == 2
    assert budget.spent_usd == pytest.approx(reply.usage.cost_usd)
    assert (model.provider, model.model) == ("openai", "gpt-6-luna")


async def test_attempts_and_sum_come_from_the_options() -> None:
    """One attempt means one request; a sum too small means none."""
    exchange = Exchange.of(refusal(500, "m"))
    options = exchange.options(attempts=1)
    with pytest.raises(JudgeUnavailable, match="after 1 request"):
        await hosted(build_model(options), options).complete(REQUEST)
    assert len(exchange.sent) == 1
    options = exchange.options(max_cost_usd=1e-6)
    with pytest.raises(JudgeMisuse, match="budget"):
        await hosted(build_model(options), options).complete(REQUEST)
    assert len(exchange.sent) == 1
