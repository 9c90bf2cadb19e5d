"""The published schema: current, sound, and true of real results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Protocol, cast

import pytest
from jsonschema import Draft202012Validator

import evaluator
from evaluator.cli.main import run
from evaluator.cli.schema import schema_text
from evaluator.values.evaluation import SCHEMA_VERSION
from tests.reports.golden import CASES, FOLDER, make_cases

_PUBLISHED: Final = Path(evaluator.__file__).parent / "evaluation.schema.json"


class _Validator(Protocol):
    """The part of the library's validator that these tests use; its own types leave gaps."""

    def is_valid(self, instance: object) -> bool: ...


def _validator() -> _Validator:
    return cast("_Validator", Draft202012Validator(json.loads(schema_text())))


def test_published_schema_is_current() -> None:
    """The packaged file is what the types give; ``evaluator schema -o evaluator/evaluation.schema.json`` renews it."""
    assert _PUBLISHED.read_text(encoding="utf-8") == schema_text()


def test_command_prints_and_writes_the_same_bytes(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """``evaluator schema`` prints the packaged file; -o writes it."""
    assert run(["schema"]) == 0
    assert capfdbinary.readouterr().out == _PUBLISHED.read_bytes()
    assert run(["schema", "-o", str(tmp_path / "s.json")]) == 0
    assert (tmp_path / "s.json").read_bytes() == _PUBLISHED.read_bytes()
    assert run(["schema", "-o", str(tmp_path / "no" / "s.json")]) == 2


def test_schema_is_sound_and_names_itself() -> None:
    """It is a valid schema of the draft it names, with an id that holds the schema version."""
    schema = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f":{SCHEMA_VERSION}")
    assert schema["title"]
    assert set(schema["required"]) == set(schema["properties"])


def test_results_meet_the_schema() -> None:
    """What the pipeline returns is valid, hostile words included; what is kept in files too."""
    validator = _validator()
    told = [evaluation.model_dump_json() for evaluation in make_cases().values()]
    kept = [(FOLDER / f"{case}.json").read_text(encoding="utf-8") for case in CASES]
    assert [text for text in (*told, *kept) if not validator.is_valid(json.loads(text))] == []


def test_schema_refuses_what_is_no_result() -> None:
    """An unknown key, a missing one and a verdict outside the closed set are refused."""
    validator = _validator()
    good = json.loads((FOLDER / "failed.json").read_text(encoding="utf-8"))
    lacking = {key: value for key, value in good.items() if key != "findings"}
    changed = {**good, "findings": [{**good["findings"][0], "verdict": "maybe"}]}
    assert validator.is_valid(good)
    assert not any(validator.is_valid(bad) for bad in ({**good, "grade": 1}, lacking, changed))
