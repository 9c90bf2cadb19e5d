"""Does a turn ask? Told by question marks, and by how it opens where speech recognition left no marks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["asking_share", "asks"]

_SENTENCE: Final = re.compile(r"[^.!?\u3002\uff1f\uff01]+[.!?\u3002\uff1f\uff01]*")
_END_MARKS: Final = ".!?\u3002\uff1f\uff01"
_QUESTION_MARKS: Final = "?\uff1f"
_TAIL_CHARS: Final = 400
_MAX_UNMARKED_WORDS: Final = 80  # a longer turn that opens like a question goes on to something else
_OPENER: Final = re.compile(
    r"(?:(?:so|and|but|okay|ok|well|right|alright|great|cool|thanks|sure|um|uh|then|now|yeah|yes|let's say|hi|hello)\b"
    r"[\s,]+){0,4}"
    r"(?:how|what|what's|why|when|where|who|which|would|could|can|do|does|did|is|are|isn't|wouldn't|will|should|have|"
    r"tell (?:me|us)|walk (?:me|us)|talk (?:me|us)|give (?:me|us)|describe|explain|suppose|imagine|pick|name)\b",
    re.IGNORECASE,
)


def asks(text: str) -> bool:
    """Return whether a turn asks something: it ends in a question, or opens like one and has no marks at all."""
    tail = text.rstrip()[-_TAIL_CHARS:].rstrip("\"'”’) ")
    if tail.endswith(tuple(_QUESTION_MARKS)):
        return True
    words = text.split(maxsplit=_MAX_UNMARKED_WORDS)
    if len(words) > _MAX_UNMARKED_WORDS:
        return False
    last = _sentences(tail)[-2:]
    if any(sentence.endswith(tuple(_QUESTION_MARKS)) for sentence in last):
        return True
    return _OPENER.match(text) is not None and (not any(mark in text for mark in _END_MARKS) or len(last) == 1)


def asking_share(texts: Iterable[str]) -> float:
    """Return the share of words that stand in questions; 0.0 without words."""
    asked = total = 0
    for text in texts:
        if not any(mark in text for mark in _END_MARKS):
            count = len(text.split())
            asked += count * asks(text)
            total += count
            continue
        for sentence in _sentences(text):
            count = len(sentence.split())
            asked += count * sentence.endswith(tuple(_QUESTION_MARKS))
            total += count
    return asked / total if total else 0.0


def _sentences(text: str) -> list[str]:
    return [found.strip() for found in _SENTENCE.findall(text) if found.strip()]
