"""What the caller says about tables, and what of their columns, names and places an item keeps."""

from __future__ import annotations

import datetime as dt
import io
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from evaluator.batch.inputs import ReadOptions, read_items
from evaluator.batch.records import Item
from evaluator.errors import InputError, MissingExtra, OptionError
from tests.batch.containers import TEXTS, arrow_array, csv_bytes, jsonl_bytes, parquet_bytes, zip_bytes

_GOLD = Path(__file__).resolve().parents[2] / "fixtures" / "gold" / "dev.jsonl"
_SAID = "By the share of members who return."
_TABLE = [
    ["who", "asked", "kind", "said", "key", "cohort"],
    ["Anna", "Why?", "metric_design", f"Ben: Hm?\n\nAnna: {_SAID}", "k1", "red"],
    ["Ben", "", "", f"Ben: {_SAID}\n\nAnna: Hm?", "", "blue"],
]
_MAPPED = ReadOptions(
    text_column="said",
    question_column="asked",
    question_type_column="kind",
    candidate_column="WHO",
    name_column="key",
)


def _rows() -> list[dict[str, object]]:
    return [dict(zip(_TABLE[0], row, strict=True)) for row in _TABLE[1:]]


_TABLES = {
    "t.csv": csv_bytes(_TABLE),
    "t.tsv": csv_bytes(_TABLE, "\t"),
    "t.jsonl": jsonl_bytes(_rows()),
    "t.parquet": parquet_bytes({name: [row[place] for row in _TABLE[1:]] for place, name in enumerate(_TABLE[0])}),
}

every_table = pytest.mark.parametrize("name", list(_TABLES))


def _put(folder: Path, name: str, data: bytes | None = None) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_TABLES[name] if data is None else data)
    return str(path)


def _one(source: str, options: ReadOptions | None = None) -> Item:
    (item,) = read_items([source], options)
    return item


@every_table
def test_mapped_columns_say_what_they_hold(name: str, tmp_path: Path) -> None:
    """Transcript, question, type, candidate and name come from the columns the caller names, in any case."""
    first, second = read_items([_put(tmp_path, name)], _MAPPED)
    assert first.transcript is not None
    assert second.transcript is not None
    assert (first.name, second.name) == ("k1", f"{name}:2")
    assert [turn.role for turn in first.transcript.turns] == ["interviewer", "candidate"]
    assert [turn.role for turn in second.transcript.turns] == ["candidate", "interviewer"]
    assert (first.transcript.question, first.transcript.question_type) == ("Why?", "metric_design")
    assert second.transcript.question_type is None
    assert first.columns == {"who": "Anna", "asked": "Why?", "kind": "metric_design", "cohort": "red"}
    assert second.columns == {"who": "Ben", "cohort": "blue"}


@every_table
def test_kept_columns_are_those_asked_for(name: str, tmp_path: Path) -> None:
    """``keep`` names all columns that stay; none at all if it is empty."""
    source = _put(tmp_path, name)
    kept = ReadOptions(text_column="said", keep=("Cohort", "key"))
    assert [item.columns for item in read_items([source], kept)] == [
        {"key": "k1", "cohort": "red"},
        {"cohort": "blue"},
    ]
    nothing = ReadOptions(text_column="said", keep=())
    assert [item.columns for item in read_items([source], nothing)] == [{}, {}]


@every_table
@pytest.mark.parametrize("field", ["text_column", "question_column", "candidate_column", "name_column", "keep"])
def test_mapping_to_a_column_that_is_not_there_is_the_callers_error(name: str, field: str, tmp_path: Path) -> None:
    """The error names the table, the column that is missing and the columns that were seen."""
    value = ("nowhere",) if field == "keep" else "nowhere"
    given: dict[str, object] = {"text_column": "said", field: value}
    options = ReadOptions(**given)  # type: ignore[arg-type] - one field of each type by its name
    with pytest.raises(OptionError) as caught:
        list(read_items([_put(tmp_path, name)], options))
    assert caught.value.where == name
    assert "'nowhere'" in caught.value.message
    assert caught.value.remedy == "columns seen: 'who', 'asked', 'kind', 'said', 'key', 'cohort'"


