"""Limits of requests a minute."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.batch.database import Database
from evaluator.service.tenants.rates import LocalRates, SharedRates, make_rates
from evaluator.service.tenants.window import Window
from tests.service.conftest import Clock

_START = 1_795_428_900.25
_STEPS = st.lists(st.floats(0, 40) | st.just(0.0) | st.floats(0, 0.5), max_size=120)


@given(_STEPS, st.integers(1, 8))
def test_no_sixty_seconds_hold_more_than_the_limit(steps: list[float], limit: int) -> None:
    """However requests come, never more than the limit pass within any 60 seconds."""
    window, now, passed = Window(), _START, list[float]()
    for step in steps:
        now += step
        window, passage = window.add(now, limit)
        if passage.allowed:
            passed.append(now)
        assert sum(now - 60 <= each for each in passed) <= limit
        assert passage.left == (limit - sum(count for _, count in window.counts))


@given(_STEPS, st.integers(1, 8))
def test_none_is_refused_without_need(steps: list[float], limit: int) -> None:
    """Who is refused has used the limit within the last 61 seconds."""
    window, now, passed = Window(), _START, list[float]()
    for step in steps:
        now += step
        window, passage = window.add(now, limit)
        if passage.allowed:
            passed.append(now)
        else:
            assert sum(now - 61 <= each for each in passed) >= limit


@given(_STEPS, st.integers(1, 8))
def test_waiting_as_long_as_told_is_enough_and_no_longer_than_needed(steps: list[float], limit: int) -> None:
    """After the seconds that a refusal tells, the next request passes; a little before, it doesn't."""
    window, now = Window(), _START
    for step in steps:
        now += step
        window, passage = window.add(now, limit)
        if not passage.allowed:
            assert 0 < passage.reset_s <= 61
            assert window.add(now + passage.reset_s + 1e-6, limit)[1].allowed
            assert not window.add(now + passage.reset_s - 0.01, limit)[1].allowed


def test_a_clock_that_was_set_back_locks_nobody_out() -> None:
    """A day back, everything that was counted is forgotten, rather than waited for."""
    window = Window()
    for _ in range(5):
        window, _ = window.add(_START, 5)
    assert not window.add(_START, 5)[1].allowed
    assert window.add(_START - 86_400, 5)[1].allowed


def test_a_limit_that_was_lowered_holds_at_once() -> None:
    """What passed before counts against the lower limit."""
    window = Window()
    for _ in range(5):
        window, _ = window.add(_START, 10)
    assert not window.add(_START, 3)[1].allowed


@pytest.mark.loopback
def test_tenants_do_not_share_a_count(database: Database, clock: Clock) -> None:
    """One tenant that used its minute leaves another's whole, in memory and in the database."""
    for rates in (LocalRates(clock), SharedRates(database, clock)):
        assert [rates.add("tn_a", 2).allowed for _ in range(3)] == [True, True, False]
        assert rates.add("tn_b", 2).left == 1


@pytest.mark.loopback
def test_threads_that_share_a_database_pass_the_limit_together(database: Database, clock: Clock) -> None:
    """Of 60 requests that come at once by two counters of one database, exactly the limit pass."""
    counters = [SharedRates(database, clock), SharedRates(database, clock)]
    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(counters[number % 2].add, "tn_a", 20) for number in range(60)]
    assert sum(each.result().allowed for each in adding) == 20


def test_processes_that_share_a_file_pass_the_limit_together(file_database: Database, tmp_path: Path) -> None:
    """Two processes that count in one database let no more through than one would."""
    del file_database
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        passed = pool.map(_pass_through, [tmp_path / "service.sqlite"] * 2)
    assert sum(passed) == 20


@pytest.mark.loopback
def test_counts_stand_where_several_processes_see_them(database: Database) -> None:
    """A file is one process's own, and counts in memory; a Postgres may be shared, and counts for all."""
    assert make_rates(database).waits == database.shared


def _pass_through(path: Path) -> int:
    with closing(Database(path)) as database:
        rates = SharedRates(database, Clock())
        return sum(rates.add("tn_a", 20).allowed for _ in range(20))
