"""Tests of ``evaluator record check``: what it lists, what it says and how it exits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import httpx2
import pytest
from pydantic import SecretStr

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.decisions_judge import DecisionsJudge
from evaluator.backends.decisions_model import build_model
from evaluator.backends.recording import RecordingOptions
from evaluator.backends.recording_file import read_recording
from evaluator.backends.recordings import Recordings
from evaluator.cli.main import run
from evaluator.judges.confirming import Sampled
from evaluator.pipeline import evaluate
from evaluator.prompt import DECISION_FILES, load_prompts
from evaluator.rubric import load_rubric, parse_rubric
from evaluator.transcripts import parse_transcript
from tests.encoders import WordEncoder
from tests.fakes import RUBRIC_YAML

_ROOT: Final = Path(__file__).resolve().parents[2]
_SHIPPED: Final = _ROOT / "fixtures" / "recordings"
_SAMPLE: Final = _ROOT / "fixtures" / "transcripts" / "reminder.vtt"
_GOLD: Final = _ROOT / "fixtures" / "gold" / "dev.jsonl"


def _recorded_for(*cases: str) -> list[Path]:
    """Return the shipped recordings whose note names one of these cases."""
    paths = list(Recordings(_SHIPPED).files())
    notes = {path: read_recording(path.read_bytes(), name=path.name).note for path in paths}
    return [path for path, note in notes.items() if any(f"labels of {case};" in note for case in cases)]


def _copy(folder: Path, *cases: str) -> None:
    for path in _recorded_for(*cases):
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def test_a_sound_folder_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0 with one line that counts."""
    _copy(tmp_path, "reminder.vtt")
    assert run(["record", "check", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(": 2 recordings, no faults\n")


def test_each_fault_is_a_line_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2; kind, file and what to do, on the error stream."""
    _copy(tmp_path, "reminder.vtt")
    (tmp_path / "openai" / "notes.txt").write_text("mine")
    damaged = next((tmp_path / "anthropic").glob("*.json"))
    damaged.write_text("{")
    assert run(["record", "check", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert f"evaluator: damaged: anthropic/{damaged.name}: it is not JSON (record it again, or delete it)" in lines
    assert (
        "evaluator: foreign: openai/notes.txt: it has neither the place nor the name of a recording: delete it" in lines
    )
    assert lines[-1].endswith(": 2 recordings, 2 faults")


def test_what_no_input_asks_for_is_left_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given inputs are replayed with every model; what none uses is listed, and what none can grade."""
    _copy(tmp_path, "reminder.vtt", "E-016")
    left = {f"{path.parent.name}/{path.name}" for path in _recorded_for("E-016")}
    assert run(["record", "check", str(tmp_path), "--inputs", str(_SAMPLE)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert {line.split(": ")[2] for line in lines if line.startswith("evaluator: leftover")} == left
    assert len(left) == 4  # both providers, and each was asked twice
    monologue = _SAMPLE.with_name("monologue.txt")
    assert run(["record", "check", str(tmp_path), "--inputs", str(_SAMPLE), "--inputs", str(monologue)]) == 2
    assert any(line.startswith("evaluator: missing: ") for line in capsys.readouterr().err.splitlines())


def test_labelled_rows_count_as_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of labels names the transcripts; re-asks that their replies lead to are used as well."""
    _copy(tmp_path, "E-016")
    row = next(line for line in _GOLD.read_text(encoding="utf-8").splitlines() if '"id": "E-016"' in line)
    labels = tmp_path.with_name("labels.jsonl")
    labels.write_text(row, encoding="utf-8")
    assert run(["record", "check", str(tmp_path), "--labels", str(labels)]) == 0
    assert capsys.readouterr().out.endswith(": 4 recordings, no faults\n")


def test_another_rubric_makes_a_recording_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rubric that isn't shipped must be named; otherwise what was asked by it counts as out of date."""
    shutil.copytree(_SHIPPED / "openai-compatible", tmp_path / "openai-compatible")
    rubric = _ROOT / "tests" / "live" / "rubric.yaml"
    assert run(["record", "check", str(tmp_path)]) == 2
    assert "evaluator: stale: openai-compatible/" in capsys.readouterr().err
    assert run(["record", "check", str(tmp_path), "--rubric", str(rubric)]) == 0


def test_live_recordings_are_all_in_use(tmp_path: Path) -> None:
    """A compatible server's recordings are found by their rubric and token limit."""
    shutil.copytree(_SHIPPED / "openai-compatible", tmp_path / "openai-compatible")
    live = _ROOT / "tests" / "live"
    inputs = [word for path in sorted(live.glob("*.md")) for word in ("--inputs", str(path))]
    how = ["--rubric", str(live / "rubric.yaml"), "--max-output-tokens", "600"]
    assert run(["record", "check", str(tmp_path), *how, *inputs]) == 0


def test_decisions_and_further_askings_are_in_use_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A probability for each criterion, asked for three times: all of it is found, and nothing beside it."""
    sample = parse_transcript(_SAMPLE)

    def decide(request: httpx2.Request) -> httpx2.Response:
        questions = json.loads(request.content)["questions"]
        answers = [{"type": "predicate", "name": one["name"], "probability": 0.5} for one in questions]
        return httpx2.Response(200, json={"answers": answers})

    recording = RecordingOptions(mode="record", folder=tmp_path)
    transport = recording.transport("openai-decisions", lambda: httpx2.MockTransport(decide))
    model = build_model(ChatOptions(api_key=SecretStr("sk-test-0123456789"), transport=transport))
    judge = DecisionsJudge(model, load_prompts(None, DECISION_FILES), WordEncoder())
    evaluate(sample, load_rubric(), Sampled(judge, 3))
    assert run(["record", "check", str(tmp_path), "--inputs", str(_SAMPLE)]) == 0
    assert capsys.readouterr().out.endswith(": 3 recordings, no faults\n")
    other = parse_transcript("I would count the clicks, because clicks are what we can see.")
    evaluate(other, parse_rubric(RUBRIC_YAML), judge)
    assert run(["record", "check", str(tmp_path), "--inputs", str(_SAMPLE)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert sorted(line.split(": ")[1] for line in lines[:-1]) == ["leftover", "stale"]


def test_no_folder_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 with the remedy."""
    assert run(["record", "check", str(tmp_path / "none")]) == 2
    assert "there is no such folder (name a folder of recordings)" in capsys.readouterr().err
