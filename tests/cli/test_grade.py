"""``evaluator grade``: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from evaluator.backends import BACKENDS
from evaluator.cli.main import run
from evaluator.values.evaluation import Evaluation
from tests.cli import fake_backend
from tests.fakes import RUBRIC_YAML

_ANSWER: Final = (
    "Interviewer: How would you measure success?\nCandidate: I would track clicks, and cancellations must not rise.\n"
)


@dataclass(frozen=True, slots=True)
class _Said:
    """What one run left behind."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class _Desk:
    """A folder with a transcript and a rubric, and a way to run the command there."""

    folder: Path
    capture: pytest.CaptureFixture[bytes]

    def grade(self, *arguments: str, file: str | None = "answer.txt", backend: str = "fake") -> _Said:
        named = [] if file is None else [str(self.folder / file)]
        options = ["--rubric", str(self.folder / "small.yaml"), "--backend", backend]
        return self.run("grade", *named, *options, *arguments)

    def run(self, *arguments: str) -> _Said:
        self.capture.readouterr()
        code = run(arguments)
        out, err = self.capture.readouterr()
        return _Said(code, out.decode(), err.decode())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> _Desk:
    """Return a folder to work in, with the backend ``fake`` in the table and no setting in the environment."""
    monkeypatch.setitem(BACKENDS, "fake", fake_backend.ROW)
    for name in [name for name in os.environ if name.startswith("EVALUATOR_")] + ["NO_COLOR"]:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "answer.txt").write_text(_ANSWER, encoding="utf-8")
    (tmp_path / "small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")
    return _Desk(tmp_path, capfdbinary)


def test_text_is_the_default(desk: _Desk) -> None:
    """Without options a report to read comes out, uncoloured where no terminal listens, and nothing else."""
    said = desk.grade()
    assert said.code == 0
    assert said.out.startswith("No hire   ")
    assert "I would «track clicks»[1]" in said.out
    assert "\x1b" not in said.out
    assert said.err == ""


def test_json_stands_alone_on_stdout(desk: _Desk) -> None:
    """With --format json the output stream holds one JSON document, an `Evaluation`."""
    said = desk.grade("--format", "json")
    evaluation = Evaluation.model_validate_json(said.out)
    assert said.code == 0
    assert evaluation.judge.backend == "fake"
    assert said.out.endswith("}\n")


def test_flags_go_to_stderr(desk: _Desk) -> None:
    """What a person should know about the input stands on the error stream; --quiet silences it."""
    (desk.folder / "answer.txt").write_text(
        "I would track clicks, and cancellations must not rise.\n", encoding="utf-8"
    )
    said = desk.grade("--format", "json")
    codes = [flag["code"] for flag in json.loads(said.out)["flags"]]
    assert codes
    assert re.findall(r"^evaluator: ([a-z_]+): ", said.err, re.MULTILINE) == codes
    assert desk.grade("--format", "json", "--quiet").err == ""


def test_options_reach_the_evaluation(desk: _Desk) -> None:
    """Question, its type and the candidate's label win over what the transcript tells."""
    said = desk.grade(
        *("--format", "json", "--question", "Here are the results?", "--question-type", "reading"),
        *("--candidate", "interviewer", "--input-format", "plain"),
    )
    evaluation = Evaluation.model_validate_json(said.out)
    assert evaluation.question == "Here are the results?"
    assert (evaluation.question_type.value, evaluation.question_type.source) == ("reading", "given")
    assert evaluation.transcript.roles.source == "given"
    assert evaluation.transcript.turns[0].role == "candidate"


def test_markdown_and_html(desk: _Desk) -> None:
    """The two document forms come out whole."""
    assert desk.grade("--format", "markdown").out.startswith("# No hire, ")
    page = desk.grade("--format", "html").out
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")


def test_width_and_colour_obey(desk: _Desk) -> None:
    """--width bounds lines, --color always colours, and NO_COLOR doesn't overrule it."""
    assert max(map(len, desk.grade("--width", "60").out.splitlines())) <= 60
    assert "\x1b[1;31m" in desk.grade("--color", "always").out


@pytest.mark.parametrize(
    ("name", "start"), [("r.md", "# No hire"), ("r.html", "<!DOCTYPE"), ("r.json", "{"), ("r.txt", "No hire  ")]
)
def test_output_file_names_its_form(desk: _Desk, name: str, start: str) -> None:
    """-o writes the form that the name of the file promises, and leaves the output stream empty."""
    said = desk.grade("-o", str(desk.folder / name))
    assert (said.code, said.out) == (0, "")
    assert (desk.folder / name).read_text(encoding="utf-8").startswith(start)
    assert said.err.splitlines()[-1] == f"evaluator: wrote {desk.folder / name}"


def test_format_wins_over_the_name_of_the_file(desk: _Desk) -> None:
    """A form that is asked for is written whatever the file is called."""
    desk.grade("-o", str(desk.folder / "r.md"), "--format", "json")
    assert json.loads((desk.folder / "r.md").read_text(encoding="utf-8"))["schema_version"] == "1.0"


def test_output_file_is_replaced_whole(desk: _Desk) -> None:
    """An existing file keeps its permissions, a link its target, and no draft stays behind."""
    real, link = desk.folder / "real.txt", desk.folder / "link.txt"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)
    assert desk.grade("-o", str(link)).code == 0
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8").startswith("No hire")
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert not list(desk.folder.glob(".evaluator-*"))


