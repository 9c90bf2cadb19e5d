"""CSV and TSV with a header: cells parted by commas (or semicolons) and tabs, in quotes where they hold line ends.

A cell that is not UTF-8 goes on as bytes, so that transcripts are decoded, and flagged, as those in files are.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import Final

from evaluator.batch.inputs.columns import unlike_names
from evaluator.batch.inputs.limits import MAX_RECORD_CHARS
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin
from evaluator.batch.inputs.rows import Row, lay_out, row_failed, row_item
from evaluator.batch.records import Item
from evaluator.errors import InputError
from evaluator.transcripts.limits import MAX_BYTES

__all__ = ["read_csv", "read_tsv"]

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PIECE: Final = 64 * 1024
_QUOTES: Final = 'check its quotes: a cell with a quote, comma or line end stands in "…", and a quote in it is ""'


def read_csv(file: io.BufferedReader, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Yield the item of each row, named by its number, the first below the header being 1.

    A header without a comma may be parted by semicolons or tabs instead, as spreadsheets of some countries write it.

    Raises:
        OptionError: A column that the caller named isn't there.
        InputError: There is no header, or no column in it holds a transcript.
    """
    return _read(file, origin, options, None)


def read_tsv(file: io.BufferedReader, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Yield the items of a table parted by tabs, as `read_csv` does.

    Raises:
        OptionError: As `read_csv`.
        InputError: As `read_csv`.
    """
    return _read(file, origin, options, "\t")


class _TooLong(Exception):
    """A record outgrew its limit; never leaves this module."""


class _Lines:
    """The lines that a csv reader asks for, counted so that no record outgrows memory."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._taken = 0
        self._first: str | None = None

    def peek(self) -> str:
        """Return the first line; it is still to be read."""
        self._first = self._text.readline(MAX_RECORD_CHARS + 1)
        return self._first

    def start_record(self) -> None:
        """Begin to count anew."""
        self._taken = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line, self._first = self._first, None
        if line is None:
            line = self._text.readline(MAX_RECORD_CHARS + 1)
        if not line:
            raise StopIteration
        self._taken += len(line)
        if self._taken > MAX_RECORD_CHARS:
            while not line.endswith(("\n", "\r")) and line:
                line = self._text.readline(_PIECE)
            raise _TooLong
        return line


def _read(file: io.BufferedReader, origin: Origin, options: ReadOptions, delimiter: str | None) -> Iterator[Item]:
    records = _records(file, delimiter)
    header = next((record for record in records if record), None)
    if header is None:
        raise InputError("the table is empty", where=origin.name, remedy="give a table with a header")
    if isinstance(header, str):
        raise InputError(f"the header can't be read: {header}", where=origin.name, remedy=_QUOTES)
    names = unlike_names(header)
    layout = lay_out(names, options, origin)
    number = 0
    for record in records:
        if not record:  # a blank line
            continue
        number += 1
        row = Row(origin, number, "row")
        if isinstance(record, str):
            yield row_failed(row, record, _QUOTES)
        elif len(record) != len(names):
            yield row_failed(row, f"it has {len(record):,} cells, and the header {len(names):,}", _QUOTES)
        else:
            cells = (_cell(cell) for cell in record)
            yield row_item(row, {name: cell for name, cell in zip(names, cells, strict=True) if name}, layout, options)


def _records(file: io.BufferedReader, delimiter: str | None) -> Iterator[list[str] | str]:
    """Yield the cells of each record, or what is wrong with it; an empty list for a blank line."""
    wide = file.peek(2)[:2] in _UTF16  # what spreadsheets call Unicode text
    coding, errors = ("utf-16", "replace") if wide else ("utf-8-sig", "surrogateescape")
    with io.TextIOWrapper(file, encoding=coding, errors=errors, newline="") as text:
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=delimiter or _delimiter_of(lines.peek()), strict=True)
        while True:
            lines.start_record()
            first = reader.line_num + 1
            try:
                yield _next_record(reader)
            except StopIteration:
                return
            except _TooLong:
                yield f"what starts in line {first} is longer than {MAX_RECORD_CHARS // 2**20} MiB"
            except csv.Error as error:
                yield f"its cells can't be told apart: {error} (from line {first})"


def _next_record(reader: Iterator[list[str]]) -> list[str]:
    """Return the next record; the module's limit on cells is everybody's, so it is put back at once."""
    before = csv.field_size_limit(MAX_BYTES)
    try:
        return next(reader)
    finally:
        csv.field_size_limit(before)


def _delimiter_of(header: str) -> str:
    if "," in header:
        return ","
    return next((mark for mark in ";\t" if mark in header), ",")


def _cell(cell: str) -> str | bytes:
    """Return the cell, or its bytes if they were no UTF-8."""
    return cell if cell.isascii() or not _undecoded(cell) else cell.encode("utf-8", errors="surrogateescape")


def _undecoded(cell: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in cell)