@every_table
def test_table_without_transcripts_is_the_callers_error(name: str, tmp_path: Path) -> None:
    """A named table in which nothing is called text, turns or transcript says which columns it has."""
    with pytest.raises(InputError, match="name the column that holds the transcript; columns seen: 'who', 'asked'"):
        list(read_items([_put(tmp_path, name)]))


@every_table
@pytest.mark.parametrize("within", ["folder", "zip", "pattern without an ending"])
def test_table_that_was_only_found_fails_by_itself(name: str, within: str, tmp_path: Path) -> None:
    """A list of names beside the transcripts is a failed item (or its rows are), and the rest is read."""
    source = str(tmp_path / "c")
    _put(tmp_path, f"c/{name}", _TABLES[name])
    _put(tmp_path, "c/zz.txt", TEXTS[0].encode())
    if within == "zip":
        source = _put(tmp_path, "c.zip", zip_bytes({name: _TABLES[name], "zz.txt": TEXTS[0].encode()}))
    elif within != "folder":
        source = str(tmp_path / "c" / "*")
    *failures, last = read_items([source])
    assert last.transcript is not None
    assert failures
    assert all(item.problem and item.problem.code in {"table", "transcript"} for item in failures)


def test_column_missing_from_some_json_lines_is_no_error(tmp_path: Path) -> None:
    """Lines may differ in their keys, as long as one has what the caller named."""
    rows = [{"text": _SAID}, {"text": _SAID, "q": "Why?"}, {"other": 1}]
    items = list(read_items([_put(tmp_path, "a.jsonl", jsonl_bytes(rows))], ReadOptions(question_column="q")))
    assert [item.transcript.question if item.transcript else item.problem and item.problem.code for item in items] == [
        None,
        "Why?",
        "transcript",
    ]


@pytest.mark.parametrize("what", ["candidate", "question", "question_type"])
def test_a_value_for_all_and_a_column_for_the_same_are_refused(what: str) -> None:
    """Nobody has to guess which of the two wins."""
    given: dict[str, object] = {what: "a", f"{what}_column": "b"}
    with pytest.raises(OptionError, match="for all items and as a column"):
        ReadOptions(**given)  # type: ignore[arg-type] - fields of one type by their names


def test_candidate_column_that_nobody_mapped_is_a_label_only_where_there_is_one(tmp_path: Path) -> None:
    """A name of a person beside an unlabelled answer fails nothing; a mapped one that isn't there does."""
    rows = [
        {"text": f"Ben: Hm?\n\nAnna: {_SAID}", "candidate": "Ben"},
        {"text": _SAID, "candidate": "Ben"},
        {"turns": [{"speaker": "candidate", "text": _SAID}], "candidate": "Ben"},
    ]
    source = _put(tmp_path, "a.jsonl", jsonl_bytes(rows))
    items = list(read_items([source]))
    assert [item.transcript.roles.source for item in items if item.transcript] == ["given", "unlabelled", "labels"]
    assert [item.columns for item in items] == [{"candidate": "Ben"}] * 3
    mapped = list(read_items([source], ReadOptions(candidate_column="candidate")))
    assert [item.transcript is None for item in mapped] == [False, True, True]


def test_gold_rows_are_read_without_their_labels() -> None:
    """A file of labels is a batch too: its verdicts, evidence and bands are no columns."""
    items = list(read_items([str(_GOLD)], ReadOptions(name_column="id")))
    assert all(item.transcript for item in items)
    assert items[0].name == "A-001"
    columns = {key for item in items for key in item.columns}
    assert "question_type" in columns
    assert columns.isdisjoint({"id", "turns", "labels", "evidence", "band", "disputed"})


