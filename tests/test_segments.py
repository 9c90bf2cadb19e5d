"""Sentences of speech: nothing said gets lost, and nothing gets too long to compare."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.segments import sentence_spans
from tests.property.strategies import hard_texts

_WORDS = st.lists(
    st.sampled_from(["so", "we", "would", "ship", "it", "if", "more", "people", "came", "back", "after", "a", "month"]),
    max_size=300,
)


def _sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@given(hard_texts(max_size=200))
def test_spans_are_in_order_and_hold_words_at_both_ends(text: str) -> None:
    """Spans never overlap, never run backwards, and neither begin nor end with white space."""
    before = 0
    for start, end in sentence_spans(text):
        assert before <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        before = end


@given(hard_texts(max_size=200))
def test_every_letter_and_digit_is_in_a_sentence(text: str) -> None:
    """What a judge never sees it can't judge: every letter or digit of the text lies in some span."""
    covered = {place for start, end in sentence_spans(text) for place in range(start, end)}
    assert [place for place, char in enumerate(text) if char.isalnum() and place not in covered] == []


@given(_WORDS)
def test_speech_without_punctuation_is_cut_into_windows(words: list[str]) -> None:
    """However long nobody stops, no sentence holds more than forty words, and all words are kept."""
    sentences = _sentences(" ".join(words))
    assert [word for sentence in sentences for word in sentence.split()] == words
    assert all(len(sentence.split()) <= 40 for sentence in sentences)


def test_a_run_on_sentence_is_cut_at_a_comma_near_the_usual_length() -> None:
    """A pause close to the usual length is where a listener would cut."""
    text = f"{'and so on ' * 7}then, {'we ask again ' * 10}".strip()
    assert _sentences(text)[0].endswith("then,")


def test_crumbs_join_what_stands_before_them() -> None:
    """A sentence of a word or two means nothing by itself."""
    assert _sentences("I would ship it. Right? Then we look at retention again.") == [
        "I would ship it. Right?",
        "Then we look at retention again.",
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\u200b"])
def test_nothing_said_has_no_sentences(text: str) -> None:
    """Space alone is no sentence."""
    assert [sentence for sentence in _sentences(text) if any(map(str.isalnum, sentence))] == []


def test_abbreviations_and_numbers_do_not_end_a_sentence() -> None:
    """A full stop inside a number or after a short form is no end."""
    assert len(_sentences("We saw 3.5 percent more, e.g. on phones, than Dr. Lee had hoped for.")) == 1
