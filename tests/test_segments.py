"""Sentences of speech: nothing said gets lost, and nothing gets too long to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syntok import segmenter

from evaluator.segments import punctuated_spans, sentence_spans
from tests.property.strategies import hard_texts

_GOLD: Final = Path(__file__).resolve().parent.parent / "fixtures/gold/dev.jsonl"
# What ends sentences, seems to, or reaches across them: short forms, months, numerals, brackets, quotes, odd space.
_HARD_WORDS: Final = """
    We ship it when people come back. Then clicks fell. It But However Zebras I. A b. X. IV. St. Dr. etc. e.g. U.S. No.
    no. Mar. may. Oct 4. 3.5 3.5. 100. 12 1,000 50% don't. can’t. it’s. follow-up. co-ed. x-max. iPhone. end.Then WiFi.
    ( [ { ) ] (so [1] word.) (Word.) " ' ” “ ’ word." word.' ?! !? ... … ; : , . ? ! so; so: — – - _ a_b. ﬁ ß. é. É
    、 。
"""
_SPACES: Final = (*[" "] * 12, "", "\n", "  ", "\n\n", " \n", "\r\n\r\n", "\t", "\xa0", "\u200b", "\x1c")
_HARD_PROSE = st.lists(
    st.tuples(st.sampled_from(_HARD_WORDS.split()), st.sampled_from(_SPACES)).map("".join), min_size=2, max_size=25
).map("".join)
_WORDS = st.lists(
    st.sampled_from(["so", "we", "would", "ship", "it", "if", "more", "people", "came", "back", "after", "a", "month"]),
    max_size=300,
)


def _by_syntok(text: str) -> list[str]:
    sentences = [tokens for paragraph in segmenter.analyze(text) for tokens in paragraph]
    return _trimmed(text, [(tokens[0].offset, tokens[-1].offset + len(tokens[-1].value)) for tokens in sentences])


def _trimmed(text: str, spans: list[tuple[int, int]]) -> list[str]:
    return list(filter(None, (text[start:end].strip() for start, end in spans)))


@given(st.one_of(_HARD_PROSE, _HARD_PROSE, hard_texts(max_size=200)))
def test_the_shortcut_cuts_where_syntok_does(text: str) -> None:
    """Cutting at sure ends before syntok reads changes no sentence, whatever stands around them."""
    assert _trimmed(text, punctuated_spans(text)) == _by_syntok(text)


def test_the_shortcut_cuts_labelled_speech_where_syntok_does() -> None:
    """The same on all that is said in the labelled transcripts; there it is what makes judging fast."""
    rows = [json.loads(line) for line in _GOLD.read_text(encoding="utf-8").splitlines()]
    texts = [turn["text"] for row in rows for turn in row["turns"]]
    assert len(texts) > len(rows)
    for text in texts:
        assert _trimmed(text, punctuated_spans(text)) == _by_syntok(text)


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
