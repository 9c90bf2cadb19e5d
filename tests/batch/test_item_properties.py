"""What holds for any rows: tables of every kind give back the words and columns that were written into them."""

from __future__ import annotations

import datetime as dt
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.batch.inputs import ReadOptions, read_items
from evaluator.batch.inputs.columns import column_texts, find_column, scalar_text, storable, unlike_names
from evaluator.batch.records import Item
from evaluator.errors import TranscriptError
from evaluator.transcripts import parse_transcript
from evaluator.values.transcript import Transcript
from tests.batch.containers import csv_bytes, jsonl_bytes, parquet_bytes
from tests.strategies import hostile_texts, sentences

_KEYS = ("cohort", "Interviewer name", 'n. of, "x"\ttabs', "näme")
_whole = st.characters(exclude_categories=["Cs"])
_values = st.one_of(st.none(), st.text(_whole, max_size=260), st.integers(-(10**15), 10**15).map(str))
_rows = st.lists(st.fixed_dictionaries({"text": sentences(), **dict.fromkeys(_KEYS, _values)}), min_size=1, max_size=8)


def _table(kind: str, rows: list[dict[str, str | None]]) -> bytes:
    names = list(rows[0])
    match kind:
        case "jsonl":
            return jsonl_bytes(rows)
        case "parquet":
            return parquet_bytes({name: _strings([row[name] for row in rows]) for name in names})
        case _:
            return csv_bytes([names, *([row[name] for name in names] for row in rows)], "\t" if kind == "tsv" else ",")


def _strings(values: list[str | None]) -> list[str | None]:
    """Return the values; a column of nothing but nothing still holds text."""
    return values if any(value is not None for value in values) else ["" for _ in values]


def _read(kind: str, data: bytes, options: ReadOptions | None = None) -> list[Item]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{kind}"
        path.write_bytes(data)
        return list(read_items([str(path)], options))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet"])
@settings(max_examples=40)
@given(rows=_rows)
def test_rows_come_back_as_they_were_written(kind: str, rows: list[dict[str, str | None]]) -> None:
    """Every row is one item, in order, with its words, and its columns trimmed, cut and without NUL."""
    items = _read(kind, _table(kind, rows))
    assert [item.name for item in items] == [f"t.{kind}:{number}" for number in range(1, len(rows) + 1)]
    for item, row in zip(items, rows, strict=True):
        assert item.transcript == parse_transcript(row["text"] or "")
        assert item.columns == column_texts({key: row[key] for key in _KEYS})


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
@settings(max_examples=60)
@given(texts=st.lists(hostile_texts(), min_size=1, max_size=6))
def test_any_text_in_a_table_is_what_it_is_by_itself(kind: str, texts: list[str]) -> None:
    """A cell gives the transcript that its text alone gives, or a failed item where that is refused."""
    if kind != "jsonl":  # only JSON can write half a character
        texts = [storable(text) for text in texts]
    rows: list[dict[str, str | None]] = [{"text": text, "n": "1"} for text in texts]
    items = _read(kind, _table(kind, rows))
    assert [item.transcript for item in items] == [_alone(text) for text in texts]
    assert all((item.transcript is None) != (item.problem is None) for item in items)


def _alone(text: str) -> Transcript | None:
    try:
        return parse_transcript(text)
    except TranscriptError:
        return None


@given(names=st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b", " a ", ""]), min_size=1, max_size=12))
def test_names_are_unique_and_stable(names: list[str]) -> None:
    """However often names repeat, each item has one of its own, the same on every run."""
    data = jsonl_bytes([{"text": "It is so.", "key": name} for name in names])
    options = ReadOptions(name_column="key")
    first, second = ([item.name for item in read_items(["-"], options, stdin=io.BytesIO(data))] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(names)


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=20),
    st.decimals(places=3, min_value=-(10**9), max_value=10**9),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(row=st.dictionaries(st.text(max_size=100), _scalars, max_size=60))
def test_columns_of_anything_are_few_short_and_storable(row: dict[str, object]) -> None:
    """Whatever a row holds, its columns fit in a record: UTF-8, no NUL, nothing blank, limits kept."""
    columns = column_texts(row)
    assert len(columns) <= 50
    json.dumps(columns, ensure_ascii=False).encode()
    for key, value in columns.items():
        assert 0 < len(key) <= 80
        assert 0 < len(value) <= 200
        assert "\0" not in key + value
        assert value == value.strip()


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    """A number written as text is the same number when read again."""
    text = scalar_text(value)
    assert text is not None
    assert float(text) == value


@given(names=st.lists(st.text(max_size=4), max_size=12))
def test_header_names_are_unlike_each_other(names: list[str]) -> None:
    """Every column that has a name can be found by one of its own."""
    found = unlike_names(names)
    filled = [name for name in found if name]
    assert len(found) == len(names)
    assert len(set(filled)) == len(filled)
    assert all(find_column(filled, name) == name for name in filled)
