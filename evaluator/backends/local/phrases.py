"""Many lists of cues looked for at once in plain words: which word may begin a cue of which list, then only there.

To look for each list everywhere takes most of the time of a judgement beside its encoding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from evaluator.backends.local.words import begins_number
from evaluator.cues import cue_matcher

__all__ = ["PhraseFinder", "phrase_finder"]

_WORD: Final = re.compile(r"\w+")
_WORDS_KNOWN: Final = 20_000  # about what people say; then the longest unseen are looked up anew
_LONGEST_NUMBER: Final = 13  # words that `#` stands for at the most: one, and four times such as "and a half"
_JOINTS: Final = frozenset({"and", "point"})  # inside a number; "a" begins one too


@dataclass(frozen=True, slots=True)
class _Role:
    """What a word may be to cues.

    Attributes:
        alone: Lists of which a cue may begin with it.
        paired: Those of which one may where a certain word comes next.
        counted: Those of which one may begin with a number that it follows.
        numeric: Whether it may be part of a number.
    """

    alone: tuple[int, ...]
    paired: Mapping[str, tuple[int, ...]]
    counted: tuple[int, ...]
    numeric: bool


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
        self._role = lru_cache(_WORDS_KNOWN)(self._find_role)

    @property
    def words_known(self) -> int:
        """Return of how many words it is remembered what they may be; bounded."""
        return self._role.cache_info().currsize

    def spans(self, text: str) -> list[list[tuple[int, int]]]:
        """Return the spans of each list's cues, as `CueMatcher.spans` does, in a text from `plain_words`."""
        starts: list[list[int]] = [[] for _ in self._matchers]
        words = text.replace(".", " ").split(" ")
        roles = [self._role(word) for word in words]
        start = 0
        for place, (word, following, role) in enumerate(zip(words, [*words[1:], ""], roles, strict=False), 1):
            for number in role.alone:
                starts[number].append(start)
            if following in role.paired:
                for number in role.paired[following]:
                    starts[number].append(start)
            if role.numeric:
                for later in roles[place : place + _LONGEST_NUMBER]:
                    for number in later.counted:
                        starts[number].append(start)
                    if not later.numeric:
                        break
            start += len(word) + 1
        return [matcher.spans_at(text, at) if at else [] for matcher, at in zip(self._matchers, starts, strict=True)]

    def _note(self, cue: Sequence[str], place: int) -> None:
        if cue[0] != "#":
            self._openings.note(cue, place)
        elif len(cue) > 1 and _WORD.match(cue[1]):
            self._after_number.note(cue[1:], place)
        else:
            self._numbers.add(place)

    def _find_role(self, word: str) -> _Role:
        alone, paired = self._openings.lists(word)
        numeric = begins_number(word)
        if numeric:
            alone |= self._numbers
        after, later = self._after_number.lists(word)
        return _Role(
            alone=tuple(alone),
            paired={second: tuple(lists - alone) for second, lists in paired.items()},
            counted=tuple(after.union(*later.values())),
            numeric=numeric or word in _JOINTS,
        )


class _Openings:
    """Which lists hold cues that begin with a word."""

    def __init__(self) -> None:
        self._whole: dict[str, set[int]] = {}
        self._beginnings: dict[str, set[int]] = {}
        self._pairs: dict[str, dict[str, set[int]]] = {}

    def note(self, cue: Sequence[str], place: int) -> None:
        """Note that a cue of a list begins with this word, or with these two where both are whole."""
        first, stem = cue[0], cue[0].removesuffix("*")
        if len(cue) > 1 and _WORD.fullmatch(first) and _WORD.fullmatch(cue[1]):
            self._pairs.setdefault(first, {}).setdefault(cue[1], set()).add(place)
        else:
            (begun, *rest) = _WORD.findall(stem)
            words = self._beginnings if first != stem and not rest else self._whole
            words.setdefault(begun, set()).add(place)

    def lists(self, word: str) -> tuple[set[int], Mapping[str, set[int]]]:
        """Return the lists of which a cue may begin with a word, and those where that takes a certain next word."""
        ends = range(1, len(word) + 1)
        begun = set[int]().union(*(self._beginnings.get(word[:end], ()) for end in ends))
        return begun.union(self._whole.get(word, ())), self._pairs.get(word, {})


@lru_cache(maxsize=8)
def phrase_finder(lists: tuple[tuple[str, ...], ...]) -> PhraseFinder:
    """Return the finder of these lists, built once."""
    return PhraseFinder(lists)
