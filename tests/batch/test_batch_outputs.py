"""Tests of the five files of a batch: all together or none, and whole whatever happens."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from evaluator.batch.files import Drafts, read_evaluations, read_failures
from evaluator.batch.outputs import OUTPUTS, write_outputs
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.errors import InputError, OptionError
from tests.batch.batch_cases import HOSTILE, graded, hostile_batch, small_rubric, varied_batch


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_five_files_and_nothing_else(tmp_path: Path) -> None:
    """A new folder holds the five outputs, and no draft."""
    write_outputs(tmp_path / "new" / "out", varied_batch(), small_rubric())
    assert set(_contents(tmp_path / "new" / "out")) == set(OUTPUTS)


@pytest.mark.parametrize("records", [varied_batch(), hostile_batch(), []], ids=["varied", "hostile", "empty"])
def test_records_are_read_back_as_they_were(tmp_path: Path, records: list[GradedItem | FailedItem]) -> None:
    """Both record files together give the records again, each in order, one line each, without a harmful character."""
    write_outputs(tmp_path, records, small_rubric())
    assert list(read_evaluations(tmp_path / "evaluations.jsonl")) == [r for r in records if isinstance(r, GradedItem)]
    assert list(read_failures(tmp_path / "failures.jsonl")) == [r for r in records if isinstance(r, FailedItem)]
    for name in ("evaluations.jsonl", "failures.jsonl"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) == text.count("\n")
        assert all(character not in text for character in "\x00\x1b\u202e\u2028\ufeff")


def test_outputs_can_be_made_again_from_their_own_records(tmp_path: Path) -> None:
    """Writing a folder from what is read of it gives the same files, though they are replaced meanwhile."""
    records = sorted(varied_batch(), key=lambda record: isinstance(record, FailedItem))
    summary = write_outputs(tmp_path, records, small_rubric())
    before = _contents(tmp_path)
    read = chain(read_evaluations(tmp_path / "evaluations.jsonl"), read_failures(tmp_path / "failures.jsonl"))
    assert write_outputs(tmp_path, read, small_rubric()) == summary
    assert _contents(tmp_path) == before


def test_a_failure_on_the_way_leaves_the_earlier_files(tmp_path: Path) -> None:
    """If the records end in an error, that error comes out, and the folder is as it was."""
    write_outputs(tmp_path, varied_batch(), small_rubric())
    before = _contents(tmp_path)

    def broken() -> Iterator[GradedItem | FailedItem]:
        yield graded("new")
        raise ConnectionResetError("the store went away")

    with pytest.raises(ConnectionResetError, match="went away"):
        write_outputs(tmp_path, broken(), small_rubric())
    assert _contents(tmp_path) == before


def test_a_full_disk_is_told_and_leaves_the_earlier_files(tmp_path: Path) -> None:
    """When the system refuses to write on, the error names folder and remedy, and nothing is lost or left lying."""
    write_outputs(tmp_path, varied_batch(), small_rubric())
    before = _contents(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
    try:
        with pytest.raises(OptionError) as caught:
            write_outputs(tmp_path, varied_batch(), small_rubric())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "can't be written: file too large" in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(tmp_path)[:40])
    assert _contents(tmp_path) == before


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """A file in the folder's place is an error of the caller, told in one line."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OptionError, match="can't be written"):
        write_outputs(tmp_path / "out", varied_batch(), small_rubric())
    assert (tmp_path / "out").read_text() == "mine"


def test_only_old_drafts_are_cleared_away(tmp_path: Path) -> None:
    """What a killed process left a day ago goes; a fresh draft may be somebody's work."""
    old, new = tmp_path / ".evaluations.csv.0.draft", tmp_path / ".evaluations.csv.1.draft"
    old.touch()
    new.touch()
    day_ago = time.time() - 90_000
    os.utime(old, (day_ago, day_ago))
    with Drafts(tmp_path) as drafts:
        drafts.open("a").write(b"x")
    assert {path.name for path in tmp_path.iterdir()} == {"a", new.name}


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    """What was private before stays private."""
    (tmp_path / "a").touch(mode=0o600)
    (tmp_path / "a").chmod(0o600)
    with Drafts(tmp_path) as drafts:
        drafts.open("a").write(b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["{", "[]", '{"item": "a"}', "\x00", '{"item": "a", "evaluation": {"secret": "%s"}}'])
def test_a_broken_line_is_named_without_its_words(tmp_path: Path, line: str) -> None:
    """The error gives file and line and never quotes what stood there."""
    write_outputs(tmp_path, [graded("a")], small_rubric())
    path = tmp_path / "evaluations.jsonl"
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + line.replace("%s", "candidate said this") + "\n")
    with pytest.raises(InputError) as caught:
        list(read_evaluations(path))
    assert str(caught.value).startswith("evaluations.jsonl, line 3: the line is no GradedItem: ")
    assert "candidate said this" not in str(caught.value)


def test_evidence_that_was_not_said_is_refused_when_read(tmp_path: Path) -> None:
    """A file that was edited by hand can't put words into a candidate's mouth."""
    write_outputs(tmp_path, hostile_batch(), small_rubric())
    path = tmp_path / "evaluations.jsonl"
    told = json.loads(path.read_text().splitlines()[0])
    told["evaluation"]["transcript"]["turns"][0]["text"] = "Something else."
    path.write_text(json.dumps(told) + "\n")
    with pytest.raises(InputError, match="line 1"):
        list(read_evaluations(path))


def test_a_missing_file_is_named_harmlessly(tmp_path: Path) -> None:
    """The error names the file on one line, whatever it is called."""
    with pytest.raises(InputError, match="can't be read") as caught:
        list(read_evaluations(tmp_path / HOSTILE.replace("/", "_").replace("\x00", "")))
    assert "\x1b" not in str(caught.value)
