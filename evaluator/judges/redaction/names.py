"""Names of people in a transcript: its texts in, the spans of each out.

Two steps. First each text by itself: given names of a list, and whatever stands where only a name stands (introduced,
greeted, addressed, after a title, before a surname). Then all texts together: what was a name once is one again.
No model and no network; what it misses and takes wrongly is measured on sentences of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from evaluator.judges.redaction import name_contexts
from evaluator.judges.redaction.name_words import (
    BRANDS,
    DOUBTFUL,
    ELSEWHERE,
    GIVEN,
    NO_NAMES,
    SURNAMES,
    TITLES_OF_WORKS,
    words,
)

__all__ = ["find_label_names", "find_names"]

_WORD: Final = re.compile(r"[^\W\d_]+(?:[-'’](?!s\b)[^\W\d_]+)*")
_PARTICLES: Final = words("van von de der den da di dos del la le bin ibn al el ter ten")
_SENTENCE_END: Final = '.!?…:;\n"“”'
_PROTECTED: Final = re.compile("|".join(rf"\b{re.escape(title)}\b" for title in TITLES_OF_WORKS), re.IGNORECASE)
_SHORTEST: Final = 2
_MOST_SURNAMES: Final = 2
_CASED: Final = (0.005, 0.6)  # share of capitals in a text whose writer told capitals from small letters


@dataclass(slots=True)
class _Token:
    """One word of a text."""

    text: str
    fold: str
    start: int
    end: int
    gap: str  # what stands between the word before and this one
    protected: bool
    name: bool = False

    @property
    def capital(self) -> bool:
        return self.text[0].isupper()

    @property
    def shouted(self) -> bool:
        return len(self.text) > 1 and self.text.isupper()

    @property
    def initial(self) -> bool:
        """Whether a sentence begins here, so that the capital tells nothing."""
        return any(mark in self.gap for mark in _SENTENCE_END)


@dataclass(slots=True)
class _Text:
    """One text with its words.

    Attributes:
        cased: Whether capitals tell anything.
    """

    text: str
    cased: bool
    tokens: list[_Token] = field(default_factory=list["_Token"])
    at: dict[int, int] = field(default_factory=dict[int, int])


def find_names(
    texts: Sequence[str], labels: Iterable[str] = (), *, english: bool = True
) -> list[list[tuple[int, int]]]:
    """Return the spans of the words of names, in order, for each text.

    Args:
        texts: Turns and question of one transcript.
        labels: Speakers' labels, those that name a role left out.
        english: Whether a given name in small letters is one: in other languages some are words.
    """
    cased = _is_cased(" ".join(texts))
    read = [_read(text, cased=cased) for text in texts]
    known = {label[start:end].casefold() for label in labels for start, end in find_label_names(label)}
    for one in read:
        _mark_listed(one, english=english)
        _mark_by_context(one)
        _mark_surnames(one)
    known |= {token.fold for one in read for token in one.tokens if token.name and len(token.fold) >= _SHORTEST}
    small = {token.fold for one in read for token in one.tokens if one.cased and token.text.islower()}
    for one in read:
        _mark_known(one, known, small)
    return [[(token.start, token.end) for token in one.tokens if token.name] for one in read]


def find_label_names(label: str) -> list[tuple[int, int]]:
    """Return the spans of the words of a speaker's label that may be a name: all but those that tell a role."""
    words = [match for match in _WORD.finditer(label) if len(match.group()) >= _SHORTEST]
    return [word.span() for word in words if word.group().casefold() not in NO_NAMES | BRANDS | _PARTICLES]


def _read(text: str, *, cased: bool) -> _Text:
    protected = [match.span() for match in _PROTECTED.finditer(text)]
    read = _Text(text, cased=cased)
    end = 0
    for match in _WORD.finditer(text):
        inside = any(start <= match.start() < stop for start, stop in protected)
        gap = text[end : match.start()] if read.tokens else "\n"
        read.at[match.start()] = len(read.tokens)
        read.tokens.append(_Token(match.group(), match.group().casefold(), match.start(), match.end(), gap, inside))
        end = match.end()
    return read