def test_values_are_as_people_write_them(tmp_path: Path) -> None:
    """Dates, truths and counts read as they would be typed; nothing, and what is no scalar, is left out."""
    day = dt.datetime(2026, 5, 1, tzinfo=None)  # noqa: DTZ001 - tables mostly hold times without a zone
    table: dict[str, object] = {
        "text": [_SAID],
        "count": [3.0],
        "share": [0.25],
        "big": [2**60],
        "passed": [True],
        "day": [day],
        "at": [day.replace(hour=13, minute=5)],
        "date": [day.date()],
        "price": [Decimal("1.50")],
        "fine": arrow_array([1_700_000_000_123_456_789], "timestamp[ns]"),
        "bytes": [b"caf\xc3\xa9"],
        "nan": [float("nan")],
        "none": arrow_array([None], "int64"),
        "blank": ["  "],
        "list": [[1]],
        "__index_level_0__": [7],
    }
    assert _one(_put(tmp_path, "a.parquet", parquet_bytes(table))).columns == {
        "count": "3",
        "share": "0.25",
        "big": str(2**60),
        "passed": "true",
        "day": "2026-05-01",
        "at": "2026-05-01 13:05:00",
        "date": "2026-05-01",
        "price": "1.50",
        "fine": "2023-11-14 22:13:20.123456789",
        "bytes": "café",
    }


def test_columns_are_few_and_short(tmp_path: Path) -> None:
    """At most 50 columns of at most 200 characters stay, without NUL, in the order of the table."""
    row = {"text": _SAID, "a\0": "x\0y", "long": "w" * 500, **{f"c{number}": number for number in range(90)}}
    columns = _one(_put(tmp_path, "a.jsonl", jsonl_bytes([row]))).columns
    assert len(columns) == 50
    assert list(columns)[:3] == ["a", "long", "c0"]
    assert columns["a"] == "xy"
    assert columns["long"] == "w" * 199 + "…"


def test_folder_of_a_file_is_a_column(tmp_path: Path) -> None:
    """Files and tables in folders and archives say which; a table's own column of that name wins."""
    _put(tmp_path, "all/red/a.txt", TEXTS[0].encode())
    _put(tmp_path, "all/b.csv", csv_bytes([["text", "folder"], [_SAID, "mine"], [_SAID, ""]]))
    _put(tmp_path, "all/z.zip", zip_bytes({"blue/c.txt": TEXTS[0].encode()}))
    assert [item.columns["folder"] for item in read_items([str(tmp_path / "all")])] == [
        "mine",
        "all",
        "all/red",
        "all/z.zip/blue",
    ]


