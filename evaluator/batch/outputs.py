"""Everything that a batch leaves behind: records in, five files of one folder out, together or not at all.

One pass over the records writes both record files and counts; the flat rows and the packed details wait on the disk
meanwhile, and tables and page are written from them. Memory does not grow with the batch but for some bytes an item.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from evaluator.batch.files import EVALUATIONS, FAILURES, Drafts, record_line, writing
from evaluator.batch.parquet_table import PARQUET_TABLE, check_installed, write_parquet
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.report.details import detail_of
from evaluator.batch.report.embedding import BUDGET, DetailSpool, row_chunks
from evaluator.batch.report.heat import HeatTally
from evaluator.batch.report.page import FAILED_SHOWN, Embedded, filter_columns, render_page
from evaluator.batch.rows import RowSpool, row_of
from evaluator.batch.summary import Summary
from evaluator.batch.tables import CSV_TABLE, write_csv
from evaluator.batch.tallying import Tally
from evaluator.rubric import Rubric

__all__ = ["OUTPUTS", "REPORT", "write_outputs"]

REPORT: Final = "report.html"
OUTPUTS: Final = (EVALUATIONS, FAILURES, CSV_TABLE, PARQUET_TABLE, REPORT)


def write_outputs(
    folder: Path, records: Iterable[GradedItem | FailedItem], rubric: Rubric, *, budget: int = BUDGET
) -> Summary:
    """Write all outputs of a batch, and return its figures.

    The files take their names at the end, one right after the other; until then those of an earlier run stand unharmed,
    and may even be what ``records`` is read from. A process killed between two renames leaves whole files of both runs,
    and the next run mends it. The caller sees to it that no other process writes to the folder.

    Args:
        folder: Made if it doesn't exist.
        records: In the order of the items; read once.
        rubric: What the batch was judged by.
        budget: Most bytes of transcripts and findings inside the report.

    Raises:
        OptionError: The folder can't be written, or the disk is full.
        MissingExtra: pyarrow isn't installed.
    """
    check_installed()
    try:
        with writing(folder):
            return _write(folder, _set_apart(records), rubric, budget)
    except _SourceFailed as failed:
        raise failed.error from None


class _SourceFailed(Exception):
    """The records could not be read: none of the folder's business."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error


def _set_apart(records: Iterable[GradedItem | FailedItem]) -> Iterator[GradedItem | FailedItem]:
    """Pass records on, so that an error of the system while they are read is not told as one of writing."""
    try:
        yield from records
    except OSError as error:
        raise _SourceFailed(error) from error


def _write(folder: Path, records: Iterable[GradedItem | FailedItem], rubric: Rubric, budget: int) -> Summary:
    with Drafts(folder) as drafts, ExitStack() as stack:
        evaluations, failures = drafts.open(EVALUATIONS), drafts.open(FAILURES)
        rows = RowSpool(stack.enter_context(tempfile.TemporaryFile(dir=folder)))
        details = DetailSpool(stack.enter_context(tempfile.TemporaryFile(dir=folder)), budget)
        tally, heat = Tally(rubric), HeatTally(len(rubric.criteria))
        places = {criterion: place for place, criterion in enumerate(rubric.by_id)}
        failed: list[FailedItem] = []
        for record in records:
            row = row_of(record, rubric)
            rows.append(row)
            tally.add(record, row)
            if isinstance(record, FailedItem):
                failures.write(record_line(record))
                if len(failed) < FAILED_SHOWN:
                    failed.append(record)
                continue
            evaluations.write(record_line(record))
            heat.add(row)
            details.append(detail_of(record, places), row)
        summary = tally.summary()
        columns = summary.input_columns
        write_csv(drafts.open(CSV_TABLE), rows, rubric, columns)
        write_parquet(drafts.open(PARQUET_TABLE), rows, rubric, columns)
        chosen = details.choose()
        filters = filter_columns(summary)
        bands = {band.id: place for place, band in enumerate(rubric.scoring.bands)}
        embedded = Embedded(
            rows=row_chunks(rows, chosen, bands, filters),
            details=details.chunks(chosen),
            together=details.together,
            count=sum(chosen),
            left_out=details.count - sum(chosen),
            columns=filters,
        )
        report = drafts.open(REPORT)
        for piece in render_page(summary, rubric, heat.heat_map(), failed, embedded):
            report.write(piece.encode())
    return summary
