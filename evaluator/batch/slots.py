"""How many items are graded at once: a slot is held as long as a crash could lose what was paid for.

In: items that want to be judged. Out: a slot each, so many at once. A slot is free again as soon as a store holds what
the judge said, and at the latest when the item's result is kept; meanwhile the next item is asked, while the result of
the first is on its way to the disk. So that few are on that way, there is room for a few more items than slots.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from evaluator.judging import Case, Judge, Judgement
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo

__all__ = ["Slot", "Slots", "room_for"]

_MORE: Final = 16  # results on their way to the disk, or
_SHARE: Final = 4  # one for so many slots: at 256 in flight one processor is busy, and they take longer


def room_for(slots: int) -> int:
    """Return how many items may be begun at once where so many may be judged at once."""
    return slots + max(_MORE, slots // _SHARE)


class Slots:
    """Gives slots to items, in the order in which they come."""

    def __init__(self, most: int) -> None:
        """Let so many be judged at once."""
        self._slots = asyncio.Semaphore(most)
        self._room = asyncio.Semaphore(room_for(most))

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[Slot]:
        """Wait for a slot and hold it to the end, unless it is freed before; the item counts to the end."""
        async with self._room:
            await self._slots.acquire()
            slot = Slot(self._slots)
            try:
                yield slot
            finally:
                slot.free()


class Slot:
    """One item's slot."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        """Hold a slot that was taken."""
        self._slots = slots
        self._held = True

    def free(self) -> None:
        """Let another item have it; once it is free nothing happens."""
        if self._held:
            self._held = False
            self._slots.release()

    def held_for(self, judge: Judge) -> Judge:
        """Return the judge, for this item alone: what it said frees the slot if a store holds all of it."""
        return _Freeing(judge, self)


class _Freeing:
    def __init__(self, judge: Judge, slot: Slot) -> None:
        self._judge = judge
        self._slot = slot

    @property
    def languages(self) -> frozenset[str] | None:
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        return self._judge.info(rubric)

    async def judge(self, case: Case) -> Judgement:
        judgement = await self._judge.judge(case)
        if judgement.kept:
            self._slot.free()
        return judgement
