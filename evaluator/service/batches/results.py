"""The results of a batch as they are sent: JSON lines, or a table for spreadsheets."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Final

from evaluator.batch.files import record_line
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.rows import Row, row_of
from evaluator.batch.tables import write_csv
from evaluator.rubric import Rubric

__all__ = ["csv_lines", "json_lines"]

_PIECE: Final = 64 * 1024


def json_lines(records: Iterable[GradedItem | FailedItem]) -> Iterator[bytes]:
    """Yield a line for each record, several at once."""
    piece = bytearray()
    for record in records:
        piece += record_line(record)
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def csv_lines(records: Iterable[GradedItem | FailedItem], rubric: Rubric) -> bytes:
    """Return the table of all records; no cell of it can be a formula."""
    rows: list[Row] = [row_of(record, rubric) for record in records]
    names = dict.fromkeys(name for row in rows for name in row.columns)
    file = io.BytesIO()
    write_csv(file, rows, rubric, list(names))
    return file.getvalue()
