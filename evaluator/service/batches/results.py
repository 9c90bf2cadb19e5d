"""The results of a batch as they are sent: JSON lines, or a table for spreadsheets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from evaluator.batch.files import record_line
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.rows import RowSpool, row_of
from evaluator.batch.tables import write_csv
from evaluator.rubric import Rubric

__all__ = ["csv_file", "json_lines", "pieces"]

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


def csv_file(records: Iterable[GradedItem | FailedItem], rubric: Rubric) -> IO[bytes]:
    """Return the table of all records, in a file without a name; no cell of it can be a formula."""
    names: dict[str, None] = {}
    table = tempfile.TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
    with tempfile.TemporaryFile() as held:
        rows = RowSpool(held)  # the table begins with all columns, which only the last record may tell
        for record in records:
            row = row_of(record, rubric)
            names |= dict.fromkeys(row.columns)
            rows.append(row)
        write_csv(table, rows, rubric, list(names))
    table.seek(0)
    return table


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what a file holds, and close it."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
