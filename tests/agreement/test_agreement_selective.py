"""Selective risk: surer verdicts in smaller numbers, and figures that can be counted by hand."""

from __future__ import annotations

import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.agreement.selective import Decided, risk_curve
from evaluator.values.judge import Verdict

_LABELS: tuple[Literal["present", "absent"], ...] = ("present", "absent")
_VERDICTS: tuple[Verdict, ...] = ("present", "absent", "na", "unscored")


def _decided() -> st.SearchStrategy[Decided]:
    return st.builds(
        Decided,
        criterion=st.integers(0, 3),
        label=st.sampled_from(_LABELS),
        verdict=st.sampled_from(_VERDICTS),
        confidence=st.one_of(st.none(), st.floats(0, 1)),
    )


@given(st.lists(_decided(), max_size=60), st.integers(0, 9))
def test_coverage_falls_as_the_bar_rises_and_order_is_blind(verdicts: list[Decided], seed: int) -> None:
    """Each point keeps fewer verdicts than the one before, of higher confidence, whatever the order of rows."""
    curve = risk_curve(verdicts)
    assert [point.coverage for point in curve] == sorted({point.coverage for point in curve}, reverse=True)
    assert [point.least_confidence for point in curve] == sorted(point.least_confidence for point in curve)
    shuffled = random.Random(seed).sample(verdicts, len(verdicts))
    assert risk_curve(shuffled) == curve


def test_the_figures_are_those_that_one_counts() -> None:
    """Of four verdicts one is wrong and unsure: it falls out first, and with it the risk."""
    verdicts = [
        Decided(0, "present", "present", 0.9),
        Decided(0, "absent", "absent", 0.8),
        Decided(1, "present", "present", 0.7),
        Decided(1, "absent", "present", 0.6),
        Decided(1, "present", "unscored", None),
    ]
    first, *_, last = risk_curve(verdicts)
    assert (first.coverage, first.least_confidence, first.risk) == (0.8, 0.6, 0.25)
    assert first.precision == pytest.approx((1 + 0.5) / 2)
    assert first.recall == pytest.approx(1.0)
    assert (last.coverage, last.risk) == (0.6, 0.0)


def test_a_judge_without_confidence_has_no_curve() -> None:
    """Nothing is drawn where nothing was said."""
    assert risk_curve([Decided(0, "present", "present", None)]) == ()
    assert risk_curve([]) == ()
