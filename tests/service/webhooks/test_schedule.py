"""Tests of when messages are tried again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.webhooks.schedule import SPEC_DELAYS_S, Schedule


def test_ten_attempts_over_three_days() -> None:
    """The usual schedule is the specification's: ten attempts within about 75 hours."""
    assert Schedule().steps == 10
    assert 75 * 3600 < sum(SPEC_DELAYS_S) < 76 * 3600


@given(st.integers(1, 9), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_delay_stays_near_its_plan(step: int, chance: float, wish_s: float | None) -> None:
    """Jitter moves a delay by a tenth at most; a wish only makes it longer, and by an hour at most."""
    schedule = Schedule(chance=lambda: chance)
    planned = SPEC_DELAYS_S[step - 1]
    delay = schedule.delay_s(step, wish_s)
    assert 0.9 * planned - 1e-6 <= delay <= max(1.1 * planned + 1e-6, min(wish_s or 0, 3600))
    assert delay >= min(wish_s or 0, 3600)


def test_jitter_spreads() -> None:
    """Two receivers' attempts don't fall on the same moment."""
    assert Schedule(chance=lambda: 0.0).delay_s(2) == 270
    assert Schedule(chance=lambda: 1.0).delay_s(2) == 330
