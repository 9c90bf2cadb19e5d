"""Tests of how the page says things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.page.wording import ago, moment, points, ticked


@given(st.text())
def test_ticks_become_code_and_all_else_stays_text(text: str) -> None:
    """No character of a description is markup; without its backticks the text is the same."""
    made = ticked(text)
    assert made.replace("<code>", "").replace("</code>", "").unescape() == text.replace("`", "")
    assert made.count("<") == made.count("<code>") + made.count("</code>")


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=59), "59 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=8), "15 Nov 2026"),
    ],
)
def test_a_time_is_told_roughly(passed: timedelta, said: str) -> None:
    """Recent times are told by distance, others by date."""
    now = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    assert ago(now - passed, now.timestamp()) == said


def test_figures_are_short() -> None:
    """A score has no more digits than it needs, a missing one is a dash, a moment names its zone."""
    assert [points(score) for score in (100.0, 24.5, 33.3333, None)] == ["100", "24.5", "33.33", "–"]
    assert moment(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2 Jan 2026, 03:04 UTC"
