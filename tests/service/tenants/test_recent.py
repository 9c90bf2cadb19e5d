"""What was looked up a moment ago."""

from __future__ import annotations

from evaluator.service.tenants.recent import Recent
from tests.service.conftest import Clock


def test_a_value_lasts_a_few_seconds(clock: Clock) -> None:
    """It is there, and then it isn't; a value that is none differs from no value."""
    recent: Recent[str | None] = Recent(clock, lasts_s=3)
    recent.put("a", None, clock())
    clock.wait(2.9)
    assert recent.get("a") == (None,)
    assert recent.get("b") is None
    clock.wait(0.1)
    assert recent.get("a") is None


def test_a_clock_that_was_set_back_makes_nothing_last_longer(clock: Clock) -> None:
    """What was looked up in the future is looked up again."""
    recent: Recent[str] = Recent(clock, lasts_s=3)
    recent.put("a", "x", clock())
    clock.wait(-60)
    assert recent.get("a") is None


def test_names_that_nobody_meant_do_not_fill_the_memory(clock: Clock) -> None:
    """Only so many are kept, the latest ones; one that is dropped is gone."""
    recent: Recent[int] = Recent(clock, most=10)
    for number in range(1000):
        recent.put(str(number), number, clock())
    assert [number for number in range(1000) if recent.get(str(number))] == list(range(990, 1000))
    recent.drop("999")
    assert recent.get("999") is None
