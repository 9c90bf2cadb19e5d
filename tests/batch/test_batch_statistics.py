"""Tests of the statistics behind slices, against an implementation that others wrote."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from evaluator.batch.statistics import LEAST_EACH, holm, rank_test, rate_test, wilson

_SCORES = st.lists(st.sampled_from([0.0, 12.5, 50.0, 73.1, 99.9, 100.0]), min_size=LEAST_EACH, max_size=60)


@given(total=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_intervals_agree_with_scipy(total: int, share: float) -> None:
    """Any rate of any size gets the interval that the reference gives, inside 0 to 1, around the rate."""
    hits = round(share * total)
    interval = wilson(hits, total)
    assert interval is not None
    expected = stats.binomtest(hits, total).proportion_ci(method="wilson")
    assert interval == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= interval[0] <= hits / total <= interval[1] <= 1


def test_a_rate_of_nothing_has_no_interval() -> None:
    """Without a case there is no interval, rather than one from 0 to 1."""
    assert wilson(0, 0) is None


@given(first=_SCORES, second=_SCORES)
def test_the_rank_test_agrees_with_scipy(first: list[float], second: list[float]) -> None:
    """Tied scores and unequal groups give the p-value of the reference."""
    p = rank_test(Counter(first), Counter(second))
    assert p is not None
    if len({*first, *second}) == 1:
        assert p == 1
        return
    assert p == pytest.approx(stats.mannwhitneyu(first, second, method="asymptotic").pvalue, abs=1e-9)


@given(a=st.integers(0, 80), b=st.integers(0, 80), c=st.integers(0, 80), d=st.integers(0, 80))
def test_the_test_of_two_rates_agrees_with_scipy(a: int, b: int, c: int, d: int) -> None:
    """Where every cell is expected to hold five, p is Pearson's with N - 1; elsewhere nothing is said."""
    p = rate_test(a, a + b, c, c + d)
    n = a + b + c + d
    expected = [row * column / n for row in (a + b, c + d) for column in (a + c, b + d)] if n else [0.0]
    assume(abs(min(expected) - 5) > 1e-9)
    if min(expected) < 5:
        assert p is None
        return
    statistic = float(stats.chi2_contingency([[a, b], [c, d]], correction=False)[0])
    assert p == pytest.approx(float(stats.chi2.sf(statistic * (n - 1) / n, 1)), abs=1e-9)


def test_small_groups_are_not_tested() -> None:
    """Under ten scores a side the rank test says nothing, however far apart they lie."""
    assert rank_test(Counter({0.0: 9}), Counter({100.0: 500})) is None


@given(p_values=st.lists(st.floats(0, 1), max_size=20))
def test_correction_never_makes_anything_surer(p_values: list[float]) -> None:
    """Corrected values are at least as large, at most 1, and keep their order."""
    corrected = holm(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, corrected, strict=True))
    ranked = sorted(zip(p_values, corrected, strict=True))
    assert [c for _, c in ranked] == sorted(c for _, c in ranked)


def test_holm_by_hand() -> None:
    """The smallest counts fully, the next one less, and none falls below the one before."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
