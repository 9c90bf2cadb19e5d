"""Judging by exemplars alone: a mark to reach, close calls left open, and the sentence that decided it."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.backends.local.exemplars import ExemplarVectors, judge_by_exemplars
from evaluator.backends.local.features import Sentence
from evaluator.judging import Opinion
from evaluator.rubric import Criterion
from tests.fakes import make_rubric

_RUBRIC = make_rubric()
_VANITY, _NO_GOAL, _RAMBLING = (_RUBRIC.by_id[key] for key in ("vanity", "no_goal", "rambling"))


def _judge(criterion: Criterion, *likeness: tuple[float, float]) -> Opinion:
    """Judge sentences of which each has these cosines to the one exemplar that commits and the one that avoids."""
    rows = [[a, b, np.sqrt(max(0.0, 1 - a * a - b * b))] for a, b in likeness]
    sentences = tuple(Sentence(0, 10 * k, 10 * k + 9, f"sentence {k}", 0, 0.0) for k in range(len(rows)))
    exemplars = ExemplarVectors(np.array([[1, 0, 0]], np.float32), np.array([[0, 1, 0]], np.float32))
    return judge_by_exemplars(criterion, exemplars, sentences, np.array(rows, np.float32))


@pytest.mark.parametrize(
    ("likeness", "verdict"),
    [((0.6, 0.1), "present"), ((0.1, 0.1), "absent"), ((0.26, 0.0), "unscored"), ((0.6, 0.75), "unscored")],
)
def test_a_commission_is_found_near_what_commits_and_far_from_what_avoids(
    likeness: tuple[float, float], verdict: str
) -> None:
    """A sentence has to be like the failures, and less like their opposite; close calls are nobody's."""
    assert _judge(_VANITY, (0.0, 0.0), likeness).verdict == verdict


@pytest.mark.parametrize(("near", "verdict"), [(0.6, "absent"), (0.2, "present"), (0.46, "unscored")])
def test_an_omission_is_avoided_by_one_sentence_near_enough(near: float, verdict: str) -> None:
    """One sentence that does what is missing elsewhere is enough."""
    assert _judge(_NO_GOAL, (0.9, 0.0), (0.0, near)).verdict == verdict


def test_the_proof_is_the_nearest_sentence_and_no_confidence_is_claimed() -> None:
    """Quotes come best first, only those over the mark, and nothing pretends to know how sure it is."""
    opinion = _judge(_VANITY, (0.1, 0.0), (0.5, 0.0), (0.8, 0.0))
    assert [quote.text for quote in opinion.quotes] == ["sentence 2", "sentence 1"]
    assert opinion.confidence is None
    assert "not by reading" in opinion.reason


def test_a_count_is_left_to_the_count() -> None:
    """Exemplars say nothing about length."""
    assert _judge(_RAMBLING, (1.0, 0.0)).verdict == "unscored"


def test_without_exemplars_nothing_is_decided() -> None:
    """A criterion whose exemplars are missing is unscored, not absent."""
    none = np.zeros((0, 3), np.float32)
    sentence = (Sentence(0, 0, 5, "words", 0, 0.0),)
    found = judge_by_exemplars(_VANITY, ExemplarVectors(none, none), sentence, np.ones((1, 3), np.float32))
    assert found.verdict == "unscored"
