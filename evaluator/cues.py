"""Phrases that can be counted: a list of cues in, spans of text out.

A cue is a phrase in plain words. ``*`` at the end of a word stands for any ending (``retain*``), ``#`` alone for a
number in digits or words (``week #``), ``#%`` alone for a percentage in any spelling (``below #%``), ``...`` alone for
up to six words between (``if ... ship``). Cues ignore case and the shape of apostrophes and dashes. Apart because
applicability, question types, measures and the local judge all count, and because rubrics come from strangers: a cue
can't become a slow regular expression. Every repetition below is bounded and, where neighbours could share a
character, possessive, so that a match costs at most a constant for each character of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

__all__ = ["CueMatcher", "check_cue", "cue_matcher", "plain_marks"]

_MARKS: Final = str.maketrans(
    {"‘": "'", "’": "'", "ʼ": "'", "\u00b4": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
)
_MAX_GAPS: Final = 2  # each gap multiplies the ways to match by seven
_COUNT_WORD: Final = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    r"seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|half)"
    r"(?![\w'])"
)
_SPELLED: Final = (
    rf"(?:{_COUNT_WORD}|an?(?!\w)|another(?!\w))(?:[\s-](?:(?:and|point|a|and\sa)\s)?{_COUNT_WORD}){{0,4}}+"
)
_NUMBER: Final = rf"(?:\d{{1,15}}+(?:[.,]\d{{1,15}}+){{0,4}}+|{_SPELLED})"
_PERCENT: Final = rf"{_NUMBER}(?:\s?%|[\s-]per\s?cent(?:age\spoints?)?)"
_BETWEEN: Final = r"[\s,-]{1,8}+"
_GAP: Final = r"(?:(?:[\w'%+-]|[.,](?=\d)){1,40}+[\s,]{1,8}+){0,6}?"
_ENDING: Final = r"[\w']{0,40}(?:-[\w']{1,40}){0,3}"


def plain_marks(text: str) -> str:
    """Return ``text`` with curly quotes and long dashes made plain; every code point keeps its place."""
    return text if text.isascii() else text.translate(_MARKS)


def check_cue(cue: str) -> None:
    """Check the form of a cue without compiling it.

    Raises:
        ValueError: It holds no word, starts or ends with a gap, or has more gaps than are read.
    """
    _pattern(cue)


class CueMatcher:
    """Finds any cue of one list."""

    def __init__(self, cues: Iterable[str]) -> None:
        """Compile the cues; longer ones win where two start at the same place.

        Raises:
            ValueError: As `check_cue`.
        """
        patterns = [_pattern(_small(cue)) for cue in sorted(cues, key=len, reverse=True)]
        # Small letters on both sides: to ignore case in the expression itself takes more than twice as long.
        self._regex = re.compile(rf"(?<!\w)(?<!\w')(?:{_either(patterns)})(?!\w)") if patterns else None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of all matches, left to right, without overlap; none is empty."""
        if self._regex is None:
            return []
        return [match.span() for match in self._regex.finditer(_small(text))]

    def spans_at(self, text: str, starts: Iterable[int]) -> list[tuple[int, int]]:
        """Return what `spans` would, of a text in small letters and plain marks in which cues begin nowhere else.

        Args:
            text: It is searched as it stands.
            starts: Where a cue may begin, rising.
        """
        if self._regex is None:
            return []
        spans: list[tuple[int, int]] = []
        for start in starts:
            if (not spans or start >= spans[-1][1]) and (match := self._regex.match(text, start)):
                spans.append(match.span())
        return spans

    def found(self, text: str) -> bool:
        """Return whether any cue occurs."""
        return self._regex is not None and self._regex.search(_small(text)) is not None


@lru_cache(maxsize=512)
def cue_matcher(cues: tuple[str, ...]) -> CueMatcher:
    """Return the matcher of ``cues``, compiled once."""
    return CueMatcher(cues)


def _small(text: str) -> str:
    """Return ``text`` in small letters and with plain marks; every code point keeps its place."""
    text = plain_marks(text)
    if text.isascii():
        return text.lower()
    return "".join(small if len(small := char.lower()) == 1 else char for char in text)


def _either(patterns: Iterable[str]) -> str:
    """Join alternatives, those with the same first letter in one group, so that a place is tried against few of them.

    Which is found stays the same: of two that start with different letters one place can match only one, and no
    pattern is moved past one that starts otherwise (a number).
    """
    joined: list[str] = []
    groups: dict[str, list[str]] = {}
    for pattern in patterns:
        if pattern[0].isascii() and pattern[0].isalpha():
            groups.setdefault(pattern[0], []).append(pattern[1:])
        else:
            joined += [*_grouped(groups), pattern]
            groups = {}
    return "|".join([*joined, *_grouped(groups)])


def _grouped(groups: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{letter}(?:{'|'.join(rests)})" for letter, rests in groups.items()]


def _pattern(cue: str) -> str:
    words = plain_marks(cue).split()
    if not words or "..." in (words[0], words[-1]):
        raise ValueError(f"cue {cue!r} must start and end with a word")
    if words.count("...") > _MAX_GAPS:
        raise ValueError(f"cue {cue!r} has more than {_MAX_GAPS} gaps (`...`)")
    pattern, gap = _word(words[0], cue), ""
    for word in words[1:]:
        if word == "...":
            gap = _GAP
        else:
            pattern, gap = f"{pattern}{_BETWEEN}{gap}{_word(word, cue)}", ""
    return pattern


def _word(word: str, cue: str) -> str:
    if word == "#":
        return _NUMBER
    if word == "#%":
        return _PERCENT
    stem = word.removesuffix("*")
    if not stem or stem[0] in "-,*":
        raise ValueError(f"cue {cue!r}: {word!r} is not a word")
    return re.escape(stem) + (_ENDING if stem != word else "")
