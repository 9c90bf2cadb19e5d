"""Tests of ``evaluator rubric``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml
from typer.testing import CliRunner

from evaluator.cli.rubric import app
from evaluator.cli.rubric_trust import trust_lines
from evaluator.errors import InputError
from evaluator.rubric import load_rubric, rubric_paths
from tests.backends.cases import random_calibration
from tests.encoders import WordEncoder
from tests.fakes import make_rubric

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_HOSTILE_TITLE: Final = "[bold red]x[/] [link=https://example.org]y[/link] :boom:"


@pytest.fixture
def starter(tmp_path: Path) -> Path:
    """A rubric as `new` writes it."""
    path = tmp_path / "mine.yaml"
    assert CliRunner().invoke(app, ["new", "mine", "-o", str(path)]).exit_code == 0
    return path


def test_list_names_every_shipped_rubric() -> None:
    """Id, version, number of criteria and title of all that is shipped."""
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    for rubric_id in rubric_paths():
        assert rubric_id in result.stdout
        assert load_rubric(rubric_id).version in result.stdout


@pytest.mark.parametrize("rubric_id", rubric_paths())
def test_show_names_every_criterion_whole(rubric_id: str) -> None:
    """The overview names each criterion, unbroken, even on a narrow terminal."""
    result = CliRunner().invoke(app, ["show", rubric_id], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    for criterion in load_rubric(rubric_id).criteria:
        assert f"{criterion.id} " in result.stdout


def test_show_of_a_criterion_says_everything_about_it() -> None:
    """Definition, fix, drill, probes and exemplars are all there."""
    result = CliRunner().invoke(app, ["show", "netflix_pm_metrics", "-c", "no_guardrail"], env={"COLUMNS": "400"})
    criterion = load_rubric().criterion("no_guardrail")
    texts = (criterion.definition, criterion.fix, criterion.drill, *criterion.probes, *criterion.exemplars.avoids)
    for text in texts:
        assert text in result.stdout


def test_show_says_how_far_the_local_judge_can_be_trusted() -> None:
    """A trained rubric comes with measured figures and what can't be relied on; another one says that it has none."""
    trained = CliRunner().invoke(app, ["show", "netflix_pm_metrics"], env={"COLUMNS": "400"}).stdout
    assert re.search(r"On authors it had not seen: macro F1 0\.\d\d, precision 0\.\d\d, recall of what", trained)
    assert "take its verdicts for hints: " in trained
    untrained = CliRunner().invoke(app, ["show", "behavioural_star"], env={"COLUMNS": "400"}).stdout
    assert "It was not trained for this rubric" in untrained


def test_what_lacks_labels_is_named_with_its_lack() -> None:
    """A criterion without heads is declared, with what it would need."""
    calibration = random_calibration(make_rubric(), WordEncoder(), leave_out="vague")
    assert "Judged without training, for want of labels: vague (nobody labelled it)." in trust_lines(calibration)


def test_labels_of_every_file_count_as_learned_from() -> None:
    """What was learned beside the labels that figures are told of is no less learned."""
    calibration = random_calibration(make_rubric(), WordEncoder())
    more = calibration.labels.model_copy(update={"name": "more.jsonl", "rows": 5})
    assert trust_lines(calibration)[0] == "Trained on 2 labelled transcripts."
    assert trust_lines(calibration.model_copy(update={"also": (more,)}))[0] == "Trained on 7 labelled transcripts."


def test_show_as_json_and_yaml_is_the_rubric() -> None:
    """Both forms hold the rubric's data, ready for another program."""
    rubric = load_rubric("behavioural_star")
    as_json = CliRunner().invoke(app, ["show", "behavioural_star", "--format", "json"]).stdout
    assert json.loads(as_json) == rubric.model_dump(mode="json")
    as_yaml = CliRunner().invoke(app, ["show", "behavioural_star", "--format", "yaml"]).stdout
    assert yaml.safe_load(as_yaml) == rubric.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("arguments", [["show", "no_such"], ["show", "netflix_pm_metrics", "-c", "no_such"]])
