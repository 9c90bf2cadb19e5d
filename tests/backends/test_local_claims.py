"""Hollow sentences: taken out where something must be said, kept where something was."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.backends.encoder import Vectors
from evaluator.backends.local.calibration import Calibration
from evaluator.backends.local.claims import claims_of
from evaluator.backends.local.counting import count_phrases
from evaluator.backends.local.deciding import decide
from evaluator.backends.local.features import Features, make_features, read_sentences, texts_to_encode
from evaluator.backends.local.heads import HOLLOW_FROM
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.backends.local.packed_array import PackedArray
from tests.backends.cases import case_of, random_calibration, rubric_with_exemplars
from tests.encoders import WordEncoder

_RUBRIC = rubric_with_exemplars()
_CASE = case_of(_RUBRIC)
_LEXICON = lexicon_for(_RUBRIC)
_SENTENCES = read_sentences(_CASE)
_ENCODED = WordEncoder().encode(texts_to_encode(_CASE, _SENTENCES))
_COUNTS = count_phrases([sentence.text for sentence in _SENTENCES], _LEXICON)
_FEATURES = make_features(_CASE, _SENTENCES, _LEXICON, _COUNTS, _ENCODED)
_NOTHING: Vectors = np.zeros_like(_FEATURES.rows[0])


def _calibration(hollow: Vectors, intercept: float) -> Calibration:
    """Return heads whose hollow column has these weights."""
    calibration = random_calibration(_RUBRIC, WordEncoder())
    weights = calibration.sentences.array.copy()
    weights[:-1, -1], weights[-1, -1] = hollow, intercept
    return calibration.model_copy(update={"sentences": PackedArray.of(weights)})


def _claims(calibration: Calibration) -> Features | None:
    return claims_of(_CASE, _FEATURES, _COUNTS, _ENCODED, _LEXICON, calibration.sentence_heads)


def test_an_answer_without_hollow_sentences_stays_as_it_is() -> None:
    """Nothing is computed a second time for the usual answer."""
    assert _claims(_calibration(_NOTHING, -1.0)) is _FEATURES


def test_an_answer_of_nothing_else_claims_nothing() -> None:
    """What must be said was not said, and nobody pretends to know whether it could have been."""
    calibration = _calibration(_NOTHING, 1.0)
    assert _claims(calibration) is None
    opinions = decide(_RUBRIC.criteria, calibration, _FEATURES, None)
    omissions = {criterion.id for criterion in _RUBRIC.criteria if criterion.kind == "omission"}
    assert {opinions[name].verdict for name in omissions} == {"unscored"}
    assert {opinions[name].reason for name in omissions} == {"The candidate names terms and says nothing with them."}
    whole = decide(_RUBRIC.criteria, calibration, _FEATURES, _FEATURES)
    assert all(opinions[name] == whole[name] for name in set(opinions) - omissions)


def test_only_hollow_sentences_are_left_out() -> None:
    """The rest is numbered anew, as if they had not been said."""
    aimed = _FEATURES.rows[0] / float(_FEATURES.rows[0] @ _FEATURES.rows[0])
    scores = _FEATURES.rows @ aimed
    assert scores[0] == pytest.approx(1.0, abs=1e-3)
    claims = _claims(_calibration(aimed, HOLLOW_FROM - float(np.sort(scores)[-2] + scores[0]) / 2))
    assert claims is not None
    assert [sentence.text for sentence in claims.sentences] == [sentence.text for sentence in _SENTENCES[1:]]
    assert {sentence.answer for sentence in claims.sentences} == {0, 1}
