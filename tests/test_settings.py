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
    for name in [name for name in os.environ if name.upper().startswith("EVALUATOR_")] + [
        *("NO_COLOR", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "XDG_CACHE_HOME")
    ]:
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


def test_shared_variables_keep_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys and the cache folder are read from the variables that other programs read, and never as settings of ours."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("EVALUATOR_API_KEY", "sk-local")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keys = {name: key.get_secret_value() for name, key in load_settings().plan().options.api_keys.items()}
    assert keys["openai"] == keys["openai-decisions"] == "sk-openai"
    assert keys["openai-compatible"] == "sk-local"
    assert load_settings().plan().cache == tmp_path / "interview-evaluator" / "answers.sqlite"
    monkeypatch.setenv("EVALUATOR_OPENAI_API_KEY", "x")
    assert list(unknown_variables()) == ["EVALUATOR_OPENAI_API_KEY"]


def test_cache_folder_may_be_unsaid_or_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an absolute XDG_CACHE_HOME answers are kept below ~/.cache, as the XDG specification asks."""
    usual = Path.home() / ".cache" / "interview-evaluator" / "answers.sqlite"
    for value in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert load_settings().plan().cache == usual


def test_nothing_is_kept_where_exchanges_are_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A recording is whole only if everything is asked; a cache that was named is used all the same."""
    monkeypatch.setenv("EVALUATOR_RECORD", str(tmp_path / "tape"))
    assert load_settings().plan().cache is None
    monkeypatch.setenv("EVALUATOR_CACHE", "mine.sqlite")
    assert load_settings().plan().cache == Path("mine.sqlite")
    monkeypatch.setenv("EVALUATOR_NO_CACHE", "true")
    assert load_settings().plan().cache is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVALUATOR_EFFORT", "utmost"),
        ("EVALUATOR_ATTEMPTS", "0"),
        ("EVALUATOR_TIMEOUT_S", "-1"),
        ("EVALUATOR_SPLIT", "many"),
        ("EVALUATOR_MAX_COST_USD", "0"),
        ("EVALUATOR_CONFIRM", "perhaps"),
        ("EVALUATOR_RETENTION_DAYS", "inf"),
        ("EVALUATOR_RETENTION_DAYS", "1000000"),  # no calendar reaches the day on which it would end
        ("EVALUATOR_TEMPERATURE", "inf"),
    ],
)
def test_senseless_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A figure or word without a meaning is refused, and the variable named."""
    monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=name):
        load_settings()


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
