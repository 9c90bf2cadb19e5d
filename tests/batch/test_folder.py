"""Tests of the output folder: one process at a time, one id for good, earlier outputs kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.batch.folder import RunFolder
from evaluator.errors import OptionError


def test_the_folder_keeps_its_id(tmp_path: Path) -> None:
    """The run that goes on in a folder is the run that was begun there."""
    with RunFolder(tmp_path / "new" / "out") as folder:
        first = folder.run
    with RunFolder(tmp_path / "new" / "out") as folder:
        assert folder.run == first
    with RunFolder(tmp_path / "other") as folder:
        assert folder.run != first


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    """A second process is told to wait; when the first one is gone, however, it may go on."""
    code = "import sys; from pathlib import Path; from evaluator.batch.folder import RunFolder\n"
    code += "folder = RunFolder(Path(sys.argv[1])); print('taken', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "taken\n"
        with pytest.raises(OptionError, match="another run is working in this folder"):
            RunFolder(tmp_path)
        other.kill()
        other.wait()
    RunFolder(tmp_path).close()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """A path that is a file is refused, with the remedy, and kept."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OptionError, match="choose another folder"):
        RunFolder(tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"


def test_outputs_of_another_grading_are_set_aside(tmp_path: Path) -> None:
    """What was graded by another rubric or judge moves to a folder of its own; the same grading moves nothing."""
    with RunFolder(tmp_path) as folder:
        assert folder.set_aside(["a.csv", "b.csv"], "1" * 40) is None
        (tmp_path / "a.csv").write_text("old")
        assert folder.set_aside(["a.csv", "b.csv"], "1" * 40) is None
        assert (tmp_path / "a.csv").read_text() == "old"
        aside = folder.set_aside(["a.csv", "b.csv"], "2" * 40)
        assert aside == tmp_path / "earlier" / "11111111"
        assert (tmp_path / "earlier" / "11111111" / "a.csv").read_text() == "old"
        assert not (tmp_path / "a.csv").exists()


def test_only_the_owner_may_look_into_the_state(tmp_path: Path) -> None:
    """State holds candidates' words: neither group nor others get at it."""
    with RunFolder(tmp_path / "out"):
        assert (tmp_path / "out" / ".run").stat().st_mode & 0o077 == 0
