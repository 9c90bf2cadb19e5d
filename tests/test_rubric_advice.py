"""Tests of advice on rubrics that are valid and could be better."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from evaluator.rubric import Criterion, Rubric, parse_rubric
from evaluator.rubric_advice import advise

_ROOT: Final = Path(__file__).resolve().parent.parent
_STARTER: Final = _ROOT / "rubrics" / "starter" / "starter.yaml"


def _starter(**changes: object) -> Rubric:
    data = parse_rubric(_STARTER.read_text(encoding="utf-8")).model_dump()
    return Rubric.model_validate(data | changes)


def _criterion(**changes: object) -> Criterion:
    return Criterion.model_validate(_starter().criteria[0].model_dump() | changes)


def test_a_complete_rubric_gets_no_advice() -> None:
    """The starter is a good example of itself."""
    assert advise(_starter()) == ()


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"exemplars": {"commits": ["one two three four"], "avoids": []}}, "1 exemplars under `exemplars.commits`"),
        ({"clarification": None}, "no clarification"),
        ({"exemplars": {"commits": ["a b c d"] * 4, "avoids": ["a b c e"] * 4}}, "stands twice"),
        ({"exemplars": {"commits": ["a b c"] * 4, "avoids": ["a b c e"] * 4}}, "fewer than 4"),
    ],
)
def test_a_poor_criterion_gets_advice(changes: dict[str, object], advice: str) -> None:
    """Few, doubled or too short exemplars and a missing clarification are pointed out."""
    poor = _starter(criteria=(_criterion(**changes), _starter().criteria[1]))
    assert any(advice in sentence for sentence in advise(poor))


def test_a_band_that_cannot_be_reached_gets_advice() -> None:
    """A band behind one that asks no more is pointed out, and so are limits of the last."""
    bands = [
        {"id": "best", "title": "Best", "meaning": "m", "at_most": {"critical": 1}},
        {"id": "good", "title": "Good", "meaning": "m", "at_most": {"critical": 0}},
        {"id": "rest", "title": "Rest", "meaning": "m", "at_most": {"critical": 3}},
    ]
    scoring = _starter().scoring.model_dump() | {"bands": bands}
    advice = " ".join(advise(_starter(scoring=scoring)))
    assert "band good: it can't be reached" in advice
    assert "band rest: it is the last" in advice


def test_question_types_with_few_cues_get_advice() -> None:
    """With several types, one of few cues is pointed out; with a single type there is nothing to recognise."""
    kind = {"id": "one", "title": "One", "example": "e", "cues": ["a"]}
    assert advise(_starter(question_types=[kind])) == ()
    assert len(advise(_starter(question_types=[kind, kind | {"id": "two"}]))) == 2
