"""The README says what is so: its commands exist, its settings are all there, what it shows is what is printed."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from evaluator.cli.main import COMMANDS
from evaluator.settings import Settings
from tests.readme import README, ROOT, output_of, parts

_TEXT = README.read_text(encoding="utf-8")
_SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", _TEXT, re.DOTALL))
_PYTHON = [code for code in re.findall(r"```python\n(.*?)```", _TEXT, re.DOTALL) if "evaluator.client" not in code]


def test_every_setting_is_documented() -> None:
    """Each setting stands in the README under the name of its variable."""
    missing = [name for name, field in Settings.model_fields.items() if not field.validation_alias]
    missing = [name for name in missing if f"`EVALUATOR_{name.upper()}`" not in _TEXT]
    assert missing == []


def test_every_command_shown_exists() -> None:
    """Each ``evaluator`` line names a sub-command, and options that its help lists."""
    lines = [shlex.split(line, comments=True) for line in _SHELL.splitlines() if line.startswith("evaluator ")]
    assert lines
    for words in lines:
        assert words[1] in COMMANDS
        places = 3 if words[1] == "rubric" else 2
        helped = output_of(f"evaluator {' '.join(words[1:places])} --help")
        options = [word for word in words[places:] if re.fullmatch(r"--[a-z-]+|-[a-z]", word)]
        assert [option for option in options if option not in helped] == []


def test_every_make_target_shown_exists() -> None:
    """Each ``make`` line names a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z]+)", _SHELL, re.MULTILINE))
    assert {"grade", "test"} <= shown <= targets


def test_make_bench_runs_what_can_be_run_as_it_is() -> None:
    """Each of its benchmarks is there, and asks for no argument."""
    named = re.search(r"^BENCH \?= (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert named is not None
    for name in named[1].split():
        source = (ROOT / "bench" / f"{name}.py").read_text(encoding="utf-8")
        assert re.findall(r'required=True|add_argument\("[a-z]\w*"(?!, nargs="\?")', source) == []


@pytest.mark.parametrize("number", range(len(_PYTHON)))
def test_every_python_example_runs(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each Python example runs as it stands, in the checkout, and prints something."""
    monkeypatch.chdir(ROOT)
    exec(compile(_PYTHON[number], f"README.md, example {number + 1}", "exec"), {"__name__": "__main__"})  # noqa: S102
    assert capsys.readouterr().out.strip()


def test_the_sample_report_shown_is_the_one_printed() -> None:
    """What the README shows of a grade is what the command prints now; ``make readme`` writes it again."""
    for command, text in parts(_TEXT).items():
        if command.startswith("evaluator grade"):
            assert text == output_of(command)


def test_the_agreement_shown_is_the_one_measured_when_the_heads_were_trained() -> None:
    """The table's macro F1, coverage and band kappa are those that the shipped calibration was measured at."""
    provenance = json.loads((ROOT / "rubrics" / "netflix_pm_metrics.calibration.json").read_text(encoding="utf-8"))
    [table] = [text for command, text in parts(_TEXT).items() if "--leave-one-author-out" in command]
    measured = provenance["held_out"]
    assert re.search(rf"^F1 \(present\) +{measured['macro_f1']:.2f} ", table, re.MULTILINE)
    assert re.search(rf"^coverage +{measured['coverage']:.2f} ", table, re.MULTILINE)
    assert re.search(rf"^band kappa +{measured['band_kappa']:.2f} ", table, re.MULTILINE)
