"""Judge interview answers against a rubric of failure modes, and prove every verdict with the candidate's own words.

``from evaluator import evaluate, parse_transcript``, then ``evaluate(parse_transcript(Path("answer.vtt")))``. Names
load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from evaluator.version import __version__

if TYPE_CHECKING:
    from evaluator.batch.many import evaluate_each, evaluate_many
    from evaluator.errors import EvaluatorError
    from evaluator.pipeline import aevaluate, evaluate
    from evaluator.rubric import Rubric, load_rubric
    from evaluator.transcripts import parse_transcript
    from evaluator.values.evaluation import Evaluation
    from evaluator.values.transcript import Transcript

__all__ = [
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

_HOMES = {
    "Evaluation": "values.evaluation",
    "EvaluatorError": "errors",
    "Rubric": "rubric",
    "Transcript": "values.transcript",
    "aevaluate": "pipeline",
    "evaluate": "pipeline",
    "evaluate_each": "batch.many",
    "evaluate_many": "batch.many",
    "load_rubric": "rubric",
    "parse_transcript": "transcripts",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'evaluator' has no attribute {name!r}")
    return getattr(importlib.import_module(f"evaluator.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return __all__
