"""Tests of majorities: what several answers come to."""

from __future__ import annotations

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from evaluator.judges.voting import asked_again, by_criterion, majority, texts_of
from evaluator.judging import Judgement, Opinion
from evaluator.values.judge import Vote
from tests.fakes import opinion


@st.composite
def _answers(draw: st.DrawFn) -> Opinion:
    verdict = draw(st.sampled_from(("present", "absent", "unscored")))
    return opinion("vanity", verdict, confidence=draw(st.none() | st.floats(0, 1)))


_ANSWERS: Final = _answers()
_VOTES: Final = st.lists(_ANSWERS, min_size=1, max_size=9).map(
    lambda answers: {f"v{place}": answer for place, answer in enumerate(answers)}
)


def _of(**verdicts: str) -> Opinion:
    return majority("vanity", {voter: opinion("vanity", verdict, reason=voter) for voter, verdict in verdicts.items()})


def test_more_than_half_decide() -> None:
    """Two of three decide, at their share of the confidence, and the reason tells who said what."""
    decided = _of(a="present", b="absent", c="present")
    assert (decided.verdict, decided.confidence) == ("present", 0.5333)
    assert decided.reason == "a (a: present, b: absent, c: present)"


def test_a_tie_decides_nothing() -> None:
    """Of two who differ neither is right; that is an answer, so its confidence is a number: nobody said it."""
    tied = _of(a="present", b="absent")
    assert (tied.verdict, tied.confidence, tied.quotes) == ("unscored", 0.0, ())
    assert tied.reason.startswith("No majority")


def test_cannot_tell_is_an_answer() -> None:
    """One verdict beside two who can't tell is no majority; one of two who can't tell is none either."""
    assert _of(a="present", b="unscored", c="unscored").verdict == "unscored"
    assert _of(a="present", b="unscored").verdict == "unscored"
    assert _of(a="present", b="present", c="unscored").verdict == "present"


def test_an_unusable_answer_has_no_vote() -> None:
    """What could not be used doesn't outvote what could, but lowers the confidence and stays told."""
    given = {"a": opinion("vanity", "absent"), "b": opinion("vanity", "unscored", confidence=None)}
    decided = majority("vanity", given)
    assert (decided.verdict, decided.confidence) == ("absent", 0.4)
    assert "b: unscored" in decided.reason


def test_nothing_usable_stays_without_a_confidence() -> None:
    """Where an answer failed and no majority is left, the outcome counts as failed, so that no cache keeps it."""
    failed = opinion("vanity", "unscored", confidence=None)
    assert majority("vanity", {"a": failed, "b": failed}).confidence is None
    assert majority("vanity", {"a": failed, "b": opinion("vanity", "unscored")}).confidence is None


def test_quotes_are_the_surest_ones_first() -> None:
    """Quotes come from those who agree, the surest first, each once, four at most."""
    sure = opinion("vanity", "present", "one", "two", confidence=0.9)
    unsure = opinion("vanity", "present", "two", "three", "four", "five", confidence=0.5)
    other = opinion("vanity", "absent", "six")
    quotes = majority("vanity", {"a": unsure, "b": sure, "c": other}).quotes
    assert [quote.text for quote in quotes] == ["one", "two", "three", "four"]


@given(_VOTES)
def test_majority_is_fair(votes: dict[str, Opinion]) -> None:
    """A verdict has more than half of the usable answers behind it, and the order of voters changes none."""
    decided = majority("vanity", votes)
    usable = [one for one in votes.values() if one.verdict != "unscored" or one.confidence is not None]
    agree = sum(one.verdict == decided.verdict for one in usable)
    assert decided.verdict == "unscored" or 2 * agree > len(usable)
    reverse = majority("vanity", dict(reversed(votes.items())))
    assert (reverse.verdict, reverse.confidence) == (decided.verdict, decided.confidence)


@given(_ANSWERS)
def test_one_voter_keeps_his_opinion(answer: Opinion) -> None:
    """A single usable answer is the outcome as it stands."""
    decided = majority("vanity", {"a": answer})
    assert decided.verdict == answer.verdict


def test_a_repeated_opinion_counts_for_nothing() -> None:
    """Of two opinions of one judge on one criterion neither counts."""
    twice = [opinion("vanity", "present"), opinion("vanity", "absent"), opinion("vague", "absent")]
    assert list(by_criterion(twice)) == ["vague"]


def test_texts_come_from_who_agrees_most() -> None:
    """The one who agrees most with the outcome speaks; a summary that tells of an outvoted verdict is left out."""
    outcome = [opinion("vanity", "present"), opinion("vague", "absent")]
    against = Judgement((opinion("vanity", "absent"), opinion("vague", "absent")), summary="A", better_answer="a")
    silent = Judgement(tuple(outcome))
    assert texts_of([against, silent], outcome).summary is None
    assert texts_of([against, silent], outcome).better_answer == "a"
    agreeing = Judgement(tuple(outcome), summary="B", better_answer="b", follow_ups=("Why?",))
    assert texts_of([against, agreeing], outcome).summary == "B"
    assert texts_of([], outcome).better_answer is None


def test_a_flip_needs_two_usable_answers() -> None:
    """An answer that failed is no other verdict; one that can't tell is."""
    usable, failed = opinion("a", "present"), opinion("a", "unscored", confidence=None)
    open_ = opinion("a", "unscored", confidence=0.5)
    votes = {
        "failed": _votes(usable, failed),
        "flipped": _votes(usable, open_),
        "agreed": _votes(usable, usable),
        "single": _votes(usable),
    }
    assert asked_again(votes).model_dump() == {"asked": 3, "flipped": 1}


def _votes(*opinions: Opinion) -> tuple[Vote, ...]:
    return tuple(Vote(voter="v", verdict=o.verdict, confidence=o.confidence, reason=o.reason) for o in opinions)
