"""Which criteria apply, and how the reason against reads."""

from __future__ import annotations

import pytest

from evaluator.applicability import inapplicable_reason
from evaluator.rubric import Applicability
from evaluator.values.transcript import Turn
from tests.fakes import make_rubric, make_transcript


def _reason(applies: Applicability, *turns: tuple[str, str], question: str = "How would you rank rows?") -> str | None:
    rubric = make_rubric()
    cues = rubric.cues | {"ranking": ("rank*",), "test_data": ("sandbox",), "ads": ("advert*",)}
    rubric = rubric.model_copy(update={"cues": cues})
    criterion = rubric.criterion("vanity").model_copy(update={"applies": applies})
    return inapplicable_reason(criterion, rubric, make_transcript(*turns, question=question), "design")


_ASKED_AGAIN = (("candidate", "Clicks."), ("interviewer", "Why?"), ("candidate", "Well."))


def test_without_a_rule_it_always_applies() -> None:
    """No condition means always."""
    assert _reason(Applicability()) is None


@pytest.mark.parametrize(
    "applies",
    [
        Applicability(question_types=("design",)),
        Applicability(question_mentions="ranking"),
        Applicability(candidate_mentions="metrics"),
        Applicability(question_types=("reading",), candidate_mentions="metrics"),
        Applicability(interviewer_follows_up=True),
        Applicability(question_types=("design",), unless_question_mentions="test_data"),
    ],
)
def test_any_condition_is_enough(applies: Applicability) -> None:
    """One condition that holds makes it apply, if no exception does."""
    assert _reason(applies, *_ASKED_AGAIN) is None


@pytest.mark.parametrize(
    ("applies", "reason"),
    [
        (
            Applicability(question_types=("reading",)),
            "It does not apply: the question is not of type “Reading a test”.",
        ),
        (
            Applicability(question_types=("reading",), candidate_mentions="ads"),
            "It does not apply: the question is not of type “Reading a test”, and the answer does not touch on “ads”.",
        ),
        (
            Applicability(question_mentions="test_data"),
            "It does not apply: the question does not touch on “test data”.",
        ),
        (
            Applicability(interviewer_follows_up=True),
            "It does not apply: the interviewer asks nothing more after the answer.",
        ),
        (
            Applicability(question_types=("design",), unless_question_mentions="ranking"),
            "It does not apply: the question falls under the exception “ranking”.",
        ),
    ],
)
def test_the_reason_says_what_is_missing(applies: Applicability, reason: str) -> None:
    """Every condition that failed is named, in the rubric's words; an exception beats any condition."""
    assert (
        _reason(applies, ("interviewer", "Would you run an experiment?"), ("candidate", "I'd count clicks.")) == reason
    )


def test_three_types_are_listed_in_english() -> None:
    """Two commas' worth of types read as a sentence."""
    rubric = make_rubric()
    extra = [
        kind.model_copy(update={"id": f"t{n}", "title": f"T{n}"}) for n, kind in enumerate(rubric.question_types * 2)
    ]
    rubric = rubric.model_copy(update={"question_types": tuple(extra)})
    applies = Applicability(question_types=("t1", "t2", "t3"))
    criterion = rubric.criterion("vanity").model_copy(update={"applies": applies})
    reason = inapplicable_reason(criterion, rubric, make_transcript(), "t0")
    assert reason == "It does not apply: the question is not of type “T1”, “T2” or “T3”."


@pytest.mark.parametrize(
    ("parts", "applies"),
    [
        ("c", False),
        ("ic", False),
        ("ici", False),
        ("cic", True),
        ("icoic", True),
        ("ii", False),
        ("icc", False),
    ],
)
def test_a_follow_up_is_asked_and_answered(parts: str, *, applies: bool) -> None:
    """The interviewer must speak between two turns of the candidate: a closing thank-you asks nothing."""
    rubric = make_rubric()
    rule = Applicability(interviewer_follows_up=True)
    criterion = rubric.criterion("vanity").model_copy(update={"applies": rule})
    roles = {"c": "candidate", "i": "interviewer", "o": "other"}
    turns = [Turn.model_validate({"role": roles[part], "text": "Words."}) for part in parts]
    assert (inapplicable_reason(criterion, rubric, make_transcript(*turns), "design") is None) == applies


def test_without_a_question_or_a_candidate_nothing_is_mentioned() -> None:
    """A transcript that lacks either is no error."""
    rubric = make_rubric()
    silent = make_transcript(("interviewer", "I would run an experiment."), question=None)
    assert inapplicable_reason(rubric.criterion("misread_test"), rubric, silent, "design") is not None
