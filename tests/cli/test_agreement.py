"""``evaluator agreement`` from the outside: what it writes where, and with which exit code it ends."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from evaluator.agreement.report import AgreementReport
from evaluator.backends import BACKENDS, Backend
from evaluator.cli.main import COMMANDS, CommandRow, run
from tests.agreement import cases
from tests.agreement.cases import label_bytes, row_of
from tests.fakes import RUBRIC_YAML


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offer the command and a backend whose opinions never change, and work in an empty folder."""
    row = CommandRow("evaluator.cli.agreement", "agreement", "Measure how far a judge agrees with labels.")
    monkeypatch.setitem(COMMANDS, "agreement", row)
    monkeypatch.setitem(BACKENDS, "by_hand", Backend(title="by hand", module="tests.agreement.cases", needs="nothing"))
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(RUBRIC_YAML, encoding="utf-8")


def _write(*rows: dict[str, object], name: str = "set.jsonl") -> str:
    Path(name).write_bytes(label_bytes(*(rows or (row_of("A-1", "pa", band="hire"), row_of("B-1", "ap")))))
    return name


def _run(*arguments: str) -> int:
    return run(["agreement", *arguments, "--rubric", "small.yaml", "--backend", "by_hand"])


def test_the_table_goes_to_the_output_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures, provenance and warnings stand on it; the error stream stays silent; the exit code is 0."""
    assert _run(_write()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Agreement with labels" in out
    assert "calibration cal-1" in out
    assert "vanity" in out


def test_json_alone_is_on_the_output_stream(capsys: pytest.CaptureFixture[str]) -> None:
    """It parses as the report; what a terminal would obey is escaped in it."""
    assert _run(_write(row_of("A-1\x1b[2J\u202e", "p")), "--format", "json") == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(out)
    report = AgreementReport.model_validate_json(out)
    assert report.disagreements == ()
    assert report.figures.criteria[0].f1 == 1.0


def test_the_form_is_told_from_the_name_of_the_output_file(capsys: pytest.CaptureFixture[str]) -> None:
    """``-o report.html`` writes a page; the output stream stays empty, and warnings go to the error stream."""
    assert _run(_write(), "-o", "report.html", "--limit", "1") == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "wrote report.html" in err
    assert "Only 1 of 2 rows" in err
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_saved_evaluations_give_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """Measured now or from the file that was written on the way: the figures are equal, and no judge is asked."""
    labels = _write()
    assert _run(labels, "--format", "json", "--write-predictions", "saved.jsonl") == 0
    now = AgreementReport.model_validate_json(capsys.readouterr().out)
    saved = ["agreement", labels, "--rubric", "small.yaml", "--predictions", "saved.jsonl", "--format", "json"]
    assert run(saved) == 0
    later = AgreementReport.model_validate_json(capsys.readouterr().out)
    assert later.figures == now.figures
    assert later.judge == now.judge


def test_saved_evaluations_are_never_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    """They may have cost money: an existing file is refused before the judge is asked."""
    Path("saved.jsonl").write_text("precious", encoding="utf-8")
    assert _run(_write(), "--write-predictions", "saved.jsonl") == 2
    assert "the file exists" in capsys.readouterr().err
    assert Path("saved.jsonl").read_text(encoding="utf-8") == "precious"


def test_evaluations_of_several_judges_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A figure over two judges is a figure of neither."""
    labels = _write()
    assert _run(labels, "--write-predictions", "saved.jsonl", "-o", "report.txt") == 0
    first, second = Path("saved.jsonl").read_text(encoding="utf-8").splitlines()
    other = json.loads(second)
    other["evaluation"]["judge"]["model"] = "another"
    Path("mixed.jsonl").write_text(f"{first}\n{json.dumps(other)}\n", encoding="utf-8")
    assert run(["agreement", labels, "--rubric", "small.yaml", "--predictions", "mixed.jsonl"]) == 2
    assert "come from 2 judges" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--backend", "by_hand"], ["--model", "m"], ["--write-predictions", "new.jsonl"]])
