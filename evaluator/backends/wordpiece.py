"""BERT's uncased tokenizer: sentences in, ids of word pieces out, as the models' makers cut them.

Written here because it is short, and the package that does it brings forty megabytes of others. Names of special tokens
in a text are words like any other: what is judged can't steer the model.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

__all__ = ["WordPieces"]

_LONGEST_WORD: Final = 100  # characters; a longer one is unknown, as a whole
_WORDS_KNOWN: Final = 50_000
_CHARACTERS_KNOWN: Final = 20_000
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
_IDEOGRAPHS: Final = (
    range(0x4E00, 0xA000),
    range(0x3400, 0x4DC0),
    range(0x20000, 0x2A6E0),
    range(0x2A700, 0x2B740),
    range(0x2B740, 0x2B820),
    range(0x2B920, 0x2CEB0),
    range(0xF900, 0xFB00),
    range(0x2F800, 0x2FA20),
)


class WordPieces:
    """Cuts texts by a vocabulary. Safe to share between threads."""

    def __init__(self, vocabulary: Sequence[str], longest: int) -> None:
        """Take the pieces by id, and how many ids a text may have; the rest of it is left out.

        Raises:
            KeyError: A special token is missing.
        """
        self._ids = {piece: number for number, piece in enumerate(vocabulary)}
        self._first, self._last, self._unknown = (self._ids[name] for name in ("[CLS]", "[SEP]", "[UNK]"))
        self._longest = longest
        self._plain = _PlainCharacters()
        self._pieces = lru_cache(_WORDS_KNOWN)(self._find_pieces)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, between those that open and close it."""
        ids = [self._first]
        for word in text.translate(self._plain).split():
            ids += self._pieces(word)
        del ids[self._longest - 1 :]
        ids.append(self._last)
        return ids

    def _find_pieces(self, word: str) -> tuple[int, ...]:
        """Return the longest pieces that make up a word, left to right; of one that has none, that it is unknown."""
        if len(word) > _LONGEST_WORD:
            return (self._unknown,)
        pieces: list[int] = []
        start, before = 0, ""
        while start < len(word):
            end = next((end for end in range(len(word), start, -1) if before + word[start:end] in self._ids), None)
            if end is None:
                return (self._unknown,)
            pieces.append(self._ids[before + word[start:end]])
            start, before = end, "##"
        return tuple(pieces)


class _PlainCharacters(dict[int, str]):
    """What stands for a character: a small letter without its accent, a mark apart from words, a blank, or nothing."""

    def __missing__(self, code: int) -> str:
        plain = _plain(chr(code))
        if len(self) < _CHARACTERS_KNOWN:
            self[code] = plain
        return plain


def _plain(char: str) -> str:
    if char in "\t\n\r" or unicodedata.category(char).startswith("Z"):
        return " "
    if char == "\ufffd" or unicodedata.category(char) in _UNSEEN:
        return ""
    bare = [part for part in unicodedata.normalize("NFD", char) if unicodedata.category(part) != "Mn"]
    plain = "".join(f" {part} " if _is_mark(part) else part.lower() for part in bare)
    return f" {plain} " if any(ord(char) in block for block in _IDEOGRAPHS) else plain


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("P") or (char.isascii() and char.isprintable() and not char.isalnum())
