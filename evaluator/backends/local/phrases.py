"""Many lists of cues looked for at once in plain words: which word may begin a cue of which list, then only there.

To look for each list everywhere takes most of the time of a judgement beside its encoding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evaluator.backends.local.words import begins_number
from evaluator.cues import cue_matcher

__all__ = ["PhraseFinder", "phrase_finder"]

_WORD: Final = re.compile(r"\w+")
_WORDS_KNOWN: Final = 20_000  # about what people say; then the longest unseen are looked up anew


class PhraseFinder:
    """Finds the cues of several lists in one text of plain words."""

    def __init__(self, lists: Sequence[tuple[str, ...]]) -> None:
        """Take lists of cues for plain words, as `plain_cue` makes them."""
        self._matchers = [cue_matcher(cues) for cues in lists]
        self._whole: dict[str, set[int]] = {}
        self._beginnings: dict[str, set[int]] = {}
        self._numbers: set[int] = set()
        for place, cues in enumerate(lists):
            for cue in cues:
                self._note(cue.split()[0], place)
        self._lists_of = lru_cache(_WORDS_KNOWN)(self._find_lists)

    @property
    def words_known(self) -> int:
        """Return of how many words it is remembered which lists they may begin; bounded."""
        return self._lists_of.cache_info().currsize

    def spans(self, text: str) -> list[list[tuple[int, int]]]:
        """Return the spans of each list's cues, as `CueMatcher.spans` does, in a text from `plain_words`."""
        starts: list[list[int]] = [[] for _ in self._matchers]
        for word in _WORD.finditer(text):
            for place in self._lists_of(word.group()):
                starts[place].append(word.start())
        return [matcher.spans_at(text, at) if at else [] for matcher, at in zip(self._matchers, starts, strict=True)]

    def _note(self, first: str, place: int) -> None:
        """Note that a cue of a list begins with this word."""
        if first == "#":
            self._numbers.add(place)
            return
        stem = first.removesuffix("*")
        (begun, *rest) = _WORD.findall(stem)
        words = self._beginnings if first != stem and not rest else self._whole
        words.setdefault(begun, set()).add(place)

    def _find_lists(self, word: str) -> tuple[int, ...]:
        found = set(self._whole.get(word, ()))
        for end in range(1, len(word) + 1):
            found |= self._beginnings.get(word[:end], set())
        return tuple(found | self._numbers if begins_number(word) else found)


@lru_cache(maxsize=8)
def phrase_finder(lists: tuple[tuple[str, ...], ...]) -> PhraseFinder:
    """Return the finder of these lists, built once."""
    return PhraseFinder(lists)
