"""Inputs from strangers: each gives items or failed items, never an end of the stream, never words in a message."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.batch.inputs import read_items
from evaluator.batch.records import Item
from tests.batch.containers import TEXTS, csv_bytes, jsonl_bytes, parquet_bytes, zip_bytes
from tests.batch.hostile_inputs import HOSTILE, SECRET, Hostile

_SAMPLES = {
    "a.jsonl": jsonl_bytes([{"text": text, "n": 1.5} for text in TEXTS]),
    "a.csv": csv_bytes([["n", "text"], *enumerate(TEXTS)]),
    "a.parquet": parquet_bytes({"text": list(TEXTS), "n": [1, 2, None]}),
    "a.zip": zip_bytes({"a.txt": TEXTS[0].encode(), "b.csv": csv_bytes([["text"], [TEXTS[1]]])}),
}


@pytest.mark.parametrize("row", HOSTILE, ids=[row.name.encode("unicode_escape").decode() for row in HOSTILE])
def test_hostile_input_stops_nothing(row: Hostile, tmp_path: Path) -> None:
    """The stream goes on behind a bad input, says what is wrong with it, and never what the candidate said."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    (folder / row.name).write_bytes(row.content())
    (folder / "zz.txt").write_text(TEXTS[0])
    told: list[str] = []
    *items, last = read_items([str(folder)], told=told.append)
    problems = [item.problem.message for item in items if item.problem]
    assert last.name == "cohort/zz.txt"
    assert last.transcript is not None
    assert sum(item.transcript is not None for item in items) == row.good
    assert len(problems) == len(row.bad) if "" not in row.bad else len(problems) >= len(row.bad)
    for part, message in zip(row.bad, problems, strict=False):
        assert part in message
    assert all(message.startswith("cohort/") for message in problems)
    assert SECRET not in "".join((*problems, *told))
    assert str(tmp_path) not in "".join((*problems, *told, *(item.name for item in items)))
    if row.told is not None:
        assert row.told in "\n".join(told)
    if row.names is not None:
        assert [item.name for item in items] == [f"cohort/{name}" for name in row.names]


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(_SAMPLES)),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 30), st.binary(max_size=12)), min_size=1, max_size=5),
)
def test_damaged_tables_and_archives_never_stop_the_stream(name: str, cuts: list[tuple[float, int, bytes]]) -> None:
    """Whatever bytes are changed, each item has a transcript or a problem, and the file behind is still read."""
    data = bytearray(_SAMPLES[name])
    for where, length, instead in cuts:
        at = int(where * len(data))
        data[at : at + length] = instead
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        (Path(folder) / "zz.txt").write_text(TEXTS[0])
        items = list(read_items([folder]))
    assert items[-1].transcript is not None
    assert all((item.transcript is None) != (item.problem is None) for item in items)
    for item in items:
        "".join((item.name, *item.columns, *item.columns.values())).encode()


def test_limit_on_cells_is_everybody_elses_again(tmp_path: Path) -> None:
    """Reading a CSV leaves the process-wide limit of the csv module as it was, even between rows."""
    before = csv.field_size_limit()
    source = tmp_path / "a.csv"
    source.write_bytes(csv_bytes([["text"], *([text] for text in TEXTS)]))
    for item in read_items([str(source)]):
        assert item.transcript is not None
        assert csv.field_size_limit() == before


def test_file_that_vanishes_is_a_failed_item(tmp_path: Path) -> None:
    """A file removed between listing and reading is a failure that another run may mend."""
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(TEXTS[0])
    items = read_items([str(tmp_path)])
    first = next(items)
    (tmp_path / "b.txt").unlink()
    gone, last = items
    assert first.transcript is not None
    assert last.transcript is not None
    assert gone.name == f"{tmp_path.name}/b.txt"
    assert gone.problem is not None
    assert (gone.problem.code, gone.problem.again) == ("file", True)
    assert "no longer there" in gone.problem.message


@pytest.mark.parametrize("instead", ["pipe", "link", "folder"])
def test_file_replaced_after_listing_is_not_followed(instead: str, tmp_path: Path) -> None:
    """A pipe, link or folder put in a file's place is refused; a pipe without a writer blocks nothing."""
    folder, outside = tmp_path / "cohort", tmp_path / "outside.txt"
    folder.mkdir()
    outside.write_text(TEXTS[0])
    for name in "ab":
        (folder / f"{name}.txt").write_text(TEXTS[0])
    items = read_items([str(folder)])
    next(items)
    target = folder / "b.txt"
    target.unlink()
    if instead == "pipe":
        os.mkfifo(target)
    elif instead == "link":
        target.symlink_to(outside)
    else:
        target.mkdir()
    (item,) = items
    assert item.problem is not None
    assert item.problem.code == "file"


def test_pipes_links_and_loops_in_a_folder_are_skipped_and_told(tmp_path: Path) -> None:
    """Nothing outside the folder is read, a loop ends, and one sentence says what was left out."""
    folder, outside = tmp_path / "cohort", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text(TEXTS[0])
    (folder / "a.txt").write_text(TEXTS[0])
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(outside)
    (folder / "secret.txt").symlink_to(outside / "secret.txt")
    (folder / "gone.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.txt")
    told: list[str] = []
    assert [item.name for item in read_items([str(folder)], told=told.append)] == ["cohort/a.txt"]
    assert told == ["cohort: skipped 4 links, 1 pipe or device"]
    assert [item.name for item in read_items([str(folder / "**" / "*.txt")]) if item.transcript] == [
        "cohort/a.txt",
        "cohort/secret.txt",
    ]


def test_deep_folders_are_walked_without_recursion(tmp_path: Path) -> None:
    """A thousand folders inside each other are no error."""
    deep = tmp_path
    for _ in range(1500):
        deep /= "d"
        deep.mkdir()
    (deep / "a.txt").write_text(TEXTS[0])
    items = list(read_items([str(tmp_path)]))
    (deep / "a.txt").unlink()
    while deep != tmp_path:  # nothing else that tidies up goes as deep
        deep.rmdir()
        deep = deep.parent
    assert len(items) == 1
    assert items[0].name.endswith("/d/d/d/a.txt")
    assert items[0].transcript is not None


@contextmanager
def _as_nobody() -> Generator[None]:
    """Run the block without root's right to read everything."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if mine == 0:
            os.seteuid(mine)


def test_what_may_not_be_read_is_a_failed_item() -> None:
    """A file or folder without permission is a failure with that reason; what stands beside it is read."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        root.chmod(0o755)
        (root / "a.txt").write_text(TEXTS[0])
        (root / "b.txt").write_text(TEXTS[0])
        (root / "c").mkdir()
        (root / "d.csv").write_bytes(_SAMPLES["a.csv"])
        list(read_items([place]))  # whatever loads late is loaded now
        for name in ("b.txt", "c", "d.csv"):
            (root / name).chmod(0)
        with _as_nobody():
            items: list[Item] = list(read_items([place, str(root / "d.csv")]))
        (root / "c").chmod(0o700)
    assert [item.problem.message.partition(" (")[0].partition(": ")[2] for item in items if item.problem] == [
        "it may not be read",
        "the folder can't be listed: it may not be read",
        "it may not be read",
        "it may not be read",
    ]
    assert items[0].transcript is not None
