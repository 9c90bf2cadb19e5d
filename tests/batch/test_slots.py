"""Tests of slots: who holds one, for how long, and how many items are begun beside."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from evaluator.batch.slots import Slots, room_for
from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo
from tests.batch.durable_cases import Counting
from tests.fakes import make_rubric, make_transcript


class _Kept(Counting):
    """A judge whose judgements a store holds, or doesn't."""

    def __init__(self, *, kept: bool) -> None:
        super().__init__()
        self._kept = kept

    async def judge(self, case: Case) -> Judgement:
        return replace(await super().judge(case), kept=self._kept)


def _case() -> Case:
    rubric = make_rubric()
    return Case(make_transcript(), rubric, "metric_design", rubric.criteria)


async def _given(slots: Slots, *, kept: bool) -> bool:
    """Return whether the only slot goes to another item as soon as the judge of this one has answered."""
    async with slots.one() as slot:
        await slot.held_for(_Kept(kept=kept)).judge(_case())
        other = asyncio.ensure_future(_took(slots))
        await asyncio.sleep(0.01)
        taken = other.done()
    assert await other
    return taken


async def _took(slots: Slots) -> bool:
    async with slots.one():
        return True


@pytest.mark.parametrize("kept", [True, False])
async def test_a_slot_is_held_until_what_was_said_is_kept(*, kept: bool) -> None:
    """A judgement that a store holds frees it; any other holds it until the item's result is kept."""
    slots = Slots(1)
    assert await _given(slots, kept=kept) is kept
    assert await _given(slots, kept=kept) is kept


async def test_a_slot_that_was_freed_is_not_freed_again() -> None:
    """However often it is freed, no more items than slots are judged at once."""
    slots, holders, most = Slots(2), 0, 0

    async def hold() -> None:
        nonlocal holders, most
        async with slots.one() as slot:
            holders += 1
            most = max(most, holders)
            await asyncio.sleep(0)
            holders -= 1
            slot.free()
            slot.free()
            await asyncio.sleep(0)

    await asyncio.gather(*(hold() for _ in range(40)))
    assert most == 2


async def test_a_failed_item_gives_its_slot_back() -> None:
    """Whatever ends an item, the next one is judged."""
    slots = Slots(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with slots.one():
                raise ZeroDivisionError
    assert await _took(slots)


async def test_an_item_that_left_the_queue_holds_nothing() -> None:
    """Who is cancelled while waiting for a slot keeps neither slot nor room."""
    slots = Slots(1)
    async with slots.one():
        waiting = [asyncio.ensure_future(_took(slots)) for _ in range(2 * room_for(1))]
        await asyncio.sleep(0)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await asyncio.gather(*(_took(slots) for _ in range(2 * room_for(1))))


async def test_few_results_are_on_their_way_at_once() -> None:
    """Where results are kept slowly, items that freed their slots are waited for."""
    slots, begun, go_on = Slots(4), 0, asyncio.Event()

    async def linger() -> None:
        nonlocal begun
        async with slots.one() as slot:
            begun += 1
            slot.free()
            await go_on.wait()

    lingering = [asyncio.ensure_future(linger()) for _ in range(100)]
    await asyncio.sleep(0.01)
    assert begun == room_for(4) < 100
    go_on.set()
    await asyncio.gather(*lingering)
    assert begun == 100


async def test_the_judge_is_the_same_but_for_the_slot() -> None:
    """What it is called, what it reads and what it says don't change."""
    judge: Judge = Counting()
    slots = Slots(1)
    async with slots.one() as slot:
        held = slot.held_for(judge)
        assert _told(held, make_rubric()) == _told(judge, make_rubric())
        assert await held.judge(_case()) == await judge.judge(_case())


def _told(judge: Judge, rubric: Rubric) -> tuple[JudgeInfo, frozenset[str] | None]:
    return judge.info(rubric), judge.languages