def test_an_unknown_name_is_bad_input_that_lists_the_known(arguments: list[str]) -> None:
    """The error that reaches the command line says what would do."""
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, InputError)
    assert "one of: " in str(error)


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_text_of_a_file_never_acts_on_the_terminal(starter: Path, form: str) -> None:
    """Markup in a rubric is shown as it stands, and no escape sequence comes out of it."""
    starter.write_text(starter.read_text().replace("title: Mine", f'title: "{_HOSTILE_TITLE}"'))
    result = CliRunner().invoke(app, ["show", str(starter), "--format", form], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert _HOSTILE_TITLE in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("rubric_id", rubric_paths())
def test_shipped_rubrics_pass_their_own_check(rubric_id: str) -> None:
    """`check` takes an id as well as a file, and finds nothing to advise on what is shipped."""
    result = CliRunner().invoke(app, ["check", rubric_id])
    assert result.exit_code == 0
    assert "valid" in result.stdout
    assert "advice: none" in result.stdout


def test_check_gives_advice_and_passes(starter: Path) -> None:
    """A weakness is no fault: exit 0, one line of advice for it."""
    starter.write_text(starter.read_text().replace('        - "It felt like the right moment, so we launched."\n', ""))
    result = CliRunner().invoke(app, ["check", str(starter)])
    assert result.exit_code == 0
    assert "advice: criterion no_reason: 3 exemplars" in result.stdout


def test_check_tells_every_fault_and_exits_with_two(starter: Path) -> None:
    """All faults go to the error stream, each with file, line and key path; nothing goes to the output."""
    text = starter.read_text().replace("severity: minor", "severity: mild").replace("title: Mine", "title: 7")
    starter.write_text(text + "".join(f"extra_{number}: 1\n" for number in range(12)))
    result = CliRunner().invoke(app, ["check", str(starter)])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("mine.yaml, line ") == 14
    assert "`criteria.1.severity`" in result.stderr
    assert "14 faults" in result.stderr


def test_new_writes_a_rubric_that_passes_check(starter: Path) -> None:
    """The starter bears the asked id, is commented, loads, and gets no advice."""
    assert load_rubric(starter).id == "mine"
    assert starter.read_text().startswith("# ")
    assert "advice: none" in CliRunner().invoke(app, ["check", str(starter)]).stdout


def test_new_names_its_file_after_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``-o`` the file is ID.yaml in the current folder."""
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["new", "sales_discovery"]).exit_code == 0
    assert load_rubric(tmp_path / "sales_discovery.yaml").title == "Sales discovery"


def test_new_never_overwrites(starter: Path) -> None:
    """A file that exists stays as it is, and so does what a link points to."""
    starter.write_text("mine")
    link = starter.with_name("link.yaml")
    link.symlink_to(starter)
    for path in (starter, link):
        error = CliRunner().invoke(app, ["new", "mine", "-o", str(path)]).exception
        assert isinstance(error, InputError)
        assert "exists already" in str(error)
    assert starter.read_text() == "mine"


@pytest.mark.parametrize("rubric_id", ["", "A", "a", "1a", "a-b", "../x", "a" * 65, "a\nb", "\u00e9t\u00e9"])
def test_new_refuses_an_id_that_no_rubric_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rubric_id: str
) -> None:
    """A bad id is refused before any file is made."""
    monkeypatch.chdir(tmp_path)
    assert isinstance(CliRunner().invoke(app, ["new", rubric_id]).exception, InputError)
    assert list(tmp_path.iterdir()) == []


def test_new_says_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    """A missing folder is bad input, not a traceback."""
    error = CliRunner().invoke(app, ["new", "mine", "-o", str(tmp_path / "none" / "x.yaml")]).exception
    assert isinstance(error, InputError)
    assert "can't be written" in str(error)


def test_importing_the_command_loads_neither_rich_nor_the_rubric() -> None:
    """Help stays light: what a command needs loads when it runs."""
    code = "import sys, evaluator.cli.rubric; print('pydantic' in sys.modules, 'yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=_ROOT)
    assert done.stdout == "False False\n"
