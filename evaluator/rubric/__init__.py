"""The rubric: a document that a coach can read and the only place where criteria, weights, bands and vetoes live.

In: a YAML file, or the id of one that is shipped. Out: a frozen `Rubric`. Every judge, stage and report takes its
words and numbers from here, so that a second rubric needs no line of code. `form` holds the parts, `references` how
they fit together, `files` the reading, `advice` what could be better. `rubrics/README.md` tells how to write one.
"""

from __future__ import annotations

from evaluator.rubric.advice import advise
from evaluator.rubric.files import (
    find_rubric_faults,
    find_rubric_file,
    load_rubric,
    parse_rubric,
    read_rubric_file,
    rubric_paths,
)
from evaluator.rubric.form import (
    Applicability,
    Band,
    Criterion,
    Exemplars,
    Measured,
    Quantity,
    QuestionType,
    Rubric,
    Scoring,
    VetoRule,
)

__all__ = [
    "Applicability",
    "Band",
    "Criterion",
    "Exemplars",
    "Measured",
    "Quantity",
    "QuestionType",
    "Rubric",
    "Scoring",
    "VetoRule",
    "advise",
    "find_rubric_faults",
    "find_rubric_file",
    "load_rubric",
    "parse_rubric",
    "read_rubric_file",
    "rubric_paths",
]
