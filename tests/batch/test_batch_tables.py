"""Tests of the tables: cells that nothing runs, one row an item, the same figures in both."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.batch.cells import is_live, safe_cell, unique_names
from evaluator.batch.parquet_table import write_parquet
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.rows import Row, row_of
from evaluator.batch.tables import write_csv
from evaluator.reports.characters import visible
from tests.batch.batch_cases import failed, hostile_batch, small_rubric, varied_batch
from tests.property.strategies import hard_texts

_STARTS: Final = (
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    "\n=",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
    "﹣",
    "−",
    "⁺",
    "'=",
    '"=',
    "“@",
    " =",
    "\u00a0+",
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ufeff]")
_FORMULA: Final = re.compile(r"^[\s'\"“”‘’\u200b-\u200d\u2060]*[=+\-@−\uff1d\uff0b\uff0d\uff20﹣﹢﹦﹫⁺⁻⁼]")


def _dangerous() -> st.SearchStrategy[str]:
    starts = st.sampled_from(_STARTS)
    pieces = st.one_of(starts, hard_texts(8), st.sampled_from([";", ",", '"', '""', "\r\n", "cmd|' /C calc'!A0", "1"]))
    return st.lists(pieces, max_size=8).map("".join)


def _table(records: Sequence[GradedItem | FailedItem], columns: Sequence[str]) -> str:
    out = io.BytesIO()
    write_csv(out, [row_of(record, small_rubric()) for record in records], small_rubric(), columns)
    return out.getvalue().decode("utf-8")


@given(text=_dangerous())
def test_no_cell_can_run(text: str) -> None:
    """Whatever a cell holds, no reader that parts cells by commas, semicolons or tabs finds a formula in it."""
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(text), safe_cell(text)])
    for delimiter in ",;\t":
        for row in csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter):
            assert not any(_FORMULA.match(cell) for cell in row if not cell.startswith("'"))
    assert not _CONTROLS.search(out.getvalue())


@given(text=_dangerous().filter(lambda text: not re.search(r"[;\uff1b\u037e]", text)))
def test_a_guarded_cell_gives_its_text_back(text: str) -> None:
    """Only an apostrophe stands before a text that was live; all else is the harmless text on one line."""
    shown = visible(text).replace("\n", " ")
    assert safe_cell(text) == (f"'{shown}" if is_live(shown) else shown)


@pytest.mark.parametrize("start", _STARTS)
def test_each_way_to_start_a_formula_is_known(start: str) -> None:
    """Signs, their wide and small forms, and those behind blanks or quotes are guarded."""
    assert safe_cell(f"{start}1+1").startswith("'")


@pytest.mark.parametrize("text", ["anna.vtt", "Team North", "3 - 4", "a=b", "", "ein Wort – noch eins", "2024-01-02"])
def test_harmless_cells_stay_as_they_are(text: str) -> None:
    """A text that nothing would run gets no apostrophe."""
    assert safe_cell(text) == text


@given(names=st.lists(hard_texts(4), max_size=12))
def test_headings_are_all_different(names: list[str]) -> None:
    """Columns whose names look the same once they are harmless keep a heading each."""
    headings = unique_names(names)
    assert len(set(headings)) == len(names)


def test_the_table_has_one_row_an_item_with_numbers_as_numbers() -> None:
    """Failed items stand among the others with their reason; scores can be added up; the file starts with a mark."""
    records = varied_batch()
    text = _table(records, ["cohort", "student"])
    assert text.startswith("\ufeffitem,status,score,")
    rows = list(csv.DictReader(io.StringIO(text[1:], newline="")))
    assert [row["item"] for row in rows] == [record.item for record in records]
    for row, record in zip(rows, records, strict=True):
        assert row["input.student"] == record.columns["student"]
        if isinstance(record, FailedItem):
            assert (row["status"], row["code"], row["score"]) == ("failed", record.code, "")
            continue
        card = record.evaluation.scorecard
        assert row["status"] == ("needs_review" if card.needs_review else "graded")
        assert (float(row["score"]) if row["score"] else None) == card.score
        assert {c: row[f"verdict.{c}"] for c in small_rubric().by_id} == {
            finding.criterion: finding.verdict for finding in record.evaluation.findings
        }


def test_hostile_names_and_values_stay_text() -> None:
    """Markup, formulas, NUL and turning marks in names, headings and messages are cells like any other."""
    records = hostile_batch()
    columns = list(records[0].columns)
    text = _table(records, columns)
    assert not _CONTROLS.search(text[1:])
    cells = [cell for row in csv.reader(io.StringIO(text[1:], newline="")) for cell in row]
    assert not any(_FORMULA.match(cell) for cell in cells if not cell.startswith("'"))
    assert "'=1+1" in cells


def test_an_empty_batch_has_headings(tmp_path: Path) -> None:
    """No item still makes a table that a program can read: the columns follow from the rubric."""
    assert _table([], []).count("\r\n") == 1
    with (tmp_path / "t.parquet").open("wb") as file:
        write_parquet(file, [], small_rubric(), ["cohort"])
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.num_rows == 0
    assert table.schema.names[-1] == "input.cohort"


def test_parquet_holds_what_the_csv_holds_and_confidences(tmp_path: Path) -> None:
    """The same rows with types, texts as they came, and how sure each verdict is."""
    records = [*varied_batch(), failed("=1+1")]
    rows = [row_of(record, small_rubric()) for record in records]
    with (tmp_path / "t.parquet").open("wb") as file:
        write_parquet(file, rows, small_rubric(), ["cohort"])
    told = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert [row["item"] for row in told] == [record.item for record in records]
    for values, row, record in zip(told, rows, records, strict=True):
        assert (values["score"], values["band"], values["words"]) == (row.score, row.band, row.words)
        if isinstance(record, GradedItem):
            for finding in record.evaluation.findings:
                assert values[f"verdict.{finding.criterion}"] == finding.verdict
                assert values[f"confidence.{finding.criterion}"] == pytest.approx(finding.confidence)


def test_parquet_is_written_in_groups(tmp_path: Path) -> None:
    """Thousands of rows make several row groups, so that a writer never holds them all."""
    with (tmp_path / "t.parquet").open("wb") as file:
        write_parquet(file, (Row(f"i{n}", "failed", {}, code="x") for n in range(9000)), small_rubric(), [])
    metadata = pq.read_metadata(tmp_path / "t.parquet")
    assert (metadata.num_rows, metadata.num_row_groups) == (9000, 3)
