"""What kind of question was asked, and how sure that is."""

from __future__ import annotations

import pytest

from evaluator.errors import OptionError
from evaluator.question_types import choose_question_type
from tests.fakes import make_rubric


@pytest.mark.parametrize(
    ("question", "value", "source", "confidence"),
    [
        ("How would you measure success of the new row?", "design", "inferred", 0.8),
        ("Here are the results of a test.", "reading", "inferred", 0.8),
        ("Here are the results. How would you measure it now?", "design", "inferred", 0.4444),
        ("How’s the weather?", "design", "default", 0.5),
        ("", "design", "default", 0.5),
        (None, "design", "default", 0.5),
    ],
)
def test_the_type_with_most_cue_words_wins(question: str | None, value: str, source: str, confidence: float) -> None:
    """Words under cues decide, the first type in a tie; without any the rubric's first type is assumed, and says so."""
    choice = choose_question_type(make_rubric(), question)
    assert (choice.value, choice.source, choice.confidence) == (value, source, confidence)


def test_a_given_type_is_not_second_guessed() -> None:
    """What the caller says stands, whatever the question sounds like."""
    choice = choose_question_type(make_rubric(), "How would you measure success?", "reading")
    assert (choice.value, choice.source, choice.confidence) == ("reading", "given", 1.0)


def test_an_unknown_type_is_refused_with_the_known_ones() -> None:
    """A type that the rubric doesn't have is an error that lists those that it has."""
    with pytest.raises(OptionError, match=r"question_type: .*'tradeoff' \(one of: design, reading\)"):
        choose_question_type(make_rubric(), None, "tradeoff")
