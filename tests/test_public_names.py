"""What the package promises by name, and that promising costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import evaluator
from evaluator import backends


def test_every_public_name_loads() -> None:
    """Each name listed leads to its object, and the list is sorted and complete."""
    names = evaluator.__all__
    assert sorted(names, key=str.lower) == sorted(set(names), key=str.lower) == sorted(dir(evaluator), key=str.lower)
    assert all(getattr(evaluator, name) is not None for name in names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as on any module."""
    with pytest.raises(AttributeError, match="no attribute 'evalaute'"):
        _ = evaluator.evalaute  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - on purpose


def test_importing_the_package_loads_nothing_else() -> None:
    """In a fresh interpreter the import brings in no library beside the standard one."""
    code = (
        "import sys, evaluator; "
        "heavy = {'pydantic', 'yaml', 'numpy', 'torch', 'sentence_transformers', 'typer', 'rich', 'jinja2'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
def test_every_backend_describes_itself(name: str) -> None:
    """A row of the table has a title and says what it needs."""
    row = backends.BACKENDS[name]
    assert row.title
    assert row.needs
    assert row.module.startswith("evaluator.backends.")
