"""What a row tells beside the words: any scalars in, short texts out; and how a wanted column is found.

Values are what strangers wrote. They are made short and storable here, not harmless: whoever shows them sees to that.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from evaluator.batch.inputs.limits import MAX_COLUMN_CHARS, MAX_COLUMNS, MAX_VALUE_CHARS
from evaluator.errors import TranscriptError
from evaluator.transcripts.decoding import decode

__all__ = ["column_texts", "find_column", "scalar_text", "seen", "storable", "unlike_names"]

_SHOWN: Final = 20
_SHOWN_CHARS: Final = 40  # a longer name may be an answer: the first row of a table that has no header
_HALVES: Final = re.compile("[\ud800-\udfff]")
_WHOLE: Final = 1e15  # up to here every whole number is a float of its own


def storable(text: str) -> str:
    """Return ``text`` without NUL, and with a mark for each half character and each byte that was no UTF-8."""
    return _HALVES.sub("\ufffd", text.replace("\0", ""))


def scalar_text(value: object) -> str | None:
    """Return a scalar as people write it; ``None`` for nothing, not a number, and what is no scalar.

    Whole numbers have no point, since tables with gaps store counts as fractions; midnight is a date.
    """
    match value:
        case bool():
            text = "true" if value else "false"
        case float():
            text = _number(value)
        case bytes():
            text = _decoded(value)
        case dt.datetime():
            whole_day = value.time() == dt.time() and value.tzinfo is None
            text = value.date().isoformat() if whole_day else value.isoformat(sep=" ")
        case Decimal():
            text = f"{value:f}" if value.is_finite() else ""
        case str() | int() | dt.date() | dt.time() | dt.timedelta() | uuid.UUID():
            text = str(value)
        case _:
            return None
    return storable(text).strip() or None


def column_texts(row: Mapping[str, object]) -> dict[str, str]:
    """Return at most `MAX_COLUMNS` of the row's scalars as text, in its order, each cut at `MAX_VALUE_CHARS`."""
    columns: dict[str, str] = {}
    for key, value in row.items():
        name = _cut(storable(key).strip(), MAX_COLUMN_CHARS)
        if not name or name in columns:
            continue
        text = scalar_text(value)
        if text is not None:
            columns[name] = _cut(text, MAX_VALUE_CHARS)
        if len(columns) == MAX_COLUMNS:
            break
    return columns


def find_column(columns: Iterable[str], wanted: str) -> str | None:
    """Return the column called ``wanted``: exactly, else in any case; ``None`` if there is none."""
    folded = None
    for column in columns:
        if column == wanted:
            return column
        if folded is None and column.strip().casefold() == wanted.strip().casefold():
            folded = column
    return folded


def unlike_names(names: Iterable[str]) -> list[str]:
    """Return the names of a header, trimmed; one that stands there again gets a number, an empty one stays empty."""
    found: list[str] = []
    taken: set[str] = set()
    for raw in names:
        name = plain = storable(raw).strip()
        number = 1
        while name in taken:
            number += 1
            name = f"{plain} ({number})"
        if name:
            taken.add(name)
        found.append(name)
    return found


def seen(columns: Iterable[str]) -> str:
    """Return the columns as an error may list them: some, each on one line, never a long one."""
    names = [name for name in columns if name]
    shown = [repr(name) if len(name) <= _SHOWN_CHARS else f"one of {len(name):,} characters" for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return (", ".join(shown) or "none") + more


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)


def _decoded(value: bytes) -> str:
    try:
        return decode(value).text
    except TranscriptError:
        return ""  # a picture or a hash says nothing to slice by


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
