"""``evaluator batch``: what it says, where, with which exit code, and what an interrupt costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from evaluator.backends import BACKENDS
from evaluator.batch.folder import RunFolder
from evaluator.cli.main import run
from tests.batch.batch_process import BatchCommand, StubProcess, write_inputs
from tests.cli import fake_backend
from tests.fakes import RUBRIC_YAML

_ANSWER: Final = (
    "Interviewer: How would you measure success?\nCandidate: I would track clicks, and cancellations must not rise.\n"
)
_OUTPUTS: Final = {"evaluations.jsonl", "failures.jsonl", "evaluations.csv", "evaluations.parquet", "report.html"}
_FULL_DISK: Final = (  # no file may grow beyond so many bytes, as on a disk without room
    "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
    "from evaluator.cli.main import main; main()"
)
_IN_FLIGHT: Final = 8
_LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Desk:
    """A folder with transcripts and a rubric, and a way to run the command there."""

    folder: Path
    capture: pytest.CaptureFixture[bytes]

    def batch(self, *arguments: str, model: str = "m") -> tuple[int, str, str]:
        self.capture.readouterr()
        options = ["--rubric", str(self.folder / "small.yaml"), "--backend", "fake", "--model", model]
        code = run(["batch", str(self.folder / "in"), "-o", str(self.folder / "out"), *options, *arguments])
        out, err = self.capture.readouterr()
        return code, out.decode(), err.decode()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> _Desk:
    """Return a folder to work in, with the backend ``fake`` in the table and no setting in the environment."""
    monkeypatch.setitem(BACKENDS, "fake", fake_backend.ROW)
    for name in [name for name in os.environ if name.startswith("EVALUATOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "in").mkdir()
    for name in ("anna", "ben", "same as anna"):
        words = _ANSWER if "anna" in name else _ANSWER.replace("clicks", "minutes watched")
        (tmp_path / "in" / f"{name}.txt").write_text(words, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    return _Desk(tmp_path, capfdbinary)


def test_plan_progress_summary_and_outputs(desk: _Desk) -> None:
    """The plan comes first, the summary last; the outputs are there; again, nothing is to be done."""
    code, out, err = desk.batch()
    lines = err.splitlines()
    assert (code, out) == (0, "")
    assert lines[0] == "evaluator: 3 items, 1 with the words of an earlier one, 2 to grade by fake"
    assert lines[1] == "evaluator: nothing is sent and nothing is paid; about 0 s"
    assert lines[2].startswith("evaluator: 2 of 2, ")
    assert lines[3] == "evaluator: 3 graded (1 Hire, 2 No hire), 0 for review, 0 failed"
    assert lines[4].startswith("evaluator: read ")
    assert {path.name for path in (desk.folder / "out").iterdir()} == _OUTPUTS | {".run"}
    code, out, err = desk.batch()
    assert code == 0
    assert "2 done already, 0 to grade" in err.splitlines()[0]


def test_quiet_says_nothing(desk: _Desk) -> None:
    """Results only."""
    assert desk.batch("--quiet") == (0, "", "")


def test_json_lines_stand_alone_on_stdout(desk: _Desk) -> None:
    """Each is one object; the last says that it is the end."""
    code, out, _ = desk.batch("--progress", "json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    assert events[-1]["event"] == "end"
    assert (events[-1]["graded"], events[-1]["total"]) == (2, 2)


def test_a_dry_run_leaves_nothing_behind(desk: _Desk) -> None:
    """The plan is told, and no folder is made."""
    code, _, err = desk.batch("--dry-run")
    assert code == 0
    assert "2 to grade by fake" in err
    assert not (desk.folder / "out").exists()


def test_failed_items_are_records_and_strict_says_so(desk: _Desk) -> None:
    """An unreadable file doesn't stop the others; --strict tells by the exit code."""
    (desk.folder / "in" / "broken.vtt").write_bytes(b"\xff\xfe\x00")
    assert desk.batch()[0] == 0
    failures = (desk.folder / "out" / "failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["item"].rpartition("/")[2] for line in failures] == ["broken.vtt"]
    assert desk.batch("--strict")[0] == 4


@pytest.mark.parametrize(
    ("model", "reason"),
    [("misuse", "the weights are damaged (install them again)"), ("missing", "the extra `local` is not installed")],
)
def test_a_judge_that_answers_nobody_stops_the_run(desk: _Desk, model: str, reason: str) -> None:
    """The reason is told once, no item is blamed, and the same command goes on later."""
    code, _, err = desk.batch(model=model)
    assert code == 3
    assert f"evaluator: stopped before the end: {reason}" in err
    assert "run the same command to go on" in err.splitlines()[-1]
    failures = [json.loads(line) for line in (desk.folder / "out" / "failures.jsonl").read_text().splitlines()]
    assert {failure["code"] for failure in failures} == {"not_graded"}


def test_a_folder_in_use_is_refused(desk: _Desk) -> None:
    """Two runs on one output folder: the second says so and changes nothing."""
    with RunFolder(desk.folder / "out"):
        code, out, err = desk.batch()
    assert (code, out) == (2, "")
    assert err == "evaluator: out: another run is working in this folder (wait for it, or choose another folder)\n"
    assert {path.name for path in (desk.folder / "out").iterdir()} == {".run"}
    assert desk.batch()[0] == 0


def test_a_state_that_is_no_database_is_one_line(desk: _Desk) -> None:
    """No traceback, whatever lies where the state should be."""
    (desk.folder / "out" / ".run").mkdir(parents=True)
    (desk.folder / "out" / ".run" / "run.sqlite").write_bytes(b"a letter to a friend" * 400)
    code, _, err = desk.batch()
    assert code == 3
    assert err.startswith("evaluator: run.sqlite: the database can't be used: file is not a database (")


def test_a_hosted_run_needs_a_yes(desk: _Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can be asked, nothing is spent without --yes; the price is told all the same."""
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    desk.capture.readouterr()
    code = run(["batch", str(desk.folder / "in"), "-o", str(desk.folder / "out"), "--backend", "openai"])
    err = desk.capture.readouterr().err.decode()
    assert code == 2
    assert "about 2 calls, " in err
    assert "at most $" in err
    assert "nobody is here to agree to it (look at --dry-run, then add --yes" in err


def _hosted(folder: Path, stub: StubProcess, count: int) -> BatchCommand:
    write_inputs(folder / "in.jsonl", count)
    return BatchCommand(folder=folder, url=stub.url, in_flight=_IN_FLIGHT, options=("--progress", "lines"))


def _wait(until: Callable[[], bool]) -> None:
    ends = time.monotonic() + _LONGEST_S
    while not until():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.02)


@pytest.mark.loopback
def test_one_interrupt_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """Exit code 130, how to go on, and no call in vain: the second run asks only what the first didn't."""
    with StubProcess(0.05) as stub:
        command = _hosted(tmp_path, stub, 120)
        process = command.start(told=subprocess.PIPE)
        _wait(lambda: stub.stats()["requests"] > 20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_LONGEST_S)
        asked = stub.stats()["requests"]
        assert process.returncode == 130, said
        assert "finishing what is being graded; once more stops at once" in said
        assert said.splitlines()[-1] == "evaluator: stopped; nothing is lost: run the same command to go on"
        assert 20 < asked < 120
        assert command.run()[0] == 0
        assert set(stub.sent().values()) == {1}
        assert len(command.graded()) == 120


@pytest.mark.loopback
def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    """It doesn't wait for answers; what was in flight is asked again, and nothing else."""
    with StubProcess(0.3) as stub:
        command = _hosted(tmp_path, stub, 60)
        process = command.start(told=subprocess.PIPE)
        _wait(lambda: stub.stats()["requests"] > 20)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_LONGEST_S)
        assert process.returncode == 130, said
        assert stub.stats()["requests"] < 60
        assert command.run()[0] == 0
        assert sum(stub.sent().values()) <= 60 + _IN_FLIGHT
        assert len(command.graded()) == 60


@pytest.mark.loopback
def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(tmp_path: Path) -> None:
    """One line says what is wrong and what to do; with room again the rest is graded, and little is paid twice."""
    with StubProcess(0.02) as stub:
        command = _hosted(tmp_path, stub, 200)
        code, said = replace(command, program=("-c", _FULL_DISK)).run()
        assert code in {2, 3}, said
        assert "Traceback" not in said
        assert "again" in said.splitlines()[-1]
        code, said = command.run()
        assert code == 0, said
        assert len(command.graded()) == 200
        assert sum(stub.sent().values()) <= 200 + _IN_FLIGHT
