"""Text that is no transcript: markup, tables and the like, named in the refusal so that the remedy is plain."""

from __future__ import annotations

import csv
import re
from typing import Final

from evaluator.errors import TranscriptError

__all__ = ["refuse_foreign"]

_HEAD_CHARS: Final = 20_000
_HTML: Final = re.compile(
    r"(?:<!--.{0,500}?-->\s{0,100})?<(?:!doctype html|html|head|body|div|p|table|span)\b", re.IGNORECASE | re.DOTALL
)
_CELL: Final = re.compile(r"[A-Za-z][A-Za-z _-]{0,30}")
_TABLE_ROWS: Final = 3
_TABLE_SAMPLE: Final = 20
_REMEDY: Final = "save the transcript as text, WebVTT, SRT, JSON or .docx"


def refuse_foreign(text: str, *, plain_asked: bool) -> None:
    """Refuse text of a form that no row of FORMATS reads.

    Args:
        text: The whole text.
        plain_asked: The caller asked for plain text; then commas in columns are taken for words.

    Raises:
        TranscriptError: It looks like RTF, HTML, XML or a table.
    """
    head = text[:_HEAD_CHARS].lstrip()
    kind = None
    if head.startswith("{\\rtf"):
        kind = "RTF"
    elif _HTML.match(head):
        kind = "HTML"
    elif head.startswith("<?xml"):
        kind = "XML"
    elif head.startswith("%PDF"):
        kind = "a PDF"
    elif not plain_asked and _is_table(head):
        kind = "a table (CSV)"
    if kind is not None:
        raise TranscriptError(f"this looks like {kind}, not a transcript", where="line 1", remedy=_REMEDY)


def _is_table(head: str) -> bool:
    """Tell whether ``head`` is a header of short names, then rows with the same number of cells."""
    lines = [line for line in head.splitlines() if line.strip()][:_TABLE_SAMPLE]
    if len(lines) < _TABLE_ROWS:
        return False
    for separator in (",", ";", "\t"):
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        width = len(rows[0])
        named = all(_CELL.fullmatch(cell.strip()) for cell in rows[0])
        if width > 1 and named and all(len(row) == width for row in rows[1:]):
            return True
    return False