def test_saved_evaluations_take_no_judge(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option that would change the judge is refused beside ``--predictions``, by name."""
    arguments = ["agreement", _write(), "--rubric", "small.yaml", "--predictions", "saved.jsonl", *option]
    assert run(arguments) == 2
    assert option[0] in capsys.readouterr().err


def test_when_every_row_fails_the_exit_code_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The report is written all the same, with every failure, and the exit code is 3."""
    labels = _write(row_of("A-1", "p", turns=[]), row_of("A-2", "p", turns=[]))
    assert _run(labels, "--format", "json") == 3
    out, err = capsys.readouterr()
    report = AgreementReport.model_validate_json(out)
    assert [failure.id for failure in report.failures] == ["A-1", "A-2"]
    assert report.figures.f1.value is None
    assert "all 2 rows failed" in err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"hello", "set.jsonl, line 1: not valid JSON"),
        (b"", "set.jsonl: the file holds no rows"),
        (label_bytes(row_of("A-1", "p", band="maybe")), "set.jsonl, line 1, band: the rubric has no band 'maybe'"),
    ],
)
def test_bad_labels_end_with_their_place(content: bytes, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is 2, the error stream names file, line and key, and nothing else is written."""
    Path("set.jsonl").write_bytes(content)
    assert _run("set.jsonl") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


def test_an_unknown_backend_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The error lists those that exist."""
    assert run(["agreement", _write(), "--rubric", "small.yaml", "--backend", "nobody"]) == 2
    assert "no backend is called 'nobody'" in capsys.readouterr().err


def test_without_scikit_learn_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lack shows before a judge is asked, with the command that mends it."""
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    assert _run(_write(), "--write-predictions", "saved.jsonl") == 3
    assert "pip install 'interview-evaluator[stats]'" in capsys.readouterr().err
    assert not Path("saved.jsonl").exists()


def test_a_judge_trained_on_these_rows_is_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The backend tells which labels its calibration learned from; if they are these, the report warns."""
    labels = _write()
    assert _run(labels) == 0
    assert "TRAINED ON THESE ROWS" not in capsys.readouterr().out
    sha256 = hashlib.sha256(Path(labels).read_bytes()).hexdigest()

    def trained_on(_calibration: str, _file: Path | None) -> frozenset[str]:
        return frozenset({sha256})

    monkeypatch.setattr(cases, "trained_on", trained_on)
    assert _run(labels) == 0
    assert "TRAINED ON THESE ROWS" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["set.jsonl", "small.yaml", "saved.jsonl", "./saved.jsonl"])
def test_the_report_is_written_over_nothing_that_is_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels, rubric and evaluations that may have cost money survive a slip in the name of the output."""
    labels = _write()
    assert _run(labels, "--write-predictions", "saved.jsonl") == 0
    before = Path(name).read_bytes()
    command = ["agreement", labels, "--rubric", "small.yaml", "--predictions", "saved.jsonl", "-o", name]
    assert run(command) == 2
    assert "it is the input itself" in capsys.readouterr().err
    assert Path(name).read_bytes() == before


def test_report_and_evaluations_go_to_two_files(capsys: pytest.CaptureFixture[str]) -> None:
    """One name for both is refused before a judge is asked: the report would replace what was paid for."""
    assert _run(_write(), "--write-predictions", "new.jsonl", "-o", "./new.jsonl") == 2
    assert "--write-predictions" in capsys.readouterr().err
    assert not Path("new.jsonl").exists()


def test_who_labelled_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    """``--labels-note`` is printed with the figures."""
    assert _run(_write(), "--labels-note", "Two coaches.") == 0
    assert "Two coaches." in capsys.readouterr().out


def test_progress_is_shown_on_a_terminal_and_wiped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each row that is through is counted on the error stream; ``--quiet`` keeps it still."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert _run(_write()) == 0
    assert capsys.readouterr().err == "\rJudged 1 of 2 transcripts\rJudged 2 of 2 transcripts\r\x1b[K"
    assert _run(_write(), "--quiet", "-o", "report.txt") == 0
    assert capsys.readouterr().err == ""


def test_a_folder_that_does_not_exist_is_refused_before_judging(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither report nor evaluations can go there; the option is named."""
    assert _run(_write(), "-o", "nowhere/report.html") == 2
    assert "--output nowhere/report.html" in capsys.readouterr().err
    assert _run(_write(), "--write-predictions", "nowhere/saved.jsonl") == 2
    assert "--write-predictions nowhere/saved.jsonl" in capsys.readouterr().err


def test_colour_follows_the_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``EVALUATOR_COLOR=always`` colours a pipe; by default a pipe gets none."""
    assert _run(_write()) == 0
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("EVALUATOR_COLOR", "always")
    assert _run(_write()) == 0
    assert "\x1b[" in capsys.readouterr().out


def test_by_none_leaves_the_authors_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The table by author is shown unless unwanted."""
    assert _run(_write()) == 0
    assert "by author" in capsys.readouterr().out
    assert _run(_write(), "--by", "none") == 0
    assert "by author" not in capsys.readouterr().out
