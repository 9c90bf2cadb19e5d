"""What the package promises to export, and that it is typed and light."""

from __future__ import annotations

from pathlib import Path

import pytest

import evaluator


def test_exported_names_are_pinned() -> None:
    """The public names are these, sorted; a change is a change of the interface."""
    assert evaluator.__all__ == [
        "Evaluation",
        "EvaluatorError",
        "Rubric",
        "Transcript",
        "__version__",
        "aevaluate",
        "evaluate",
        "load_rubric",
        "parse_transcript",
    ]
    assert evaluator.__all__ == sorted(evaluator.__all__)


def test_every_exported_name_loads() -> None:
    """Each public name is there and documented."""
    for name in evaluator.__all__:
        value = getattr(evaluator, name)
        assert value
        assert name == "__version__" or value.__doc__
    assert set(evaluator.__all__) <= set(dir(evaluator))


def test_unknown_name_is_refused() -> None:
    """A name that doesn't exist is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'grader'"):
        _ = evaluator.grader


def test_package_is_typed() -> None:
    """The marker that tells type checkers to trust the package lies in it."""
    assert (Path(evaluator.__file__).parent / "py.typed").is_file()
