"""Parquet tables, through pyarrow: read a few rows at a time, columns that can't become anything left unread.

The one file that names pyarrow for reading. What is used of it is written down as protocols, since it ships no types.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, cast

from evaluator.batch.inputs.columns import unlike_names
from evaluator.batch.inputs.limits import PARQUET_BATCH_ROWS, PARQUET_BUFFER_BYTES
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin
from evaluator.batch.inputs.rows import Row, lay_out, row_item
from evaluator.batch.records import Item
from evaluator.errors import InputError, MissingExtra

__all__ = ["DamagedTable", "read_parquet"]

_PANDAS_INDEX: Final = "__index_level_"  # a row number that pandas stores under a name of its own
_REMEDY: Final = "write the table again, or as CSV or JSONL"


class DamagedTable(InputError):
    """A table, or the rest of one, can't be read; what was read before stays."""


class _Field(Protocol):
    name: str
    type: object


class _Schema(Protocol):
    def __iter__(self) -> Iterator[_Field]: ...


class _Array(Protocol):
    def to_pylist(self) -> list[object]: ...
    def cast(self, target_type: object) -> _Array: ...


class _Batch(Protocol):
    num_rows: int

    def column(self, i: int) -> _Array: ...


class _File(Protocol):
    schema_arrow: _Schema

    def iter_batches(
        self, batch_size: int, *, columns: Sequence[str] | None, use_threads: bool
    ) -> Iterator[_Batch]: ...


class _Types(Protocol):
    def is_nested(self, t: object) -> bool: ...


class _Arrow(Protocol):
    types: _Types
    ArrowException: type[Exception]

    def string(self) -> object: ...


class _Parquet(Protocol):
    def ParquetFile(self, source: object, *, pre_buffer: bool, buffer_size: int) -> _File: ...  # noqa: N802 - pyarrow's name


def read_parquet(file: io.BufferedIOBase, origin: Origin, options: ReadOptions) -> Iterator[Item]:
    """Yield the item of each row, named by its number from 1; ``file`` can be sought in.

    Raises:
        OptionError: A column that the caller named isn't there.
        InputError: No column holds a transcript, or this is no Parquet.
        MissingExtra: pyarrow isn't installed.
    """
    arrow, parquet = _load()
    with _translated(arrow, origin):
        # Page by page: as it comes, pyarrow holds a column of a whole row group, which writers make of the whole table.
        table = parquet.ParquetFile(file, pre_buffer=False, buffer_size=PARQUET_BUFFER_BYTES)
        fields = list(table.schema_arrow)
    names = unlike_names(field.name for field in fields)
    layout = lay_out(names, options, origin)
    wanted = [
        index
        for index, (field, name) in enumerate(zip(fields, names, strict=True))
        if name
        and not name.startswith(_PANDAS_INDEX)
        and (name == layout.text or not arrow.types.is_nested(field.type))
    ]
    number = 0
    for rows in _batches(arrow, table, origin, [fields[index].name for index in wanted], len(fields)):
        columns = rows if len(rows) == len(wanted) else [rows[index] for index in wanted]
        for values in zip(*columns, strict=True):
            number += 1
            cells = dict(zip((names[index] for index in wanted), values, strict=True))
            yield row_item(Row(origin, number, "row"), cells, layout, options)


def _load() -> tuple[_Arrow, _Parquet]:
    try:
        import pyarrow as pa  # pyright: ignore[reportMissingTypeStubs] - it ships none
        from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs] - it ships none
    except ImportError as error:
        raise MissingExtra(
            "reading Parquet needs pyarrow", remedy="pip install 'interview-evaluator[batch]'"
        ) from error
    return cast("_Arrow", pa), cast("_Parquet", parquet)


@contextmanager
def _translated(arrow: _Arrow, origin: Origin) -> Generator[None]:
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DamagedTable("it is damaged, locked, or no Parquet", where=origin.name, remedy=_REMEDY) from error


def _batches(
    arrow: _Arrow, table: _File, origin: Origin, wanted: Sequence[str], width: int
) -> Iterator[list[list[object]]]:
    """Yield the values of a few rows, column by column: those of ``wanted``, or all if a name can't select one."""
    plain = len(set(wanted)) == len(wanted) and not any("." in name for name in wanted)
    with _translated(arrow, origin):
        batches = table.iter_batches(PARQUET_BATCH_ROWS, columns=wanted if plain else None, use_threads=False)
    while True:
        with _translated(arrow, origin):
            batch = next(batches, None)
            if batch is None:
                return
            count = len(wanted) if plain else width
            rows = [_values(arrow, batch.column(index)) for index in range(count)]
        yield rows


def _values(arrow: _Arrow, column: _Array) -> list[object]:
    """Return the values as Python's; times finer or further away than Python's become text."""
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return column.cast(arrow.string()).to_pylist()