def _is_cased(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    low, high = _CASED
    return bool(letters) and low < sum(map(str.isupper, text)) / letters < high


def _may_be_name(token: _Token) -> bool:
    return not token.protected and token.fold not in NO_NAMES and token.fold not in BRANDS


def _mark_listed(one: _Text, *, english: bool) -> None:
    """Mark given names of the list, and doubtful ones that a surname follows or that speak."""
    for place, token in enumerate(one.tokens):
        if token.protected:
            continue
        parts = token.fold.split("-")
        before = one.tokens[place - 1] if place else None
        following = one.tokens[place + 1] if place + 1 < len(one.tokens) else None
        if all(part in GIVEN for part in parts):
            # In a text with capitals `SAM` is a market and `DORA` a set of metrics.
            token.name = not token.shouted and (token.capital or english) if one.cased else english
        elif _stands_out(token, before) and one.cased:
            token.name = True
        elif token.fold in DOUBTFUL and following is not None and _adjoins(following):
            surname = following.fold in SURNAMES and (following.capital or not one.cased)
            other = one.cased and following.capital and not following.shouted and _may_be_name(following)
            token.name = (token.capital or not one.cased) and (
                surname
                or (other and not token.initial and following.fold not in GIVEN)
                or (token.capital and following.fold in name_contexts.SPEECH)
            )


def _stands_out(token: _Token, before: _Token | None) -> bool:
    """Return whether a word has a capital that neither a sentence's begin nor a title in capitals explains."""
    plain = token.fold in DOUBTFUL and token.fold not in ELSEWHERE
    return plain and token.capital and not token.shouted and not token.initial and not (before and before.capital)


def _mark_by_context(one: _Text) -> None:
    for match, rule in name_contexts.matches(one.text):
        token = one.tokens[one.at[match.start("name")]] if match.start("name") in one.at else None
        if token is None or not _may_be_name(token) or len(token.fold) < _SHORTEST:
            continue
        likely = token.fold in GIVEN or token.fold in DOUBTFUL
        if rule.listed_only and not likely:
            continue
        if one.cased and not token.capital and token.fold not in GIVEN:
            continue
        if one.cased and token.shouted and not likely:
            continue
        if not one.cased and not likely and not rule.certain:
            continue
        token.name = True


def _mark_surnames(one: _Text) -> None:
    """Mark what follows a name as its surname: capitals, or in a text without them, words of the list."""
    taken = 0
    for before, token in zip(one.tokens, one.tokens[1:], strict=False):
        if token.name:
            taken = 0
            continue
        if not before.name or taken >= _MOST_SURNAMES or not _may_be_name(token):
            taken = 0
            continue
        initial_of = len(before.text) == 1 and token.gap in {". ", " "}
        if not (_adjoins(token) or initial_of):
            taken = 0
        elif (one.cased and token.capital and not token.shouted) or (
            len(token.text) == 1 and token.capital and token.fold != "i"
        ):
            token.name, taken = True, taken + 1
        elif token.fold in (SURNAMES - DOUBTFUL if one.cased else SURNAMES) or token.fold in _PARTICLES:
            token.name, taken = not one.cased or token.fold in _PARTICLES, taken + 1
    for place in range(len(one.tokens) - 1, 0, -1):  # a particle belongs to a name only if a surname follows it
        token = one.tokens[place]
        if token.fold in _PARTICLES and token.name:
            following = one.tokens[place + 1] if place + 1 < len(one.tokens) else None
            token.name = following is not None and following.name


def _adjoins(token: _Token) -> bool:
    return token.gap in {" ", "\u00a0"}


def _mark_known(one: _Text, known: set[str], small: set[str]) -> None:
    """Mark what is a name elsewhere; a name that is also a word only where the capital tells that it is one."""
    for token in one.tokens:
        if token.name or token.protected or token.fold not in known or token.fold in _PARTICLES:
            continue
        word = token.fold in DOUBTFUL or token.fold in NO_NAMES or (token.fold in small and token.fold not in GIVEN)
        if not one.cased:
            token.name = not word
        elif token.capital:
            token.name = not (word and token.initial)
