"""Tests of what is found in running text: names, e-mail addresses and phone numbers, and of the way back."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.grounding import ground
from evaluator.judges.redaction.placeholders import redact
from evaluator.judging import Opinion, Quote
from evaluator.quotes import find_quote, judged_view
from evaluator.values.transcript import Turn
from tests.fakes import make_rubric, make_transcript
from tests.judges.redaction_sentences import HELD_OUT, LATER, SENTENCES

_MARKED: Final = re.compile(r"\{([^}]*)\}|<([^>]*)>|\|([^|]*)\|")
_PLACEHOLDER: Final = re.compile(r"\[(?:NAME|EMAIL|PHONE)_\d+\]")


def _taken_out(text: str) -> list[str]:
    """Return what is replaced in a text that stands alone, in order."""
    redaction = redact(make_transcript(text, question=None))
    redacted = redaction.transcript.turns[0].text
    return [redaction.text(placeholder) for placeholder in _PLACEHOLDER.findall(redacted)]


def _marked(sentence: str) -> tuple[str, list[str]]:
    """Return a sentence without its marks, and the words that were marked."""
    words = [match[match.lastindex or 0] for match in _MARKED.finditer(sentence)]
    return _MARKED.sub(lambda match: match[match.lastindex or 0], sentence), words


@pytest.mark.parametrize(
    ("sentences", "precision", "recall"),
    [(SENTENCES, 0.96, 1.0), (HELD_OUT, 0.96, 0.96), (LATER, 1.0, 0.91)],
    ids=["seen", "held out once", "held out"],
)
def test_what_is_found_in_labelled_sentences(sentences: tuple[str, ...], precision: float, recall: float) -> None:
    """Of what people marked, at least the stated share is found, and at most the stated share of the found is wrong."""
    right = found = wanted = 0
    for sentence in sentences:
        text, words = _marked(sentence)
        taken = _taken_out(text)
        found, wanted = found + len(taken), wanted + len(words)
        right += sum(min(taken.count(word), words.count(word)) for word in set(words))
    assert right / found >= precision
    assert right / wanted >= recall


@pytest.mark.parametrize(
    "text",
    [
        "We lost 1,250,000 of 12 500 000 members between 2023-01-15 and 2024-01-15.",
        "It rose from 3.25 to 3.5 percent, p = 0.0314, on 4155550134 plays.",
        "Netflix, Disney, Hulu, Spotify and Alexa were the sample; TAM and SAM were the market.",
        "I worked at amazon dot com, looked at retention dot plots and met at noon.",
        "I will mark the bill. May I? Hope is no metric, grace periods are no retention.",
    ],
)
def test_figures_products_and_words_stay(text: str) -> None:
    """What an answer is made of is never taken for somebody's name, address or number."""
    assert _taken_out(text) == []


def test_one_word_has_one_placeholder_everywhere() -> None:
    """The label, the question and every turn share it; another word has another; figures tell how many."""
    redaction = redact(
        make_transcript(
            ("interviewer", "Hi Anna, I'm Kwabena. What would you measure?"),
            "Thanks, Kwabena. Anna's answer is retention: anna@b.example, +44 20 7946 0958.",
            question="Anna, how would you measure it?",
            names={"candidate": "Anna Kowalska", "interviewer": "Interviewer"},
        )
    )
    seen = redaction.transcript
    assert seen.turns[0].text == "Hi [NAME_1], I'm [NAME_2]. What would you measure?"
    assert seen.turns[1].text == "Thanks, [NAME_2]. [NAME_1]'s answer is retention: [EMAIL_1], [PHONE_1]."
    assert seen.question == "[NAME_1], how would you measure it?"
    assert (seen.turns[0].name, seen.turns[1].name) == ("Interviewer", "[NAME_1] [NAME_3]")
    assert seen.roles.candidate == "[NAME_1] [NAME_3]"
    assert redaction.counts == {"NAME": 2, "EMAIL": 1, "PHONE": 1}