def test_devices_are_written_not_replaced(desk: _Desk) -> None:
    """-o /dev/null stays the device that it is."""
    assert desk.grade("-o", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("no/such/folder.txt", "its folder does not exist"),
        (".", "it is a folder"),
        ("answer.txt", "the input itself"),
    ],
)
def test_impossible_output_is_refused_before_judging(desk: _Desk, target: str, complaint: str) -> None:
    """An output file that can't be, or that would overwrite the transcript, is refused before the judge is asked."""
    said = desk.grade("--model", "defect", "-o", str(desk.folder / target))
    assert said.code == 2
    assert complaint in said.err
    assert (desk.folder / "answer.txt").read_text(encoding="utf-8") == _ANSWER


@pytest.mark.parametrize("model", ["unavailable", "misuse", "missing"])
def test_judge_without_an_answer_exits_3(desk: _Desk, model: str) -> None:
    """A judge that fails gives one line with the remedy, nothing on the output stream, and 3."""
    said = desk.grade("--model", model)
    assert (said.code, said.out) == (3, "")
    assert re.fullmatch(r"evaluator: [^\n]+ \([^\n]+\)\n", said.err)


def test_review_exits_4_only_if_strict(desk: _Desk) -> None:
    """An evaluation that a person must look at is reported all the same; --strict tells by the exit code."""
    assert desk.grade("--model", "silent").code == 0
    said = desk.grade("--model", "silent", "--strict")
    assert said.code == 4
    assert said.out.startswith("Needs a person's review")
    assert desk.grade("--strict").code == 0


def test_defect_spills_nothing(desk: _Desk) -> None:
    """A defect is one line with the exception's class; its message, which may hold a transcript, stays in."""
    said = desk.grade("--model", "defect")
    assert (said.code, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert "ZeroDivisionError" in said.err
    assert fake_backend.SPOKEN not in said.err


def test_debug_shows_where(desk: _Desk) -> None:
    """--debug before the command shows the traceback of a defect."""
    said = desk.run(
        *("--debug", "grade", str(desk.folder / "answer.txt"), "--rubric", str(desk.folder / "small.yaml")),
        *("--backend", "fake", "--model", "defect"),
    )
    assert said.code == 1
    assert "Traceback" in said.err


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (("--backend", "nobody"), "backend"),
        (("--rubric", "no_such_rubric"), "no_such_rubric"),
        (("--rubric", "no/such.yaml"), "such.yaml"),
        (("--question-type", "riddle"), "riddle"),
        (("--input-format", "cuneiform"), "format"),
        (("--format", "pdf"), "--format"),
        (("--width", "20"), "--width"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_bad_options_exit_2(desk: _Desk, arguments: tuple[str, ...], place: str) -> None:
    """An option without meaning here is named, and the exit code is 2."""
    said = desk.grade(*arguments)
    assert (said.code, said.out) == (2, "")
    assert place in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "content", [b"", b"   \n", b"\x00\x01\x02\x03" * 50, b"{", b"WEBVTT\n\n", b"\xff\xfe\x00"], ids=repr
)
def test_bad_transcripts_exit_2(desk: _Desk, content: bytes) -> None:
    """A file that is no transcript gives a line that names the file, and 2."""
    (desk.folder / "bad.vtt").write_bytes(content)
    said = desk.grade(file="bad.vtt")
    assert (said.code, said.out) == (2, "")
    assert "bad.vtt" in said.err


def test_missing_file_with_a_hostile_name(desk: _Desk) -> None:
    """The name of a file is shown harmless."""
    said = desk.grade(file="no\x1b[31m\u202esuch\n.txt")
    assert said.code == 2
    assert "such" in said.err
    assert not re.search("[\x1b\u202e]", said.err)


def test_settings_come_from_the_environment_and_options_win(desk: _Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """EVALUATOR_* variables set defaults; an option beats its variable."""
    monkeypatch.setenv("EVALUATOR_BACKEND", "fake")
    monkeypatch.setenv("EVALUATOR_RUBRIC", str(desk.folder / "small.yaml"))
    monkeypatch.setenv("EVALUATOR_MODEL", "silent")
    monkeypatch.setenv("EVALUATOR_COLOR", "always")
    file = str(desk.folder / "answer.txt")
    assert desk.run("grade", file).out.startswith("\x1b[1;33mNeeds a person's review")
    assert desk.run("grade", file, "--model", "other", "--color", "never").out.startswith("No hire")


def test_unknown_setting_is_named(desk: _Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that looks like a setting but is none gets a warning with the nearest name; --quiet silences it."""
    monkeypatch.setenv("EVALUATOR_BACKED", "secret-value")
    said = desk.grade()
    assert said.code == 0
    assert said.err == "evaluator: the variable EVALUATOR_BACKED is no setting; did you mean EVALUATOR_BACKEND?\n"
    assert desk.grade("--quiet").err == ""


def test_setting_without_meaning_exits_2(desk: _Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting with a bad value is refused by its name, without the value."""
    monkeypatch.setenv("EVALUATOR_COLOR", "pink")
    said = desk.grade()
    assert said.code == 2
    assert said.err.startswith("evaluator: EVALUATOR_COLOR: ")
    assert "pink" not in said.err
