"""Tests of the number of requests in flight: how it grows, shrinks, and passes turns on."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtual_time import run_virtual

from evaluator.backends.chat_model import RateLimits
from evaluator.backends.circuit import Breaker
from evaluator.backends.concurrency import Limiter

_NOTHING_SAID = RateLimits()


async def _round(limiter: Limiter, takes_s: float = 1.0, *, good: bool = True) -> None:
    """Fill the limit with requests that end alike."""

    async def one() -> None:
        async with limiter.turn() as halvings:
            await asyncio.sleep(takes_s)
            if good:
                limiter.succeeded(_NOTHING_SAID, 100)
            else:
                limiter.complained(halvings, 1.0)

    await asyncio.gather(*(one() for _ in range(limiter.limit)))


def _limiter(cap: int = 64) -> Limiter:
    return Limiter(cap, clock=asyncio.get_running_loop().time)


def test_good_rounds_quadruple_it_up_to_the_cap() -> None:
    """8, 32, 128, 200, 200."""

    async def main() -> None:
        limiter = _limiter(200)
        seen = [limiter.limit]
        for _ in range(4):
            await _round(limiter)
            seen.append(limiter.limit)
        assert seen == [8, 32, 128, 200, 200]

    run_virtual(main())


def test_a_round_of_complaints_halves_it_once_and_growth_is_slow_after() -> None:
    """However many of one round were refused, they tell one thing; then one more a round."""

    async def main() -> None:
        limiter = _limiter()
        await _round(limiter)
        await _round(limiter, good=False)
        assert limiter.limit == 16
        for _ in range(3):
            await _round(limiter)
        assert 18 <= limiter.limit <= 19

    run_virtual(main())


def test_a_single_complaint_is_borne() -> None:
    """One refusal among many good answers is no reason to slow down."""

    async def main() -> None:
        limiter = _limiter()
        await _round(limiter)
        async with limiter.turn() as halvings:
            limiter.complained(halvings, 1.0)
        assert limiter.limit == 32

    run_virtual(main())


def test_complaints_without_any_answer_hold_everybody_back() -> None:
    """A provider that refuses all is left alone for as long as it asks; then one goes, not all."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        limiter = _limiter()
        for _ in range(2):
            await _round(limiter, good=False)
        told = loop.time()
        went: list[float] = []

        async def one() -> None:
            async with limiter.turn():
                went.append(loop.time())
                await asyncio.sleep(1.0)
                limiter.succeeded(_NOTHING_SAID, 100)

        await asyncio.gather(*(one() for _ in range(6)))
        assert went[0] >= told + 1.0
        assert went[1] >= went[0] + 1.0
        assert len(set(went)) < 6  # once two were answered, they go side by side again

    run_virtual(main())


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (RateLimits(3, None, 30.0), 3),
        (RateLimits(None, 250, 30.0), 2),
        (RateLimits(0, 10**9, 30.0), 1),
        (RateLimits(10**6, 10**9, 30.0), 8),
        (RateLimits(3, None, None), 8),
    ],
)
def test_what_remains_of_the_allowance_caps_it_until_the_reset(limits: RateLimits, limit: int) -> None:
    """With three requests left, no more than three go; after the reset, as many as before."""

    async def main() -> None:
        limiter = _limiter()
        turns = contextlib.AsyncExitStack()
        for _ in range(4):
            await turns.enter_async_context(limiter.turn())
        limiter.succeeded(limits, 100)
        assert limiter.limit == limit
        await asyncio.sleep(30.1)
        assert limiter.limit == 8
        await turns.aclose()

    run_virtual(main())


def test_an_unused_limit_doesnt_grow() -> None:
    """One request at a time proves nothing about fifty."""

    async def main() -> None:
        limiter = _limiter()
        for _ in range(20):
            async with limiter.turn():
                limiter.succeeded(_NOTHING_SAID, 100)
        assert limiter.limit == 8

    run_virtual(main())


def test_repeats_go_before_those_that_had_no_turn() -> None:
    """Otherwise a queue of a thousand would use up a repeat's deadline."""

    async def main() -> None:
        limiter = _limiter(1)
        order: list[str] = []

        async def one(name: str, *, again: bool) -> None:
            async with limiter.turn(again=again):
                order.append(name)
                await asyncio.sleep(1.0)

        tasks = [asyncio.create_task(one(f"new {n}", again=False)) for n in range(3)]
        await asyncio.sleep(0.5)
        tasks.append(asyncio.create_task(one("repeat", again=True)))
        await asyncio.gather(*tasks)
        assert order == ["new 0", "repeat", "new 1", "new 2"]

    run_virtual(main())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.booleans()), max_size=60), st.integers(1, 20))
def test_no_turn_is_lost_or_doubled(plan: list[tuple[int, int, bool]], cap: int) -> None:
    """Whatever is cancelled, refused or answered: never more than the cap in flight, and none when all is done."""

    async def main() -> None:
        limiter = _limiter(cap)

        async def one(kind: int, takes: int, *, again: bool) -> None:
            async with limiter.turn(again=again) as halvings:
                assert limiter.in_flight <= cap
                await asyncio.sleep(takes / 10)
                if kind == 1:
                    limiter.complained(halvings, 0.5)
                else:
                    limiter.succeeded(RateLimits(kind, None, 0.3), 1)

        tasks = [asyncio.create_task(one(kind, takes, again=again)) for kind, takes, again in plan]
        for task, (kind, takes, _) in zip(tasks, plan, strict=True):
            if kind == 3:
                await asyncio.sleep(takes / 50)
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=10_000)
        assert limiter.in_flight == 0

    run_virtual(main())


async def test_turns_pass_between_event_loops() -> None:
    """Threads with loops of their own share one limit, and none waits for ever."""
    limiter = Limiter(2)
    peak = 0

    async def work() -> None:
        nonlocal peak

        async def one() -> None:
            nonlocal peak
            async with limiter.turn():
                peak = max(peak, limiter.in_flight)
                await asyncio.sleep(0.001)

        await asyncio.gather(*(one() for _ in range(20)))

    await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(asyncio.run, work()) for _ in range(4))), timeout=30)
    assert peak <= 2
    assert limiter.in_flight == 0


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe() -> None:
    """Closed, open, one probe, open again after its failure, closed after its answer."""
    now = 0.0
    breaker = Breaker(failures=3, rest_s=10.0, clock=lambda: now)
    for _ in range(2):
        breaker.failed()
    breaker.answered()
    for _ in range(2):
        breaker.failed()
    assert breaker.wait_s() == 0.0
    breaker.failed()
    assert breaker.is_open
    assert breaker.wait_s() == 10.0
    now = 10.0
    assert [breaker.wait_s(), breaker.wait_s()] == [0.0, 10.0]
    breaker.failed()
    assert breaker.wait_s() == 10.0
    now = 20.0
    assert breaker.wait_s() == 0.0
    breaker.gave_up()
    assert breaker.wait_s() == 0.0
    breaker.answered()
    assert not breaker.is_open