def test_a_placeholder_that_was_said_is_not_given_twice() -> None:
    """Words that look like a placeholder stay what they are, and come back as they were."""
    redaction = redact(make_transcript("I am Anna and I wrote [NAME_1] on the board.", question=None))
    assert redaction.transcript.turns[0].text == "I am [NAME_2] and I wrote [NAME_1] on the board."
    assert redaction.text("[NAME_1] [name_2] NAME_2 [NAME_9]") == "[NAME_1] Anna Anna [NAME_9]"


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\ufeff"])
def test_hidden_characters_hide_no_name(hidden: str) -> None:
    """A name with an invisible character in it, which a judge would never see, is found all the same."""
    transcript = make_transcript(f"I asked An{hidden}na at an{hidden}na@b.example about Ｓｏｆｉａ.", question=None)  # noqa: RUF001 - wide letters are what is found
    assert redact(transcript).transcript.turns[0].text == "I asked [NAME_1] at [EMAIL_1] about [NAME_2]."


def test_transcripts_in_small_letters_or_capitals_are_read() -> None:
    """Where capitals tell nothing, the list of names and introductions still do."""
    assert _taken_out("hi i'm anna and mark is a verb here, i will mark it") == ["anna"]
    assert _taken_out("MY NAME IS NGOZI OKAFOR AND THE METRIC IS RETENTION") == ["NGOZI", "OKAFOR"]


_PIECES: Final = st.sampled_from(
    (
        *("Anna", "Kwame", "O'Brien", "Jean-Luc", "anna", "Anna's", "Mark", "Will", "Zoë", "Ren\u0065\u0301e"),
        *("anna@b.example", "anna dot lee at gmail dot com", "+44 20 7946 0958", "555-123-4567", "[NAME_1]", "NAME_2"),
        *(
            "I'm",
            "thanks,",
            "retention",
            "naïve",
            "Straße",
            "28",
            "the",
            "share",
            "of",
            "members.",
            "“so”",
            "👍🏽",
            "留存",
        ),
        *("\u200b", ",", ".", "\n", "’s", "(", ")", "Netflix", "my name is", "Mr."),
    )
)


@given(turns=st.lists(st.lists(_PIECES, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=3), data=st.data())
def test_every_quote_of_the_redacted_view_comes_back_as_it_was_said(turns: list[str], data: st.DataObject) -> None:
    """Words copied from what the judge saw are found in the original, at the place that they were copied from."""
    transcript = make_transcript(*(Turn(role="candidate", text=text or ".") for text in turns), question=None)
    redaction = redact(transcript)
    number = data.draw(st.integers(0, len(turns) - 1))
    words = redaction.transcript.turns[number].text.split(" ")
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    copied = Quote(number, judged_view(" ".join(words[first : last + 1])))
    seen = find_quote(copied, redaction.transcript)
    quote = redaction.quote(copied)
    if seen is None:
        return
    assert quote.text in transcript.turns[quote.turn].text
    said, copy = _spelled(judged_view(quote.text)), _spelled(judged_view(redaction.text(seen.quote)))
    assert said in {copy, f"{copy}s"}  # no cut parts a name and its `'s`


def _spelled(text: str) -> str:
    """Return letters and digits alone: a name may be written in more than one way."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


@given(text=st.lists(_PIECES, max_size=20).map(" ".join))
def test_filling_in_undoes_taking_out(text: str) -> None:
    """Placeholders filled in one by one give the original back, but for how a repeated name was written."""
    redaction = redact(make_transcript(text or ".", question=None))
    back = redaction.text(redaction.transcript.turns[0].text)
    assert _spelled(judged_view(back)) == _spelled(judged_view(text))


def test_a_quote_that_cuts_a_placeholder_counts_it_whole() -> None:
    """Part of a placeholder can only mean the whole; what stands nowhere is left for grounding to refuse."""
    transcript = make_transcript("I asked Anna's team, and Anna Kowalska said churn fell.", question=None)
    redaction = redact(transcript)
    assert redaction.transcript.turns[0].text == "I asked [NAME_1]'s team, and [NAME_1] [NAME_2] said churn fell."
    assert redaction.quote(Quote(0, "I asked [NAME_1]")).text == "I asked Anna's"
    assert redaction.quote(Quote(0, "[NAME_2] said churn fell")).text == "Kowalska said churn fell"
    assert redaction.quote(Quote(0, "and NAME_1] [NAME_2")).text == "and Anna Kowalska"
    invented = redaction.quote(Quote(0, "[NAME_1] lowered the price"))
    assert invented == Quote(0, "Anna lowered the price")
    rubric = make_rubric()
    opinion = Opinion("vanity", "present", 0.9, (invented,), "r")
    assert ground(opinion, rubric.criterion("vanity"), transcript).opinion.verdict == "unscored"
