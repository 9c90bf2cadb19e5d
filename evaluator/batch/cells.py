"""Cells of a table for spreadsheets: untrusted text in, text that no spreadsheet takes for a formula out.

Apart because every text of a CSV passes here, headings included; numbers of ours don't need it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from evaluator.reports.characters import visible

__all__ = ["is_live", "safe_cell", "unique_names"]

_STARTERS: Final = frozenset("=+-@\u2212")
_QUOTES: Final = frozenset(
    "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00ab\u00bb\u2039\u203a\u00b4"
)
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
_BREAKS: Final = re.compile(r"(?<=[;\uff1b\u037e])")  # where a reader that parts cells by semicolons starts another


def safe_cell(text: str) -> str:
    """Return ``text`` on one line, without control characters, as words whatever reads it.

    A cell that a spreadsheet could run gets an apostrophe before it, the sign for "this is text"; so does what follows
    a semicolon, which many countries' spreadsheets take for the border of a cell.
    """
    line = visible(text).replace("\n", " ")
    return "".join(f"'{piece}" if is_live(piece) else piece for piece in _BREAKS.split(line))


def is_live(text: str) -> bool:
    """Whether a spreadsheet might run the cell: its first sign, quotes and blanks aside, starts a formula.

    Compatibility forms count as what they stand for: a full-width or superscript sign is the sign.
    """
    for sign in text:
        for character in unicodedata.normalize("NFKC", sign):
            if character in _STARTERS:
                return True
            unseen = unicodedata.category(character) in _UNSEEN or character == "\ufffd"
            if character in _QUOTES or unseen or character.isspace():
                continue
            return False
    return False


def unique_names(names: Iterable[str]) -> list[str]:
    """Return headings as `safe_cell` makes them; one that is taken gets a number after it."""
    made: list[str] = []
    taken: set[str] = set()
    for name in map(safe_cell, names):
        unique, number = name, 2
        while unique in taken:
            unique, number = f"{name} ({number})", number + 1
        taken.add(unique)
        made.append(unique)
    return made
