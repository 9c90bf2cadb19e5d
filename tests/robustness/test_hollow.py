"""Empty words earn nothing at the local judge as it is shipped; padding and careless speech change little."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends import make_judge
from evaluator.fitting.made_sentences import made_sentences_for
from evaluator.judging import Judge
from evaluator.rubric import load_rubric
from evaluator.values.judge import Verdict
from tests.robustness.hollow import BASES, HOLLOW, PADDING, PLACES, Base, Place, attempt, gained
from tests.robustness.perturbing import with_fillers, with_word_errors

_MOST_GAINING = 0.05


@pytest.fixture(scope="module")
def judge() -> Judge:
    """The local judge as it is shipped."""
    return make_judge("local")


@pytest.fixture(scope="module")
def alone(judge: Judge) -> dict[str, dict[str, Verdict]]:
    """What it says of the answers as they are."""
    return {name: attempt(judge, base) for name, base in BASES.items()}


@pytest.mark.parametrize("name", BASES)
def test_the_answers_are_found_to_fail(name: str, alone: dict[str, dict[str, Verdict]]) -> None:
    """Most of what they leave out is found missing, so that there is something to be gained."""
    found = [criterion for criterion in BASES[name].committed if alone[name][criterion] == "present"]
    assert len(found) >= 0.6 * len(BASES[name].committed)


@pytest.mark.parametrize("place", PLACES)
def test_lists_and_recited_words_gain_nothing(place: Place, judge: Judge, alone: dict[str, dict[str, Verdict]]) -> None:
    """Of lists of terms and words of the rubric, at most one in twenty turns a failure into a success."""
    cases = [(base, alone[name], text) for name, base in BASES.items() for text in HOLLOW.values()]
    lucky = [text for base, before, text in cases if gained(base, attempt(judge, base, text, place), before)]
    assert len(lucky) <= _MOST_GAINING * len(cases), lucky


def test_padding_gains_nothing(judge: Judge, alone: dict[str, dict[str, Verdict]]) -> None:
    """Talk about oneself and about the question neither helps nor clears."""
    for name, base in BASES.items():
        for text in PADDING:
            assert not gained(base, attempt(judge, base, text), alone[name])


_REAL = Base(
    question=BASES["row"].question,
    question_type="metric_design",
    answer=(
        f"{BASES['row'].answer} If fewer than one in ten viewers finish a film from it within four weeks, we take the "
        "row out again, and above one in five it goes to everybody. What may not suffer is the number of different "
        "genres that a member plays in a month."
    ),
    committed=frozenset({"no_decision_rule", "no_guardrail"}),
)


def test_the_same_words_with_something_to_say_do_gain(judge: Judge, alone: dict[str, dict[str, Verdict]]) -> None:
    """A rule and a guardrail about this very row clear the answer of lacking them."""
    assert gained(_REAL, attempt(judge, _REAL), alone["row"])


def test_no_test_case_is_learned_by_heart() -> None:
    """What is tried here is not among the sentences that the judge learns from."""
    learned = {text.strip(".").lower() for text in made_sentences_for(load_rubric("netflix_pm_metrics")).empty}
    assert not [text for text in HOLLOW.values() if text.strip(".").lower() in learned]


@given(st.text(max_size=200), st.integers(0, 99))
def test_fillers_take_no_word_away(text: str, seed: int) -> None:
    """Whatever was said still is, in the same order."""
    left = iter(with_fillers(text, random.Random(seed)).split())
    assert all(word in left for word in text.split())


@given(st.text(alphabet="abc ", min_size=1, max_size=400), st.integers(0, 99))
def test_word_errors_leave_something(text: str, seed: int) -> None:
    """An answer with words keeps some."""
    assert bool(with_word_errors(text, random.Random(seed)).split()) == bool(text.split())
