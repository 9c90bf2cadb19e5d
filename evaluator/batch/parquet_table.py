"""The table as Parquet: rows in, ``evaluations.parquet`` out, typed, in row groups of a few thousand.

Apart because it alone needs pyarrow, which loads when the first table is written. Texts stand in it as they came: a
program that shows them must escape them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

from evaluator.batch.rows import Row
from evaluator.batch.tables import OWN_COLUMNS, input_headings, own_values, verdict_names
from evaluator.errors import MissingExtra
from evaluator.rubric import Rubric

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARQUET_TABLE", "check_installed", "write_parquet"]

PARQUET_TABLE: Final = "evaluations.parquet"
_ROW_GROUP: Final = 4096
_NUMBERS: Final = frozenset({"score", "coverage", "wpm", "duration_s", "cost_usd"})


def check_installed() -> None:
    """Raise before any work if the table could not be written.

    Raises:
        MissingExtra: pyarrow isn't installed.
    """
    try:
        import_module("pyarrow")
    except ImportError as error:
        raise MissingExtra(
            "the Parquet table needs pyarrow", remedy="pip install 'interview-evaluator[batch]'"
        ) from error


def write_parquet(file: IO[bytes], rows: Iterable[Row], rubric: Rubric, input_columns: Sequence[str]) -> None:
    """Write the table; the schema follows from rubric and input columns alone, so that an empty batch has it too.

    Args:
        file: Where to.
        rows: In the order of the items; read once, one row group in memory.
        rubric: Names the criteria.
        input_columns: Every input column of any row; their values are strings.

    Raises:
        MissingExtra: pyarrow isn't installed.
    """
    check_installed()
    import pyarrow as pa
    import pyarrow.parquet as pq

    criteria = tuple(rubric.by_id)
    schema = pa.schema(
        [
            *(_own_field(name) for name in OWN_COLUMNS),
            *(pa.field(f"verdict.{criterion}", pa.string()) for criterion in criteria),
            *(pa.field(f"confidence.{criterion}", pa.float32()) for criterion in criteria),
            *(pa.field(name, pa.string()) for name in input_headings(input_columns)),
        ],
        metadata={"rubric": f"{rubric.id} {rubric.version}", "rubric_sha256": rubric.sha256},
    )
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=True) as writer:
        for group in _groups(rows):
            columns = zip(*(_values(row, rubric, input_columns) for row in group), strict=True)
            arrays = [pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _own_field(name: str) -> pa.Field:
    import pyarrow as pa

    if name in _NUMBERS:
        return pa.field(name, pa.float64())
    if name == "words":
        return pa.field(name, pa.int64())
    return pa.field(
        name, pa.bool_() if name == "needs_review" else pa.string(), nullable=name not in ("item", "status")
    )


def _values(row: Row, rubric: Rubric, input_columns: Sequence[str]) -> list[object]:
    confidences = row.confidences or (None,) * len(rubric.criteria)
    told = (row.columns.get(name) for name in input_columns)
    return [*own_values(row), *verdict_names(row, rubric), *confidences, *told]


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while group := list(islice(waiting, _ROW_GROUP)):
        yield group
