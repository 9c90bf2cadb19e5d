"""Tests of what is decided before a run: which items it takes, and what it will cost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.batch.choosing import choose
from evaluator.batch.forecast import Forecast, forecast
from evaluator.batch.records import Item
from evaluator.batch.spec import make_spec
from evaluator.judges.building import JudgePlan, build_estimate
from evaluator.rubric import load_rubric
from tests.batch.durable_cases import Counting, unreadable
from tests.fakes import RUBRIC_YAML, make_rubric, make_transcript

_counts = st.integers(0, 60)
_limits = st.none() | st.integers(1, 70)


def _items(count: int) -> list[Item]:
    return [unreadable(str(number)) for number in range(count)]


@given(count=_counts, limit=_limits, sample=_limits, seed=st.integers(0, 5))
def test_what_is_chosen_stands_in_order_and_within_its_limits(
    count: int, limit: int | None, sample: int | None, seed: int
) -> None:
    """As many as were asked for, or all; each once, in the order of the input; the same for the same seed."""
    of = _items(count)
    chosen = list(choose(of, limit=limit, sample=sample, seed=seed))
    numbers = [int(one.name) for one in chosen]
    assert len(chosen) == min([count, *(wish for wish in (limit, sample) if wish is not None)])
    assert numbers == sorted(set(numbers))
    assert list(choose(of, limit=limit, sample=sample, seed=seed)) == chosen
    if sample is None:
        assert numbers == list(range(len(chosen)))


def test_a_limit_reads_no_further() -> None:
    """The first ten of a million are had at once."""
    read = 0

    def endless() -> Iterator[Item]:
        nonlocal read
        while True:
            read += 1
            yield unreadable(str(read))

    assert len(list(choose(endless(), limit=10, sample=None, seed=1))) == 10
    assert read == 10


def test_every_item_is_drawn_as_often_as_another() -> None:
    """Over many seeds each of ten items is among three about three times in ten."""
    drawn = [one.name for seed in range(2000) for one in choose(_items(10), limit=None, sample=3, seed=seed)]
    shares = [drawn.count(str(number)) / 2000 for number in range(10)]
    assert all(0.25 < share < 0.35 for share in shares), shares


def test_another_seed_draws_others() -> None:
    """The lot is the seed's."""
    draws = {tuple(one.name for one in choose(_items(50), limit=None, sample=5, seed=seed)) for seed in range(20)}
    assert len(draws) > 15


def test_a_forecast_grows_with_the_number_of_transcripts() -> None:
    """A hundred times as many take a hundred times as much; the order of the prices is that of their meaning."""
    rubric, estimate = load_rubric("netflix_pm_metrics"), build_estimate(JudgePlan(backend="openai"))
    sample = [
        make_transcript("I would track clicks.", "And I would watch retention, of course."),
        make_transcript("No."),
    ]
    one, many = (forecast(sample, count, rubric, estimate) for count in (2, 200))
    assert (one.requests, many.requests) == (2, 200)
    assert many.input_tokens == 100 * one.input_tokens > 0
    assert many.reply_tokens == 100 * one.reply_tokens > 0
    assert many.least_usd is not None
    assert many.cost_usd is not None
    assert many.most_usd is not None
    assert many.each_usd is not None
    assert 0 < many.least_usd <= many.cost_usd <= many.most_usd
    assert many.each_usd == pytest.approx(many.most_usd / 200)
    assert many.duration_s(50, call_s=6.0) == 24.0


def test_a_model_of_unknown_price_is_unpriced_and_never_free() -> None:
    """What isn't known isn't 0."""
    plan = JudgePlan(backend="openai:a-model-of-next-year")
    told = forecast([make_transcript()], 10, load_rubric("netflix_pm_metrics"), build_estimate(plan))
    assert told.requests == 10
    assert (told.least_usd, told.cost_usd, told.most_usd, told.each_usd) == (None, None, None, None)


def test_nothing_to_ask_takes_nothing() -> None:
    """No sample, no call, no price."""
    estimate = build_estimate(JudgePlan(backend="openai"))
    assert forecast([], 10, make_rubric(), estimate) == Forecast(0, 0, 0, 0.0, 0.0, 0.0, 0.0)


def test_whatever_results_depend_on_makes_another_grading() -> None:
    """Rubric, judge and how often it asks: each changes the grading; where it runs and how fast doesn't."""
    rubric, judge = make_rubric(), Counting()
    base = make_spec(rubric, judge, {"confirm": False, "concurrency": 8}).grading
    edited = make_rubric(RUBRIC_YAML.replace("weights: {critical: 5", "weights: {critical: 8"))
    others = [
        make_spec(edited, judge, {"confirm": False}).grading,
        make_spec(rubric, Counting(model="other"), {"confirm": False}).grading,
        make_spec(rubric, judge, {"confirm": True}).grading,
        make_spec(rubric, judge, {"confirm": False, "samples": 3}).grading,
    ]
    assert len({base, *others}) == 5
    assert make_spec(rubric, judge, {"confirm": False, "concurrency": 64, "max_cost_usd": 1.0}).grading == base
