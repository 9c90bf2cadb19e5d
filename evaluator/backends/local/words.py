"""Speech as plain words: any text in, lower-case words without punctuation out, and the numbers among them.

Apart because a transcript of speech may come with or without case, punctuation and apostrophes; what is counted on
plain words counts the same in each.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.cues import plain_marks

__all__ = ["FUNCTION_WORDS", "Number", "begins_number", "numbers_in", "plain_cue", "plain_words"]

# Words that hold a sentence together; a list of terms has few of them.
_FUNCTION_WORDS: Final = (
    "a an the i we you he she it they them our my your his her its this that these those who which what when where why "
    "how if unless because so then than as at by for from in into of on onto off out over to up down with within "
    "without about after before and or but not no nor is are was were be been being am do does did done have has had "
    "having will would can could should may might must id wed theyd hed shed ill well theyll im were theyre its thats "
    "dont doesnt didnt isnt arent wasnt wont cant couldnt shouldnt there here only just also more less most least very "
    "some any all each every one somebody someone people"
)
FUNCTION_WORDS: Final = frozenset(_FUNCTION_WORDS.split())
_WORD: Final = re.compile(r"[^\W_]++(?:(?<=\d)\.(?=\d)[^\W_]++)*+")
_THOUSANDS: Final = re.compile(r",(?<=\d,)(?=\d{3}(?!\d))")
_DIGITS: Final = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)([km]?)")
_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_VALUES: Final = {
    **{word: float(value) for value, word in enumerate(_SMALL.split())},
    **{word: float(10 * value) for value, word in enumerate(_TENS.split(), start=2)},
}
# What "hundreds" stands for is a guess at the least that is meant.
_TIMES: Final = {
    "hundred": 1e2,
    "hundreds": 2e2,
    "thousand": 1e3,
    "thousands": 3e3,
    "million": 1e6,
    "millions": 3e6,
    "dozen": 12.0,
    "dozens": 36.0,
    "handful": 5.0,
}
_NUMBER_WORDS: Final = frozenset(_VALUES) | frozenset(_TIMES)
_BEFORE_NUMBER: Final = frozenset({"a", "an", "another", "half"})  # "half a million"
_SUFFIX: Final = {"": 1.0, "k": 1e3, "m": 1e6}
_JOINTS: Final = frozenset({"and", "odd"})


@dataclass(frozen=True, slots=True)
class Number:
    """A run of words that names one number.

    Attributes:
        value: What it names, about: parts are added up as they come.
        first: Place of its first word.
        after: Place of the word that follows it.
    """

    value: float
    first: int
    after: int


def plain_words(text: str) -> str:
    """Return the words of ``text``, lower-case, one blank between; ``don't`` is ``dont``, ``%`` is ``percent``."""
    bare = plain_marks(text).lower().replace("'", "").replace("%", " percent ")
    return " ".join(_WORD.findall(_THOUSANDS.sub("", bare)))


def plain_cue(cue: str) -> str:
    """Return a cue that finds in plain words what ``cue`` finds in a text; empty if it holds no letter or digit."""
    words = [word if word in ("#", "...") else _plain_cue_word(word) for word in plain_marks(cue).split()]
    return " ".join(filter(None, words)).removeprefix("... ").removesuffix(" ...").strip(" .")


def begins_number(word: str) -> bool:
    """Return whether a plain word may be the first of what ``#`` stands for in a cue."""
    return word[:1].isdecimal() or word in _NUMBER_WORDS or word in _BEFORE_NUMBER


def numbers_in(words: Sequence[str]) -> Iterator[Number]:
    """Yield the numbers among plain words, in digits or spelt, left to right."""
    place = 0
    while place < len(words):
        word = words[place]
        number = _number_at(words, place) if word in _NUMBER_WORDS or word[0].isdecimal() else None
        if number is None:
            place += 1
        else:
            yield number
            place = number.after


def _plain_cue_word(word: str) -> str:
    if word == "#%":
        return "# percent"
    stem = plain_words(word.removesuffix("*"))
    return f"{stem}*" if stem and word.endswith("*") else stem


def _number_at(words: Sequence[str], first: int) -> Number | None:
    value: float | None = None
    place = first
    while place < len(words):
        word = words[place]
        if digits := _DIGITS.fullmatch(word):
            value = (value or 0.0) + float(digits[1]) * _SUFFIX[digits[2]]
        elif word in _VALUES:
            value = (value or 0.0) + _VALUES[word]
        elif word in _TIMES:
            value = (value or 1.0) * _TIMES[word]
        elif value is None or not _joins(words, place, _VALUES):
            break
        place += 1
    return None if value is None else Number(value, first, place)


def _joins(words: Sequence[str], place: int, values: Collection[str]) -> bool:
    return words[place] in _JOINTS and place + 1 < len(words) and words[place + 1] in values
