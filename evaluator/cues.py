"""Phrases that can be counted: a list of cues in, spans of text out.

A cue is a phrase in plain words. ``*`` at the end of a word stands for any ending (``retain*``), ``#`` alone for a
number in digits or words (``week #``), ``...`` alone for up to six words between (``if ... ship``). Cues ignore case
and the shape of apostrophes and dashes. Apart because applicability, question types, measures and the local judge
all count, and because rubrics come from strangers: a cue can't become a slow regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

__all__ = ["CueMatcher", "cue_matcher", "plain_marks"]

_MARKS: Final = str.maketrans(
    {"‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "\u00a0": " "}
)
_NUMBER: Final = (
    r"(?:\d+(?:[.,]\d+)?|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|"
    r"half|a|an|another)(?:-\w+)?)"
)
_GAP: Final = r"(?:[\w'%-]+[\s,]+){0,6}?"
_BETWEEN: Final = r"[\s,-]+"


def plain_marks(text: str) -> str:
    """Return ``text`` with curly quotes and long dashes made plain; every code point keeps its place."""
    return text.translate(_MARKS)


class CueMatcher:
    """Finds any cue of one list."""

    def __init__(self, cues: Iterable[str]) -> None:
        """Compile the cues; longer ones win where two start at the same place.

        Raises:
            ValueError: A cue is empty or consists of gaps only.
        """
        patterns = sorted((_pattern(cue) for cue in cues), key=len, reverse=True)
        self._regex = re.compile(rf"(?<![\w'])(?:{'|'.join(patterns)})(?![\w])", re.IGNORECASE) if patterns else None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of all matches, left to right, without overlap."""
        if self._regex is None:
            return []
        return [match.span() for match in self._regex.finditer(plain_marks(text))]

    def found(self, text: str) -> bool:
        """Return whether any cue occurs."""
        return self._regex is not None and self._regex.search(plain_marks(text)) is not None


@lru_cache(maxsize=512)
def cue_matcher(cues: tuple[str, ...]) -> CueMatcher:
    """Return the matcher of ``cues``, compiled once."""
    return CueMatcher(cues)


def _pattern(cue: str) -> str:
    words = plain_marks(cue).split()
    if not words or "..." in (words[0], words[-1]):
        raise ValueError(f"cue {cue!r} must start and end with a word")
    pattern, gap = _word(words[0]), ""
    for word in words[1:]:
        if word == "...":
            gap = _GAP
        else:
            pattern, gap = f"{pattern}{_BETWEEN}{gap}{_word(word)}", ""
    return pattern


def _word(word: str) -> str:
    if word == "#":
        return _NUMBER
    if word.endswith("*"):
        return re.escape(word[:-1]) + r"[\w'-]*"
    return re.escape(word)
