"""Tests of the loop that grades: results and errors come back, closing ends what runs."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from evaluator.batch.loop import LoopThread, rare_collections


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError("below zero")
    return 2 * number


def test_results_and_errors_come_back() -> None:
    """What a coroutine returns or raises on the loop reaches the thread that asked."""
    loop = LoopThread()
    assert [loop.submit(_double(number)).result(5) for number in range(3)] == [0, 2, 4]
    with pytest.raises(ValueError, match="below zero"):
        loop.submit(_double(-1)).result(5)
    loop.close()


def test_closing_lets_what_runs_clean_up() -> None:
    """A coroutine that waits is cancelled and may end in order; closing twice does no harm."""
    loop, ended = LoopThread(), threading.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    loop.submit(wait())
    loop.submit(_double(1)).result(5)
    loop.close()
    loop.close()
    assert ended.is_set()


def test_collecting_is_as_it_was_afterwards() -> None:
    """However the block ends, garbage is looked for as before."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()

    def fail() -> None:
        with rare_collections():
            assert gc.get_threshold()[0] > before[0]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, frozen)
