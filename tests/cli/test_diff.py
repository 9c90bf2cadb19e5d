"""Tests of ``evaluator diff``: what it prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.batch.comparison import Comparison
from evaluator.batch.outputs import write_outputs
from evaluator.cli.main import run
from tests.batch.batch_cases import small_rubric, varied_batch


@pytest.fixture
def batches(tmp_path: Path) -> tuple[str, str]:
    """Return two output folders whose evaluations differ."""
    for name, seed in (("a", 1), ("b", 2)):
        write_outputs(tmp_path / name, varied_batch(seed=seed), small_rubric())
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_differences_are_printed_and_are_no_failure(
    batches: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two batches that differ are compared with exit code 0, as text."""
    assert run(["diff", *batches]) == 0
    told = capsys.readouterr().out
    assert "Flips by criterion" in told
    assert "vanity" in told


def test_json_is_the_whole_comparison(
    batches: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON form parses back into the comparison, on the output stream or in a file by its name."""
    assert run(["diff", *batches, "--format", "json"]) == 0
    printed = Comparison.model_validate_json(capsys.readouterr().out)
    assert run(["diff", *batches, "-o", str(tmp_path / "diff.json"), "--quiet"]) == 0
    assert Comparison.model_validate_json((tmp_path / "diff.json").read_bytes()) == printed
    assert capsys.readouterr().err == ""


def test_what_is_no_batch_is_bad_input(
    batches: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing folder or another file ends with exit code 2 and one line that names it."""
    (tmp_path / "other.jsonl").write_text(json.dumps({"a": 1}) + "\n")
    assert run(["diff", batches[0], str(tmp_path / "none")]) == 2
    assert run(["diff", batches[0], str(tmp_path / "other.jsonl")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "other.jsonl, line 1" in told[1]
