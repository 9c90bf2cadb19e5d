"""The batch as a table, one row an item: rows in, ``evaluations.csv`` out; the columns are Parquet's too.

Columns stand in one order always: ours, then ``verdict.<criterion>`` in the rubric's order, in Parquet also
``confidence.<criterion>``, then the input's own as ``input.<name>``. The prefixes keep criterion and input names from
meeting ours.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Final, TypeAlias

from evaluator.batch.cells import safe_cell, unique_names
from evaluator.batch.rows import CODES, Row
from evaluator.rubric import Rubric

__all__ = ["CSV_TABLE", "OWN_COLUMNS", "CellValue", "input_headings", "own_values", "verdict_names", "write_csv"]

CSV_TABLE: Final = "evaluations.csv"
OWN_COLUMNS: Final = (
    *("item", "status", "score", "band", "coverage", "needs_review", "question_type", "same_as", "code", "message"),
    *("words", "wpm", "duration_s", "cost_usd", "flags"),
)
CellValue: TypeAlias = str | float | bool | None
_BOM: Final = b"\xef\xbb\xbf"  # without it spreadsheets read UTF-8 as something else
_NAMES: Final[dict[str, str | None]] = {letter: verdict for verdict, letter in CODES.items()}


def write_csv(file: IO[bytes], rows: Iterable[Row], rubric: Rubric, input_columns: Sequence[str]) -> None:
    """Write the table as UTF-8 with a byte order mark, cells parted by commas, lines by CR LF.

    Args:
        file: Where to.
        rows: In the order of the items; read once.
        rubric: Names the criteria.
        input_columns: Every input column of any row.
    """
    file.write(_BOM)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        table = csv.writer(text, lineterminator="\r\n")
        own = [*OWN_COLUMNS, *(f"verdict.{criterion}" for criterion in rubric.by_id)]
        table.writerow([*own, *input_headings(input_columns)])
        for row in rows:
            told = [row.columns.get(name) for name in input_columns]
            table.writerow(map(_cell, [*own_values(row), *verdict_names(row, rubric), *told]))
    finally:
        text.detach()


def input_headings(input_columns: Sequence[str]) -> list[str]:
    """Return the headings of the input's columns, harmless and each different."""
    return unique_names(f"input.{name}" for name in input_columns)


def own_values(row: Row) -> list[CellValue]:
    """Return the values of `OWN_COLUMNS`."""
    review = None if row.status == "failed" else row.status == "needs_review"
    return [
        *(row.item, row.status, row.score, row.band, row.coverage, review, row.question_type, row.same_as),
        *(row.code or None, row.message or None, row.words, row.wpm, row.duration_s, row.cost_usd),
        " ".join(row.flags) or None,
    ]


def verdict_names(row: Row, rubric: Rubric) -> list[str | None]:
    """Return the verdicts in the rubric's order; ``None`` where there is none."""
    return [_NAMES.get(letter) for letter in row.verdicts] or [None] * len(rubric.criteria)


def _cell(value: CellValue) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return safe_cell(value)
        case _:
            return f"{value:.10g}"
