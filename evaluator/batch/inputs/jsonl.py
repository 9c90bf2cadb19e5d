"""A file of one JSON object a line, each with ``text``, ``turns`` or ``transcript`` and any columns beside it.

Lines may differ in their keys, so whether a column exists is known at the end only: a line without the transcript is
a failed item, and a column that the caller named and no line has is the caller's error once all are read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from evaluator.batch.inputs.columns import find_column
from evaluator.batch.inputs.limits import MAX_COLUMNS, MAX_LINE_BYTES
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin
from evaluator.batch.inputs.rows import Row, layout_of, no_text_column, row_failed, row_item, unknown_columns
from evaluator.batch.records import Item
from evaluator.errors import TranscriptError
from evaluator.transcripts.strict_json import Json, parse_json

__all__ = ["read_jsonl"]

_BOM: Final = b"\xef\xbb\xbf"
_SHAPE: Final = 'write one JSON object a line: {"text": "…"} or {"turns": […]}'
_PIECE: Final = 64 * 1024


def read_jsonl(file: io.BufferedIOBase, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Yield the item of each line that isn't blank, named by its number.

    Raises:
        OptionError: A column that the caller named is in no line.
        InputError: No line holds a transcript. Both after the last line, and for a named file only.
    """
    keys: dict[str, None] = {}
    missing = set(options.mapped())
    texts = objects = 0
    for number, line in _lines(file):
        row = Row(origin, number, "line")
        found = _object(row, line)
        if isinstance(found, Item):
            yield found
            continue
        layout = layout_of(tuple(found), options)
        objects += 1
        texts += layout.text is not None
        missing -= {name for name in missing if find_column(found, name) is not None}
        for key in found:
            if len(keys) < MAX_COLUMNS:
                keys[key] = None
        yield row_item(row, found, layout, options)
    if origin.named and objects:
        if missing:
            raise unknown_columns(sorted(missing), tuple(keys), origin)
        if not texts:
            raise no_text_column(tuple(keys), origin)


def _lines(file: io.BufferedIOBase) -> Iterator[tuple[int, bytes | None]]:
    """Yield number and bytes of each line that isn't blank; ``None`` for one that is too long."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (piece := file.readline(_PIECE)) and not piece.endswith(b"\n"):
                pass
            yield number, None
            continue
        plain = line.removeprefix(_BOM) if number == 1 else line
        if plain.strip():
            yield number, plain


def _object(row: Row, line: bytes | None) -> dict[str, Json] | Item:
    """Return the object in a line, or the record of why there is none."""
    if line is None:
        return row_failed(row, f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB", "cut it to one interview")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        return row_failed(row, f"byte {error.start} of the line is not UTF-8 text", "save the file as UTF-8")
    try:
        found = parse_json(text.strip())
    except TranscriptError as error:
        column = (error.where or "").partition(", ")[2]
        return row_failed(row, f"{error.message}{f', at {column}' if column else ''}", error.remedy or _SHAPE)
    return found if isinstance(found, dict) else row_failed(row, "this is no JSON object", _SHAPE)
