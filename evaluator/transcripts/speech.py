r"""What was said, without what was only written down: hidden characters and annotations taken out.

In: the text of one utterance as the source wrote it. Out: plain words in which the only control character is ``\n``,
where the source broke a line; every other run of white space becomes one space. Unicode is not normalised: spans refer
to what is stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

__all__ = ["Speech", "hear", "is_annotation", "plain_line"]

# C0 and C1 controls that aren't white space, soft hyphen, zero-width and bidi marks, invisible operators, line
# annotation marks, byte order mark, lone surrogates, language tags and the second block of variation selectors.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_BRACKETED: Final = re.compile(r"\[([^\[\]]{1,60})\]|\(([^()]{1,60})\)|(?<![\w*])\*([a-z][a-z ]{2,30})\*(?![\w*])")
_TIME: Final = re.compile(r"(?:\d{1,3}:){1,2}\d{2}(?:[.,]\d{1,3})?")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LINE_END: Final = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SPACES: Final = re.compile(r"[^\S\n]+")
_EMPTY_LINES: Final = re.compile(r" ?\n[ \n]*")
_MUSIC: Final = re.compile("[♩♪♫♬]")
_LOST_LIST: Final = "inaudible unintelligible indistinct indiscernible garbled unclear incomprehensible"
_SOUND_LIST: Final = (
    "applause applauds clapping claps cheering cheers laugh laughs laughing laughter laughed chuckle chuckles "
    "chuckling chuckled giggles giggling cough coughs coughing coughed sneeze sneezes sigh sighs sighing sighed groan "
    "groans gasp gasps breath breathes breathing exhales inhales sniff sniffs yawns snorts hums humming whistles "
    "crosstalk overtalk crosstalking overlapping silence silent pause pauses pausing paused beat music noise noises "
    "static beep beeps ringing rings buzzing typing clicking knocking interruption interrupts interrupted interposing "
    "smiles smiling nods nodding shrugs grins gestures gesturing throat blank_audio blank"
)
_BESIDE_LIST: Final = (
    "a an the of in on at to and or then long short brief loud loudly quiet quietly soft softly slight slightly "
    "nervous nervously heavy heavily deep deeply both all everyone speaker speakers audience crowd background clears "
    "clearing cleared takes taking plays playing sound sounds phone door keyboard dog audio speech word words voice "
    "voices continues stops starts ends again is for second seconds minute minutes multiple several people together "
    "simultaneously off mic microphone his her their head s time"
)
_LOST_WORDS: Final = frozenset(_LOST_LIST.split())
_SOUNDS: Final = _LOST_WORDS | frozenset(_SOUND_LIST.split())
_BESIDES: Final = frozenset(_BESIDE_LIST.split())


@dataclass(frozen=True, slots=True)
class Speech:
    r"""The words of one utterance.

    Attributes:
        text: The words, lines parted by ``\n``; empty if none are left.
        hidden: How many hidden characters were taken out.
        lost: How many annotations say that words could not be made out.
    """

    text: str
    hidden: int
    lost: int


def hear(raw: str) -> Speech:
    """Return the words of ``raw``, without hidden characters and annotations."""
    shown, hidden = _HIDDEN.subn("", raw)
    lost = 0

    def drop(match: re.Match[str]) -> str:
        nonlocal lost
        inner = match.group(match.lastindex or 0)
        if not is_annotation(inner, bracketed=match.lastindex == 1):
            return match.group()
        lost += _says_lost(inner)
        return " "

    spoken = _BRACKETED.sub(drop, _MUSIC.sub(" ", shown))
    return Speech(_tidy(spoken), hidden, lost)


def _tidy(text: str) -> str:
    r"""Return ``text`` with ``\n`` for every line end and one space for any other white space."""
    spaced = _SPACES.sub(" ", _LINE_END.sub("\n", text))
    return _EMPTY_LINES.sub("\n", spaced).strip()


def plain_line(raw: str) -> str:
    """Return ``raw`` on one line, without hidden characters; annotations stay."""
    return " ".join(_HIDDEN.sub("", raw).split())


@lru_cache(maxsize=1024)
def is_annotation(inner: str, *, bracketed: bool = False) -> bool:
    """Tell whether what stands in a bracket was not said: a sound, or in square brackets a time.

    Every word of a sound is one or goes with one, so that ``(about 3%)`` and ``(music streaming)`` stay.
    """
    words = _words(inner)
    if not words:
        rest = _TIME.sub("", inner)
        return bracketed and rest != inner and not rest.strip(" -–—>")
    return any(word in _SOUNDS for word in words) and all(word in _SOUNDS or word in _BESIDES for word in words)


@lru_cache(maxsize=1024)
def _says_lost(inner: str) -> bool:
    return not _LOST_WORDS.isdisjoint(_words(inner))


def _words(inner: str) -> list[str]:
    return _WORD.findall(inner.lower())
