"""Which items of an input are graded: the first so many, or so many by lot."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import islice

from evaluator.batch.records import Item

__all__ = ["choose"]


def choose(items: Iterable[Item], *, limit: int | None, sample: int | None, seed: int) -> Iterator[Item]:
    """Yield the chosen ones, in their order.

    Args:
        items: Read once, to the end only if a sample is drawn; no more than the sample stands in memory.
        limit: Most items; after the lot, if one is drawn.
        sample: So many by lot, each as likely as the other; all if there are fewer.
        seed: Of the lot; the same input and seed draw the same items.
    """
    chosen = items if sample is None else _drawn(items, sample, random.Random(seed))  # noqa: S311 - a lot, no secret
    return islice(iter(chosen), limit)


def _drawn(items: Iterable[Item], size: int, lot: random.Random) -> list[Item]:
    """Draw by Vitter's algorithm R (ACM TOMS 11, 1985), and put back in order."""
    drawn: list[tuple[int, Item]] = []
    for number, item in enumerate(items):
        if number < size:
            drawn.append((number, item))
            continue
        place = lot.randrange(number + 1)
        if place < size:
            drawn[place] = (number, item)
    return [item for _, item in sorted(drawn, key=lambda pair: pair[0])]
