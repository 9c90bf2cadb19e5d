"""Features: every sentence of the candidate, nobody else's, as numbers of a fixed shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from evaluator.backends.local.features import Features, read_features, read_sentences
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.values.transcript import Transcript
from tests.backends.cases import DIALOGUE, case_of
from tests.encoders import DIMENSIONS, WordEncoder
from tests.fakes import make_transcript
from tests.property.strategies import transcripts


def _features(transcript: Transcript | None = None, over: frozenset[str] = frozenset()) -> Features:
    case = case_of(transcript=transcript)
    return read_features(case, read_sentences(case), lexicon_for(case.rubric), WordEncoder(), over_limit=over)


@given(transcripts())
def test_sentences_are_the_candidates_words_exactly(transcript: Transcript) -> None:
    """A sentence is a slice of a candidate turn, and every letter the candidate says is in one."""
    sentences = read_sentences(case_of(transcript=transcript))
    for sentence in sentences:
        turn = transcript.turns[sentence.turn]
        assert turn.role == "candidate"
        assert turn.text[sentence.start : sentence.end] == sentence.text
    said = "".join(turn.text for turn in transcript.turns if turn.role == "candidate")
    kept = "".join(sentence.text for sentence in sentences)
    assert sum(map(str.isalnum, said)) == sum(map(str.isalnum, kept))


@settings(max_examples=30)
@given(transcripts())
def test_features_are_finite_and_of_one_shape(transcript: Transcript) -> None:
    """Whatever is said, the numbers are finite and as many as the heads were trained for."""
    if not read_sentences(case_of(transcript=transcript)):
        return
    features, usual = _features(transcript), _features()
    assert features.rows.shape == (len(features.sentences), usual.rows.shape[1])
    for array, shape in (
        (features.rows, features.rows.shape),
        (features.document, usual.document.shape),
        (features.replies, usual.replies.shape),
        (features.reply_vectors, usual.reply_vectors.shape),
    ):
        assert array.shape == shape
        assert np.isfinite(array).all()


def test_the_encoder_is_asked_once() -> None:
    """Sentences and questions go through the encoder together."""
    case, encoder = case_of(), WordEncoder()
    read_features(case, read_sentences(case), lexicon_for(case.rubric), encoder)
    assert encoder.asked == 1


def test_a_follow_up_is_looked_at_only_where_there_is_one() -> None:
    """Without later turns of the candidate all numbers about replies are zero."""
    assert _features().replies.any()
    alone = _features(make_transcript(*DIALOGUE[:2]))
    assert not alone.replies.any()
    assert not alone.reply_vectors.any()


def test_the_context_of_a_sentence_ends_with_its_turn() -> None:
    """The first sentence of a turn has no predecessor, whoever spoke before."""
    features = _features()
    first_reply = next(place for place, sentence in enumerate(features.sentences) if sentence.answer == 1)
    own, context = features.rows[first_reply, :DIMENSIONS], features.rows[first_reply, DIMENSIONS : 2 * DIMENSIONS]
    np.testing.assert_array_equal(own, context)


@pytest.mark.parametrize("question", [None, ""])
def test_no_question_is_no_error(question: str | None) -> None:
    """A transcript may not tell what was asked; then nothing is like the question."""
    assert not _features(make_transcript("I would count clicks.", question=question)).rows[:, -1].any()
