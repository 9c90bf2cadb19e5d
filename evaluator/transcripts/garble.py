"""Does the text look like speech at all, or like a recognition that failed? Stable sentences out, none for good text.

Thresholds lie far outside what the 192 labelled transcripts show, also with one word in twenty misheard: a person is
asked to look only where a verdict would be worthless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from evaluator.transcripts.language import UNDETERMINED, english_share

__all__ = ["garble_reasons"]

_MIN_WORDS: Final = 20
_WORDS_PER_LOST: Final = 20  # one word in twenty not made out is a bad recording; in forty, a usual one
_MIN_LOST: Final = 3
_REPEATED_SHARE: Final = 0.25  # stutter stays under 0.05
_FRESH_PAIRS: Final = 0.25  # of word pairs; an hour of talk on one subject keeps above 0.5
_PAIRS_SEEN: Final = 400  # pairs come back in any long text, so only the head is looked at
_NON_WORD_SHARE: Final = 0.3
_LOW_ENGLISH: Final = 0.15
_ENGLISH_WORDS: Final = 40
_DAMAGED_SHARE: Final = 0.01
_VOWEL: Final = re.compile(r"[aeiouyà-ÿ]", re.IGNORECASE)
_LATIN: Final = re.compile(r"[a-zA-Z]+")
_MAX_WORD: Final = 30  # longer than any word that is spoken
_ACRONYM: Final = 5  # letters of an abbreviation without a vowel, such as HTTPS
_SHORT: Final = 2  # "ms", "pm" and the like are said as letters
_TOKEN_LIMIT: Final = 20_000


def garble_reasons(texts: Sequence[str], language: str, lost: int) -> tuple[str, ...]:
    """Return why the candidate's words look garbled; empty if they don't.

    Args:
        texts: The candidate's turns.
        language: ISO 639-1 code of them, or ``und``.
        lost: How many annotations of the whole source say that words could not be made out.
    """
    text = " ".join(texts)
    words = text.split(maxsplit=_TOKEN_LIMIT)[:_TOKEN_LIMIT]
    reasons: list[str] = []
    if lost >= _MIN_LOST and lost * _WORDS_PER_LOST > len(words):
        reasons.append("text_garbled: too many words are marked as inaudible.")
    if text.count("\ufffd") > _DAMAGED_SHARE * len(text):
        reasons.append("text_garbled: too many characters were lost on the way here.")
    if len(words) >= _MIN_WORDS:
        if _loops([word.casefold() for word in words]):
            reasons.append("text_garbled: the same words repeat over and over.")
        if _strange_share(words) > _NON_WORD_SHARE:
            reasons.append("text_garbled: too many of the words are no words.")
    if len(words) >= _ENGLISH_WORDS and language in {"en", UNDETERMINED} and english_share(text) < _LOW_ENGLISH:
        reasons.append("text_garbled: the text lacks the small words that every English sentence has.")
    return tuple(reasons)


def _loops(words: Sequence[str]) -> bool:
    head = words[: _PAIRS_SEEN + 1]
    pairs = list(pairwise(head))
    repeated = sum(first == second for first, second in pairs)
    return repeated > _REPEATED_SHARE * len(pairs) or len(set(pairs)) < _FRESH_PAIRS * len(pairs)


def _strange_share(words: Sequence[str]) -> float:
    """Return the share of words in Latin letters that nobody could say."""
    latin = [word for word in words if _LATIN.search(word)]
    return sum(map(_is_strange, latin)) / len(latin) if latin else 0.0


def _is_strange(word: str) -> bool:
    if len(word) > _MAX_WORD and "-" not in word and "/" not in word:
        return True
    letters = "".join(_LATIN.findall(word))
    abbreviation = letters.isupper() and len(letters) <= _ACRONYM
    return len(letters) > _SHORT and not _VOWEL.search(word) and not abbreviation
