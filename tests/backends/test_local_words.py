"""Plain words: the same words count the same with and without case, marks and apostrophes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.local.words import Number, numbers_in, plain_cue, plain_words
from evaluator.cues import check_cue
from tests.property.strategies import hard_texts


@given(hard_texts())
def test_plain_words_are_already_plain(text: str) -> None:
    """Making words plain a second time changes nothing."""
    once = plain_words(text)
    assert plain_words(once) == once


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("We DON’T ship.", "we dont ship"),
        ("Up 3.5%, at least", "up 3.5 percent at least"),
        ("1,000 people; 28-day", "1000 people 28 day"),
        ("a/b test ... ok?", "a b test ok"),
        ("", ""),
    ],
)
def test_case_marks_and_apostrophes_vanish(said: str, plain: str) -> None:
    """What a recogniser leaves out makes no difference; decimals and percentages stay."""
    assert plain_words(said) == plain


@pytest.mark.parametrize(
    ("cue", "plain"),
    [
        ("don't ship", "dont ship"),
        ("a/b test*", "a b test*"),
        ("below #%", "below # percent"),
        ("if ... ship", "if ... ship"),
        ("50/50", "50 50"),
        ("“", ""),
    ],
)
def test_cues_become_plain_with_their_signs(cue: str, plain: str) -> None:
    """A cue for plain words keeps its endings, numbers and gaps."""
    assert plain_cue(cue) == plain


@given(st.lists(st.sampled_from(["...", "#", "#%", "a/b*", "“", "-", "don't", "..", "'*", "50/50", "…"]), max_size=6))
def test_a_cue_that_can_be_read_stays_one(words: list[str]) -> None:
    """Whatever a rubric's cue is made of, its plain form is a cue too, or nothing."""
    cue = " ".join(words)
    try:
        check_cue(cue)
    except ValueError:
        return
    plain = plain_cue(cue)
    if plain:
        check_cue(plain)


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("about two hundred and fifty people", [250]),
        ("a test of 3k and then 2.5m", [3000, 2_500_000]),
        ("a handful of schools", [5]),
        ("one and done", [1]),
        ("and odd things", []),
        ("nobody at all", []),
    ],
)
def test_numbers_are_read_in_digits_and_words(said: str, values: list[float]) -> None:
    """Numbers as people say them; "and" joins only where a number follows."""
    assert [number.value for number in numbers_in(said.split())] == values


def test_a_number_knows_its_words() -> None:
    """What follows a number tells what it counts, so its end is told."""
    assert list(numbers_in(["for", "twenty", "five", "members"])) == [Number(25.0, 1, 3)]


def test_an_endless_number_stays_a_number() -> None:
    """A thousand millions on end is read without an error."""
    assert [n.value for n in numbers_in(["million"] * 1000)] == [float("inf")]
