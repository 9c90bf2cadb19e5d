"""Sentences of speech: the text of a turn in, spans out.

Apart because written punctuation can't be trusted: transcripts of speech often have none, or one full stop a minute.
Where a sentence runs on, it is cut at the comma nearest to the usual length, else at that length; crumbs such as
"Right." join what stands before them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["punctuated_spans", "sentence_spans"]

_LONGEST_WORDS: Final = 40  # spoken sentences rarely run longer; the encoder reads 256 tokens, about 190 words
_WINDOW_WORDS: Final = 25
_REACH_WORDS: Final = 10  # how far from the window's end a comma may lie
_SHORTEST_WINDOW: Final = 12
_CRUMB_WORDS: Final = 3
_WORD: Final = re.compile(r"\S+")
_PAUSES: Final = frozenset(",;:")
# What the shortcut below rests on: a word of plain letters that ends a run of characters, one mark, space, a capital.
# A semicolon before a small letter ends nothing.
_END: Final = re.compile(r"(?<![^ \n])([A-Za-z][A-Za-z'’-]*+[.?!])[ \n]++(?=[A-Z])")
_ONE_SENTENCE: Final = re.compile(r"(?:[\w ,:'’\"“”%$/&+\n-]++|(?<=\d)\.(?=\d)|(?<=[a-z]);(?= [a-z]))*+[.?!]?[ \n]*")
_BRACKETS: Final = re.compile(r"[(\[{\u2329-\U0010ffff]")  # those that syntok knows, and much beside
_WORDS_KNOWN: Final = 20_000


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of all sentences, in order and without overlap; none starts or ends with white space."""
    pieces = [piece for sentence in punctuated_spans(text) for piece in _windows(text, sentence)]
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        crumb = _count(text, (start, end)) < _CRUMB_WORDS
        if joined and crumb and _count(text, joined[-1]) < _WINDOW_WORDS:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def punctuated_spans(text: str) -> list[tuple[int, int]]:
    """Return what syntok takes for sentences, space around them aside.

    It reads token by token, which took half of judging beside the encoder. Where a sentence surely ends it begins anew:
    nothing that stands before changes what it makes of the rest. So the text is cut there, and only pieces that hold
    anything but words are given to it. Brackets reach across sentences; a text with any is given to it whole.
    """
    if _BRACKETS.search(text):
        return _by_syntok(text)
    spans: list[tuple[int, int]] = []
    first = 0
    for match in _END.finditer(text):
        if _surely_ends(match[1]):
            spans += _sentences(text[first : match.end(1)], first)
            first = match.end()
    return spans + _sentences(text[first:], first)


@lru_cache(_WORDS_KNOWN)
def _surely_ends(word: str) -> bool:
    """Return whether syntok ends a sentence after this word and mark, be it the first word or not, before a capital."""
    return all(len(_by_syntok(f"{before}{word} Zebras")) > 1 for before in ("", "the "))


def _sentences(piece: str, offset: int) -> list[tuple[int, int]]:
    """Return the sentences of a piece between two sure ends."""
    if piece.count("\n") > 1 or not _ONE_SENTENCE.fullmatch(piece):
        return [(start + offset, end + offset) for start, end in _by_syntok(piece)]
    return _stripped(piece, offset)


def _stripped(piece: str, offset: int) -> list[tuple[int, int]]:
    """Return the span of a piece without the space around it; nothing if it is all space."""
    said = piece.strip()
    start = offset + piece.index(said)
    return [(start, start + len(said))] if said else []


def _by_syntok(text: str) -> list[tuple[int, int]]:
    from syntok import segmenter  # noqa: PLC0415 - 30 ms that only a judge needs

    sentences = [tokens for paragraph in segmenter.analyze(text) for tokens in paragraph]
    return [(tokens[0].offset, tokens[-1].offset + len(tokens[-1].value)) for tokens in sentences]


def _windows(text: str, sentence: tuple[int, int]) -> list[tuple[int, int]]:
    """Cut one sentence into windows if it runs on."""
    start, end = sentence
    if _count(text, sentence) <= _LONGEST_WORDS:
        return _stripped(text[start:end], start)
    words = [match.span() for match in _WORD.finditer(text, start, end)]
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
