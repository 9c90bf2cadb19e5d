"""Many lists of cues looked for at once in plain words: which word may begin a cue of which list, then only there.

To look for each list everywhere takes most of the time of a judgement beside its encoding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from evaluator.backends.local.words import begins_number
from evaluator.cues import cue_matcher, number_end

__all__ = ["PhraseFinder", "phrase_finder"]

_WORD: Final = re.compile(r"\w+")
_WORDS_KNOWN: Final = 20_000  # about what people say; then the longest unseen are looked up anew


class PhraseFinder:
    """Finds the cues of several lists in one text of plain words."""

    def __init__(self, lists: Sequence[tuple[str, ...]]) -> None:
        """Take lists of cues for plain words, as `plain_cue` makes them."""
        self._matchers = [cue_matcher(cues) for cues in lists]
        self._openings = _Openings()
        self._after_number = _Openings()
        self._numbers: set[int] = set()
        for place, cues in enumerate(lists):
            for cue in cues:
                self._note(cue.split(), place)

    @property
    def words_known(self) -> int:
        """Return of how many words it is remembered which lists they may begin; bounded."""
        return self._openings.words_known

    def spans(self, text: str) -> list[list[tuple[int, int]]]:
        """Return the spans of each list's cues, as `CueMatcher.spans` does, in a text from `plain_words`."""
        starts: list[list[int]] = [[] for _ in self._matchers]
        found = list(_WORD.finditer(text))
        words = [word.group() for word in found]
        for match, word, following in zip(found, words, [*words[1:], ""], strict=False):
            alone, paired = self._openings.lists(word)
            for place in alone:
                starts[place].append(match.start())
            for place in paired.get(following, ()):
                starts[place].append(match.start())
            if begins_number(word):
                for place in self._lists_at_number(text, match.start()):
                    if not starts[place] or starts[place][-1] < match.start():
                        starts[place].append(match.start())
        return [matcher.spans_at(text, at) if at else [] for matcher, at in zip(self._matchers, starts, strict=True)]

    def _note(self, cue: Sequence[str], place: int) -> None:
        if cue[0] != "#":
            self._openings.note(cue, place)
        elif len(cue) > 1 and _WORD.match(cue[1]):
            self._after_number.note(cue[1:], place)
        else:
            self._numbers.add(place)

    def _lists_at_number(self, text: str, start: int) -> set[int]:
        """Return the lists of which a cue may begin with the number that begins here."""
        end = number_end(text, start)
        if end is None:
            return set()
        following = _WORD.match(text, end + 1)
        if following is None:
            return self._numbers
        alone, paired = self._after_number.lists(following.group())
        return self._numbers.union(alone, *paired.values())


class _Openings:
    """Which lists hold cues that begin with a word."""

    def __init__(self) -> None:
        self._whole: dict[str, set[int]] = {}
        self._beginnings: dict[str, set[int]] = {}
        self._pairs: dict[str, dict[str, set[int]]] = {}
        self.lists = lru_cache(_WORDS_KNOWN)(self._find)

    @property
    def words_known(self) -> int:
        return self.lists.cache_info().currsize

    def note(self, cue: Sequence[str], place: int) -> None:
        """Note that a cue of a list begins with this word, or with these two where both are whole."""
        first, stem = cue[0], cue[0].removesuffix("*")
        if len(cue) > 1 and _WORD.fullmatch(first) and _WORD.fullmatch(cue[1]):
            self._pairs.setdefault(first, {}).setdefault(cue[1], set()).add(place)
        else:
            (begun, *rest) = _WORD.findall(stem)
            words = self._beginnings if first != stem and not rest else self._whole
            words.setdefault(begun, set()).add(place)

    def _find(self, word: str) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        """Return the lists of which a cue may begin with a word, and those where that takes a certain next word."""
        found = set(self._whole.get(word, ()))
        for end in range(1, len(word) + 1):
            found |= self._beginnings.get(word[:end], set())
        pairs = self._pairs.get(word, {})
        return tuple(found), {second: tuple(lists - found) for second, lists in pairs.items()}


@lru_cache(maxsize=8)
def phrase_finder(lists: tuple[tuple[str, ...], ...]) -> PhraseFinder:
    """Return the finder of these lists, built once."""
    return PhraseFinder(lists)
