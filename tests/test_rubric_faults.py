"""Tests of rubrics that are wrong: each fault is told with its line, key path and remedy, and none is slow."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from evaluator.errors import RubricError
from evaluator.rubric import find_rubric_faults, parse_rubric

_ROOT: Final = Path(__file__).resolve().parent.parent
_STARTER: Final = _ROOT / "rubrics" / "starter" / "starter.yaml"

_Edit: TypeAlias = Callable[[str], str]


def _replace(old: str, new: str, count: int = 1) -> _Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, count)

    return edit


# edit of the starter, key path, message, remedy
_FAULTS: Final[dict[str, tuple[_Edit, str, str, str]]] = {
    "unknown key": (_replace("\nlanguage:", "\nlanguages:"), "`languages`", "unknown key", "did you mean `language`?"),
    "unknown key, inside": (
        _replace("    clarification:", "    zzz: 1\n    clarification:"),
        "`criteria.0.zzz`",
        "unknown key",
        "rubrics/README.md",
    ),
    "missing key": (_replace("    strength: You kept it short.\n", ""), "`criteria.1.strength`", "missing", "add it"),
    "number for text": (_replace("title: My rubric", "title: 7"), "`title`", "must be text", "quotes"),
    "text for number": (_replace("    minor: 1", "    minor: '1'"), "`scoring.weights.minor`", "number", "quotes"),
    "list for mapping": (
        _replace("  weights:\n    critical: 5\n    major: 3\n    minor: 1", "  weights: [1]"),
        "`scoring.weights`",
        "mapping",
        "key: value",
    ),
    "text for list": (
        _replace("    cues:\n      - tell me about\n      - describe a\n      - a time when", "    cues: tell"),
        "`question_types.0.cues`",
        "list",
        "- item",
    ),
    "empty text": (_replace("title: My rubric", "title: ' '"), "`title`", "empty", "write it"),
    "bad id": (_replace("id: my_rubric", "id: My Rubric"), "`id`", "pattern", ""),
    "bad severity": (_replace("severity: minor", "severity: mild"), "`criteria.1.severity`", "critical", ""),
    "bad version": (_replace("version: 0.1.0", "version: '1'"), "`version`", "pattern", ""),
    "other schema": (_replace("schema_version: 1", "schema_version: 2"), "`schema_version`", "1", ""),
    "negative weight": (_replace("critical: 5", "critical: -5"), "`scoring.weights.critical`", "greater than 0", ""),
    "coverage over one": (_replace("coverage: 0.7", "coverage: 7"), "`scoring.minimum_coverage`", "less than", ""),
    "infinite weight": (_replace("critical: 5", "critical: .inf"), "`scoring.weights.critical`", "number", ""),
    "one probe": (
        _replace("      - What would have made you decide otherwise?\n", ""),
        "`criteria.0.probes",
        "missing",
        "",
    ),
    "same criterion twice": (
        _replace("id: too_long", "id: no_reason"),
        "`criteria.1.id`",
        "called 'no_reason' already",
        "",
    ),
    "same band twice": (_replace("- id: fail", "- id: pass"), "`scoring.bands.1.id`", "called 'pass' already", ""),
    "weight missing": (_replace("    critical: 5\n", ""), "`scoring.weights`", "no weight for severity critical", ""),
    "unknown quantity": (
        _replace("over_s: answer_seconds", "over_s: answer_hours"),
        "`criteria.1.measured.longest_turn_over_s`",
        "no quantity is called 'answer_hours' (known: answer_seconds, answer_words)",
        "",
    ),
    "unknown question type": (
        _replace("    definition: >", "    applies:\n      question_types: [nope]\n    definition: >"),
        "`criteria.0.applies.question_types`",
        "no question type is called 'nope' (known: past_decision)",
        "",
    ),
    "unknown cue group": (
        _replace("    definition: >", "    applies:\n      candidate_mentions: nope\n    definition: >"),
        "`criteria.0.applies.candidate_mentions`",
        "no cue group is called 'nope' (known: none)",
        "",
    ),
    "unknown metric cues": (
        _replace("\nscoring:", "\nmetric_cues: nope\nscoring:"),
        "`metric_cues`",
        "no cue group",
        "",
    ),
    "unknown criterion in a band": (
        _replace("    - id: fail\n", "    - id: fail\n      unless_all_present: [nope]\n"),
        "`scoring.bands.1.unless_all_present`",
        "no criterion is called 'nope'",
        "",
    ),
    "unknown names in a veto": (
        _replace(
            "\ncriteria:",
            "  vetoes:\n    - id: veto\n      criteria: [no_reason]\n      at_least: 1\n"
            "      best_band: nope\n      reason: so\ncriteria:",
        ),
        "`scoring.vetoes.0.best_band`",
        "no band is called 'nope'",
        "",
    ),
    "veto that never fires": (
        _replace(
            "\ncriteria:",
            "  vetoes:\n    - id: veto\n      criteria: [no_reason, no_reason]\n      at_least: 2\n"
            "      best_band: fail\n      reason: so\ncriteria:",
        ),
        "`scoring.vetoes.0.at_least`",
        "can never fire",
        "",
    ),
    "measured without limits": (
        _replace("kind: omission", "kind: measured"),
        "`criteria.0.measured`",
        "go together",
        "",
    ),
    "limits without measured": (
        _replace("kind: measured", "kind: omission"),
        "`criteria.1.measured`",
        "go together",
        "",
    ),
    "loose cue": (
        _replace("- describe a", "- describe ..."),
        "`question_types.0.cues.1`",
        "start and end with a word",
        "",
    ),
}


@pytest.mark.parametrize("name", _FAULTS)
def test_a_fault_is_told_with_line_key_path_and_remedy(name: str) -> None:
    """Each kind of fault names file, line and key path, says what is wrong and, where one exists, the remedy."""
    edit, path, message, remedy = _FAULTS[name]
    text = edit(_STARTER.read_text(encoding="utf-8"))
    faults = find_rubric_faults(text)
    assert faults
    shown = "\n".join(str(fault) for fault in faults)
    assert re.search(rf"^line \d+, {re.escape(path)}", shown, re.MULTILINE), shown
    assert message in shown
    assert remedy in shown
    with pytest.raises(RubricError) as caught:
        parse_rubric(text, name="mine.yaml")
    assert str(caught.value).startswith("mine.yaml")


def test_the_line_of_a_fault_is_its_line_in_the_file() -> None:
    """The line that is named is the one that was edited."""
    text = _replace("over_s: answer_seconds", "over_s: answer_hours")(_STARTER.read_text(encoding="utf-8"))
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if "answer_hours" in line)
    assert str(find_rubric_faults(text)[0]).startswith(f"line {line}, ")


def test_all_faults_are_found_at_once_in_the_order_of_the_file() -> None:
    """Faults of the form come together, first line first."""
    text = _STARTER.read_text(encoding="utf-8")
    text = text.replace("severity: minor", "severity: mild").replace("title: My rubric", "title: 7")
    wheres = [fault.where or "" for fault in find_rubric_faults(text)]
    assert [re.sub(r"line \d+, ", "", where) for where in wheres] == ["`title`", "`criteria.1.severity`"]


def test_a_flood_of_faults_is_cut_in_an_error_and_complete_in_a_check() -> None:
    """An error shows the first faults and how many follow; the list holds all."""
    text = _STARTER.read_text(encoding="utf-8") + "".join(f"unknown_{number}: 1\n" for number in range(30))
    assert len(find_rubric_faults(text)) == 30
    with pytest.raises(RubricError, match="and 22 more"):
        parse_rubric(text)


def test_a_rubric_that_is_no_mapping_is_refused() -> None:
    """A list or a text is not a rubric."""
    for text in ("- a\n- b\n", "hello\n", "3\n"):
        with pytest.raises(RubricError, match="mapping"):
            parse_rubric(text)


def test_errors_of_strict_yaml_carry_the_files_name() -> None:
    """A fault of the YAML itself is placed in the file as well."""
    with pytest.raises(RubricError, match=r"mine\.yaml, line 2: anchors"):
        parse_rubric("id: x\nb: &a 1\n", name="mine.yaml")


def test_hostile_rubrics_are_refused_in_proportion(tmp_path: Path) -> None:
    """Files made to be slow (many criteria, cues, references, unknown keys) end in one short process."""
    base = _STARTER.read_text(encoding="utf-8")
    hostile = {
        "keys": base + "".join(f"k{n}: 1\n" for n in range(8_000)),
        "references": base.replace(
            "    - id: fail\n", f"    - id: fail\n      unless_all_present: [{', '.join(['nope'] * 8_000)}]\n"
        ),
        "cues": base.replace("- describe a", "\n".join(["- a ... b ... c"] + ["      - '*'"] * 8_000)),
        "scalars": "criteria: [" + "1, " * 8_000 + "]",
        "directives": "%YAML 1.2\n" * 20_000,
        "indicators": "? " * 200_000,
        "anchors": "a: " + "&" * 200_000,
        "comment": "#" * 900_000,
        "blank lines": "\n" * 900_000,
    }
    for name, text in hostile.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    code = (
        "import pathlib, sys\n"
        "from evaluator.errors import RubricError\n"
        "from evaluator.rubric import load_rubric\n"
        "for path in pathlib.Path(sys.argv[1]).iterdir():\n"
        "    try: load_rubric(path)\n"
        "    except RubricError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], check=True, capture_output=True, text=True, timeout=60, cwd=_ROOT
    )
    assert done.stdout.count("refused") == len(hostile)
