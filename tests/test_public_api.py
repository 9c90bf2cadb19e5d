"""The interface of the package, pinned: a change here is a change for those who import it."""

from __future__ import annotations

from pathlib import Path

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
        "evaluate_each",
        "evaluate_many",
        "load_rubric",
        "parse_transcript",
    ]
    assert evaluator.__all__ == sorted(evaluator.__all__)


def test_every_exported_name_is_documented() -> None:
    """Each public name but the version says what it is."""
    assert all(getattr(evaluator, name).__doc__ for name in evaluator.__all__ if name != "__version__")


def test_package_is_typed() -> None:
    """The marker that tells type checkers to trust the package lies in it."""
    assert (Path(evaluator.__file__).parent / "py.typed").is_file()