def test_names_start_where_the_caller_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is called as typed below here, a folder and a pattern by their last fixed part."""
    _put(tmp_path, "x/red/a.txt", TEXTS[0].encode())
    monkeypatch.chdir(tmp_path / "x")
    typed = ["red/a.txt", "./red/../red/a.txt", "../x/red/a.txt", str(tmp_path / "x/red/a.txt")]
    names = [[item.name for item in read_items([source])] for source in typed]
    assert names == [["red/a.txt"], ["red/a.txt"], ["a.txt"], ["a.txt"]]
    folders = [".", "red", str(tmp_path / "x" / "red"), "../x"]
    names = [[item.name for item in read_items([source])] for source in folders]
    assert names == [["x/red/a.txt"], ["red/a.txt"], ["red/a.txt"], ["x/red/a.txt"]]
    patterns = ["*/*.txt", "red/*", "**", str(tmp_path / "x/*/a.txt"), "../x/**/*.txt", "r*"]
    names = [[item.name for item in read_items([source])] for source in patterns]
    assert names == [["red/a.txt"], ["red/a.txt"], ["red/a.txt"], ["x/red/a.txt"], ["x/red/a.txt"], ["red/a.txt"]]


def test_patterns_match_any_depth_and_spare_hidden_files(tmp_path: Path) -> None:
    """``**`` spans no folder or many, each file comes once, and a dot has to be spelt."""
    for name in ("a.txt", "b/a.txt", "b/c/a.txt", "b/c/n.log", ".h/a.txt", "b/.a.txt"):
        _put(tmp_path, f"x/{name}", TEXTS[0].encode())

    def read(pattern: str) -> list[str]:
        return [item.name.removeprefix("x/") for item in read_items([str(tmp_path / "x" / pattern)])]

    assert read("**/*.txt") == read("**/**/*.txt") == read("**") == ["a.txt", "b/a.txt", "b/c/a.txt"]
    assert read("**/c/*.txt") == ["b/c/a.txt"]
    assert read("b/?/[ab].txt") == ["b/c/a.txt"]
    assert read("**/*.log") == ["b/c/n.log"]
    assert read("**/.*.txt") == ["b/.a.txt"]


def test_a_path_with_marks_of_a_pattern_is_a_path_if_it_exists(tmp_path: Path) -> None:
    """Files called ``[1].txt`` can be named."""
    assert _one(_put(tmp_path, "[1].txt", TEXTS[0].encode())).name == "[1].txt"


@pytest.mark.parametrize("missing", ["nowhere.txt", "nowhere/*.txt", "a\0b", "", "x" * 5000, "nowhere/"])
def test_input_that_does_not_exist_is_refused_before_anything_is_read(missing: str, tmp_path: Path) -> None:
    """The call itself fails, whatever stands before the bad input."""
    with pytest.raises(InputError, match="check the p"):
        read_items([_put(tmp_path, "a.txt", TEXTS[0].encode()), str(tmp_path / missing) if missing else missing])


def test_no_input_and_two_standard_inputs_are_refused() -> None:
    """There has to be something to read, and a stream can be read once."""
    with pytest.raises(InputError, match="no input"):
        read_items([])
    with pytest.raises(OptionError, match="only once"):
        read_items(["-", "-"], stdin=io.BytesIO())


def test_empty_folder_is_told(tmp_path: Path) -> None:
    """A folder without transcripts gives no items and says so."""
    told: list[str] = []
    assert list(read_items([str(tmp_path)], told=told.append)) == []
    assert told == [f"{tmp_path.name}: there is no transcript or table in it"]


def test_what_is_left_out_is_never_read(tmp_path: Path) -> None:
    """A batch whose output lies in its input folder doesn't grade its own output, by folder or by pattern."""
    for name in ("a.txt", "out/report.md", "old.txt"):
        _put(tmp_path, f"x/{name}", TEXTS[0].encode())
    options = ReadOptions(leave_out=(tmp_path / "x" / "out", tmp_path / "x" / ".." / "x" / "old.txt"))
    told: list[str] = []
    assert [item.name for item in read_items([str(tmp_path / "x")], options, told=told.append)] == ["x/a.txt"]
    assert told == ["x: skipped 2 places of the output"]
    assert [item.name for item in read_items([str(tmp_path / "x" / "*.txt")], options)] == ["x/a.txt"]


def test_repeated_names_are_numbered_in_order(tmp_path: Path) -> None:
    """The first keeps its name, and a number never takes a name that is there already."""
    keys = ["a", "a", "a (2)", "b", "a", "a (2)"]
    source = _put(tmp_path, "a.jsonl", jsonl_bytes([{"text": _SAID, "key": key} for key in keys]))
    names = [item.name for item in read_items([source], ReadOptions(name_column="key"))]
    assert names == ["a", "a (2)", "a (2) (2)", "b", "a (3)", "a (2) (3)"]


def test_format_holds_for_files_and_texts_in_tables(tmp_path: Path) -> None:
    """A wished format reads text that looks like another, in a file and in a cell."""
    text = "# Candidate\n\nIt is the share."
    sources = [
        _put(tmp_path, "a.md", text.encode()),
        _put(tmp_path, "b.csv", csv_bytes([["text"], [text]])),
    ]
    items = list(read_items(sources, ReadOptions(format="plain")))
    assert [item.transcript.format for item in items if item.transcript] == ["plain", "plain"]


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named table needs the extra to go on; one that was found is a failure that may be mended."""
    source = _put(tmp_path, "x/t.parquet", _TABLES["t.parquet"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'interview-evaluator\[batch\]'"):
        list(read_items([source]))
    problem = _one(str(tmp_path / "x")).problem
    assert problem is not None
    assert (problem.code, problem.again) == ("missing_extra", True)
