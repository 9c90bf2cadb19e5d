"""The compose file: what it starts exists, secrets stand in no file, and what it sets are settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from evaluator.cli.main import COMMANDS
from evaluator.settings import Settings

_ROOT: Final = Path(__file__).resolve().parent.parent
_FILE: Final[dict[str, Any]] = yaml.safe_load((_ROOT / "compose.yaml").read_text(encoding="utf-8"))
_OURS: Final = ("work", "batch")


def test_its_commands_exist() -> None:
    """The services run commands of the evaluator, on the image that the Dockerfile makes."""
    services = _FILE["services"]
    assert services["work"]["command"][0] in COMMANDS
    assert services["batch"]["entrypoint"][:2] == ["evaluator", "batch"]
    assert all(services[name]["build"] == "." for name in _OURS)


def test_it_holds_no_secret() -> None:
    """Passwords and keys come from the environment, and the address of the database holds none."""
    for service in _FILE["services"].values():
        for name, value in service["environment"].items():
            if "KEY" in name or "PASSWORD" in name:
                assert str(value).startswith("${")
    assert _FILE["services"]["work"]["environment"]["EVALUATOR_DATABASE_URL"].count(":") == 1


def test_what_it_sets_are_settings() -> None:
    """A variable that nothing reads would be a promise that nobody keeps."""
    known = {f"EVALUATOR_{name}".upper() for name in Settings.model_fields}
    for name in _OURS:
        variables = _FILE["services"][name]["environment"]
        assert {variable for variable in variables if variable.startswith("EVALUATOR_")} <= known


def test_its_workers_have_no_more_rights_than_they_need() -> None:
    """No root, nothing written, and time to finish what is being graded."""
    for name in _OURS:
        service = _FILE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    assert int(_FILE["services"]["work"]["stop_grace_period"].removesuffix("s")) > 150
