"""Sentences of speech: the text of a turn in, spans out.

Apart because written punctuation can't be trusted: transcripts of speech often have none, or one full stop a minute.
Where a sentence runs on, it is cut at the comma nearest to the usual length, else at that length; crumbs such as
"Right." join what stands before them.
"""

from __future__ import annotations

import re
from typing import Final, Protocol, cast

__all__ = ["sentence_spans"]

_LONGEST_WORDS: Final = 40  # spoken sentences rarely run longer; the encoder reads 256 tokens, about 190 words
_WINDOW_WORDS: Final = 25
_REACH_WORDS: Final = 10  # how far from the window's end a comma may lie
_SHORTEST_WINDOW: Final = 12
_CRUMB_WORDS: Final = 3
_WORD: Final = re.compile(r"\S+")
_PAUSES: Final = frozenset(",;:")


class _Token(Protocol):
    """The part of a syntok token that is used."""

    offset: int
    value: str


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of all sentences, in order and without overlap; none starts or ends with white space."""
    pieces = [piece for sentence in _punctuated(text) for piece in _windows(text, sentence)]
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        crumb = _count(text, (start, end)) < _CRUMB_WORDS
        if joined and crumb and _count(text, joined[-1]) < _WINDOW_WORDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _punctuated(text: str) -> list[tuple[int, int]]:
    from syntok import segmenter  # noqa: PLC0415 - 30 ms that only a judge needs

    paragraphs = cast("list[list[list[_Token]]]", list(segmenter.analyze(text)))
    spans: list[tuple[int, int]] = []
    for sentences in paragraphs:
        for tokens in sentences:
            first, last = tokens[0], tokens[-1]
            spans.append((first.offset, last.offset + len(last.value)))
    return spans


def _windows(text: str, sentence: tuple[int, int]) -> list[tuple[int, int]]:
    """Cut one sentence into windows if it runs on."""
    start, end = sentence
    words = [(match.start() + start, match.end() + start) for match in _WORD.finditer(text[start:end])]
    if len(words) <= _LONGEST_WORDS:
        return [(words[0][0], words[-1][1])] if words else []
    spans: list[tuple[int, int]] = []
    first = 0
    while first < len(words):
        stop = _window_end(text, words, first)
        spans.append((words[first][0], words[stop - 1][1]))
        first = stop
    return spans


def _window_end(text: str, words: list[tuple[int, int]], first: int) -> int:
    """Return the number of the word after the window that starts at word ``first``."""
    usual = first + _WINDOW_WORDS
    if len(words) - usual < _REACH_WORDS:
        return len(words)
    nearby = range(max(first + _SHORTEST_WINDOW, usual - _REACH_WORDS), usual + _REACH_WORDS)
    pauses = [stop for stop in nearby if text[words[stop - 1][1] - 1] in _PAUSES]
    return min(pauses, key=lambda stop: abs(stop - usual), default=usual)


def _count(text: str, span: tuple[int, int]) -> int:
    return len(text[span[0] : span[1]].split())
