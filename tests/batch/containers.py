"""Writes the same transcripts into every kind of input that a batch is read from."""

from __future__ import annotations

import csv
import importlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

__all__ = [
    "CONTAINERS",
    "TEXTS",
    "TURNS",
    "Container",
    "arrow_array",
    "csv_bytes",
    "jsonl_bytes",
    "parquet_bytes",
    "zip_bytes",
]

TURNS: tuple[list[dict[str, object]], ...] = (
    [
        {"speaker": "Interviewer", "text": "How would you measure it?", "start_s": 0.5, "end_s": 2.0},
        {"speaker": "Candidate", "text": "By the share of members who return.", "start_s": 2.5, "end_s": 9.0},
    ],
    [{"speaker": "Candidate", "text": "Breadth: naïve, “curly” and 28 percent,\nover two lines."}],
    [
        {"speaker": "Anna (candidate)", "text": "I'd stop if titles per member fall."},
        {"speaker": "Ben (interviewer)", "text": "And then?"},
        {"speaker": "Anna (candidate)", "text": "Then I'd ask what pushed everybody to the same six."},
    ],
)
TEXTS: tuple[str, ...] = tuple("\n\n".join(f"{turn['speaker']}: {turn['text']}" for turn in turns) for turns in TURNS)


@dataclass(frozen=True, slots=True)
class Container:
    """One way to hand over three transcripts.

    Attributes:
        write: Writes them below a folder and returns the input to name.
        source: What of them it holds: ``turns`` or ``text``.
        names: Names of the items, in order.
    """

    write: Callable[[Path], str]
    source: str
    names: tuple[str, ...]


class _Arrow(Protocol):
    """What is used of pyarrow, which ships no types."""

    def table(self, data: dict[str, object]) -> object: ...
    def array(self, obj: Sequence[object], type: object) -> object: ...  # noqa: A002 - pyarrow's name
    def type_for_alias(self, name: str) -> object: ...


class _Parquet(Protocol):
    """The same of its Parquet module."""

    def write_table(self, table: object, where: io.BytesIO) -> None: ...


_ARROW = cast("_Arrow", importlib.import_module("pyarrow"))
_PARQUET = cast("_Parquet", importlib.import_module("pyarrow.parquet"))


def arrow_array(values: Sequence[object], type_name: str) -> object:
    """Return a column of a type that Python's values don't tell."""
    return _ARROW.array(values, type=_ARROW.type_for_alias(type_name))


def jsonl_bytes(rows: Sequence[object]) -> bytes:
    """Return one JSON value a line."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv_bytes(rows: Sequence[Sequence[object]], delimiter: str = ",") -> bytes:
    """Return a table, its header first."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter).writerows(rows)
    return stream.getvalue().encode()


def parquet_bytes(columns: Mapping[str, object]) -> bytes:
    """Return a Parquet table; a column is a list or an arrow array."""
    stream = io.BytesIO()
    _PARQUET.write_table(_ARROW.table(dict(columns)), stream)
    return stream.getvalue()


def zip_bytes(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive of the members, in their order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _one_file(name: str, data: bytes) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / name).write_bytes(data)
        return str(folder / name)

    return write


def _folder(suffix: str, files: Sequence[bytes], named: str = "cohort") -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / "cohort" / "b").mkdir(parents=True)
        for place, data in zip(("a", "b/a", "c"), files, strict=True):
            (folder / "cohort" / f"{place}{suffix}").write_bytes(data)
        return str(folder / named)

    return write


_TURN_FILES = tuple(json.dumps({"turns": turns}).encode() for turns in TURNS)
_TEXT_FILES = tuple(text.encode() for text in TEXTS)
_THREE = ("a", "b/a", "c")


def _named(pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(place) for place in _THREE)


def _rows(name: str) -> tuple[str, ...]:
    return tuple(f"{name}:{number}" for number in (1, 2, 3))


CONTAINERS: dict[str, Container] = {
    "folder of text": Container(_folder(".txt", _TEXT_FILES), "text", _named("cohort/{}.txt")),
    "folder of turns": Container(_folder(".json", _TURN_FILES), "turns", _named("cohort/{}.json")),
    "pattern": Container(_folder(".txt", _TEXT_FILES, "cohort/**/*.txt"), "text", _named("cohort/{}.txt")),
    "jsonl of turns": Container(
        _one_file("all.jsonl", jsonl_bytes([{"turns": turns, "labels": {"x": "na"}} for turns in TURNS])),
        "turns",
        _rows("all.jsonl"),
    ),
    "jsonl of text": Container(
        _one_file("all.ndjson", jsonl_bytes([{"text": text} for text in TEXTS])), "text", _rows("all.ndjson")
    ),
    "jsonl of transcripts": Container(
        _one_file("all.jsonl", jsonl_bytes([{"transcript": {"turns": turns}} for turns in TURNS])),
        "turns",
        _rows("all.jsonl"),
    ),
    "csv of text": Container(
        _one_file("all.csv", b"\xef\xbb\xbf" + csv_bytes([["no", "Text"], *enumerate(TEXTS)])), "text", _rows("all.csv")
    ),
    "csv of turns": Container(
        _one_file("all.csv", csv_bytes([["turns"], *([json.dumps(turns)] for turns in TURNS)])),
        "turns",
        _rows("all.csv"),
    ),
    "csv with semicolons": Container(
        _one_file("all.csv", csv_bytes([["no", "text"], *enumerate(TEXTS)], ";")), "text", _rows("all.csv")
    ),
    "csv in UTF-16": Container(
        _one_file("all.csv", csv_bytes([["no", "text"], *enumerate(TEXTS)], "\t").decode().encode("utf-16")),
        "text",
        _rows("all.csv"),
    ),
    "tsv": Container(
        _one_file("all.tsv", csv_bytes([["no", "text"], *enumerate(TEXTS)], "\t")), "text", _rows("all.tsv")
    ),
    "parquet of text": Container(
        _one_file("all.parquet", parquet_bytes({"text": list(TEXTS)})), "text", _rows("all.parquet")
    ),
    "parquet of turns": Container(
        _one_file("all.parquet", parquet_bytes({"turns": list(TURNS)})), "turns", _rows("all.parquet")
    ),
    "zip of files": Container(
        _one_file("all.zip", zip_bytes({f"{_THREE[place]}.txt": _TEXT_FILES[place] for place in (2, 0, 1)})),
        "text",
        _named("all.zip/{}.txt"),
    ),
    "zip of a table": Container(
        _one_file("all.zip", zip_bytes({"x/t.parquet": parquet_bytes({"text": list(TEXTS)})})),
        "text",
        _rows("all.zip/x/t.parquet"),
    ),
}
