"""Which language the candidate speaks, as an ISO 639-1 code.

English is told by its most frequent words, which speech recognition rarely gets wrong and which takes microseconds;
only what doesn't look English loads the model of py3langid (5 MB, in its wheel, no download), 0.6 s once.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Final, Protocol, cast

__all__ = ["UNDETERMINED", "english_share", "language_of"]

UNDETERMINED: Final = "und"

_MIN_WORDS: Final = 12  # below it, py3langid errs on one spoken English sentence in ten
_ENGLISH_SHARE: Final = 0.30  # spoken English has 0.42 to 0.62; other languages that use the Latin script under 0.20
_SAMPLE_CHARS: Final = 20_000  # a quarter of an hour of speech; more changes nothing
_CODE_LENGTH: Final = 2
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SMALL_WORDS: Final = (
    "the a an and or but if so because that this these those it its it's i i'd i'm i've i'll we we'd we're you your "
    "they them their he she his her our my me us is are was were be been being do does did have has had would could "
    "should will can not don't no to of in on at for from with as by about into over than then there what which who "
    "how when where why just like um uh well also very more most some any all out up"
)
_FUNCTION_WORDS: Final = frozenset(_SMALL_WORDS.split())


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of ``text``; ``und`` if it has under 12 words or no language is told."""
    sample = text[:_SAMPLE_CHARS]
    words = _WORD.findall(sample.lower())
    unspaced = sum(character > "\u2e7f" for character in sample)  # Chinese and Japanese put no space between words
    if len(words) + unspaced // 2 < _MIN_WORDS:
        return UNDETERMINED
    if english_share(sample) >= _ENGLISH_SHARE:
        return "en"
    language, _ = _identifier().classify(sample)
    return language if len(language) == _CODE_LENGTH else UNDETERMINED


def english_share(text: str) -> float:
    """Return the share of words of ``text`` that are frequent English function words; 0.0 if it has no words."""
    words = _WORD.findall(text.lower().replace("’", "'"))
    return sum(word in _FUNCTION_WORDS for word in words) / len(words) if words else 0.0


class _Identifier(Protocol):
    """The part of py3langid that is used; the package ships no types."""

    def classify(self, text: str) -> tuple[str, float]: ...


@lru_cache(maxsize=1)
def _identifier() -> _Identifier:
    langid = import_module("py3langid.langid")  # here, because the model is slow to load and English needs none
    return cast("_Identifier", langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True))
