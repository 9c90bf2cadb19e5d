"""Settings: the environment in, values or a clear refusal out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaluator.errors import OptionError
from evaluator.settings import Settings, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start without any setting, in an empty folder."""
    for name in [name for name in os.environ if name.upper().startswith("EVALUATOR_")] + ["NO_COLOR"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_nothing() -> None:
    """Without any variable the local judge and the shipped rubric are chosen."""
    settings = load_settings()
    assert (settings.backend, settings.rubric, settings.color) == ("local", "netflix_pm_metrics", "auto")
    assert (settings.model, settings.calibration, settings.no_color) == (None, None, None)


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each field has its variable, in any case; an empty one counts as not set."""
    monkeypatch.setenv("EVALUATOR_MODEL", "weights/mine")
    monkeypatch.setenv("evaluator_calibration", "heads.json")
    monkeypatch.setenv("EVALUATOR_RUBRIC", "")
    monkeypatch.setenv("NO_COLOR", "1")
    settings = load_settings()
    assert settings.model == "weights/mine"
    assert settings.calibration == Path("heads.json")
    assert settings.rubric == "netflix_pm_metrics"
    assert settings.no_color == "1"


def test_no_file_is_looked_for(tmp_path: Path) -> None:
    """A .env file that happens to lie in the folder changes nothing."""
    (tmp_path / ".env").write_text("EVALUATOR_BACKEND=other\n", encoding="utf-8")
    assert load_settings().backend == "local"


def test_bad_value_is_refused_by_name_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the variable and never its value."""
    monkeypatch.setenv("EVALUATOR_COLOR", "sk-secret")
    with pytest.raises(OptionError, match="EVALUATOR_COLOR") as caught:
        load_settings()
    assert "sk-secret" not in str(caught.value)


def test_unknown_variables_get_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt variable is told with the setting it resembles, a strange one without."""
    monkeypatch.setenv("EVALUATOR_RUBRICK", "x")
    monkeypatch.setenv("EVALUATOR_QQQQQQQQQQQQ", "x")
    monkeypatch.setenv("EVALUATOR_MODEL", "x")
    assert unknown_variables() == {"EVALUATOR_QQQQQQQQQQQQ": None, "EVALUATOR_RUBRICK": "EVALUATOR_RUBRIC"}


def test_settings_are_frozen() -> None:
    """Settings can't be changed after they were read."""
    with pytest.raises(ValueError, match="frozen"):
        Settings().backend = "other"
