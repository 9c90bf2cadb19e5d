"""Grounding: what counts as the candidate's words, and what a failed proof leads to."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from types import FrameType
from typing import Literal

import pytest

from evaluator.grounding import ground
from evaluator.judging import Opinion, Quote
from evaluator.quotes import evidence_at, find_quote
from evaluator.values.transcript import Turn
from tests.fakes import make_rubric, make_transcript

_SAID = "I’m unable to measure retention… We can’t. The “hook” is fi\u00adnal — über STRASSE, cafe\u0301 noir."


def _quote(text: str) -> tuple[str, str] | None:
    evidence = find_quote(Quote(0, text), make_transcript(_SAID))
    return (evidence.quote, evidence.match) if evidence else None


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        ("unable to measure", ("unable to measure", "exact")),
        ("  unable to measure\n", ("unable to measure", "exact")),
        ("UNABLE   to\nmeasure", ("unable to measure", "normalised")),
        ("i'm unable", ("I’m unable", "normalised")),
        ("measure retention... We", ("measure retention… We", "normalised")),
        ('the "hook" is final', ("The “hook” is fi\u00adnal", "normalised")),
        ("über straße", ("über STRASSE", "normalised")),
        ("u\u0308ber strasse", ("über STRASSE", "normalised")),
        ("café noir", ("cafe\u0301 noir", "normalised")),
        ("“unable to measure retention.”", ("unable to measure retention", "normalised")),
    ],
)
def test_copies_that_differ_in_form_are_found(claimed: str, said: tuple[str, str]) -> None:
    """Case, space, typographic marks, Unicode form and outer punctuation may differ; the quote is what was said."""
    assert _quote(claimed) == said


@pytest.mark.parametrize(
    "claimed",
    [
        *("", "  \n", "m", "to", "…", '""""""', "- - - -", "\u200b" * 9, "\u0301" * 9),
        *(
            "able to measure retention",
            "measure retent",
            "We can",
            "unable to cafe",
            "t. The “hook”",
            "STRAS",
            "noir cafe",
        ),
        "unable to track retention",
    ],
)
def test_what_was_not_said_is_rejected(claimed: str) -> None:
    """Nothing, too little, parts of words (which may reverse their sense) and other words prove nothing."""
    assert _quote(claimed) is None


def test_a_letter_is_never_halved() -> None:
    """One s doesn't match half of an ß, nor a 1 half of a ½, nor a bare letter one with an accent."""
    assert find_quote(Quote(0, "a share of 1"), make_transcript("a share of ½")) is None
    assert find_quote(Quote(0, "they kas"), make_transcript("they kaß")) is None
    assert find_quote(Quote(0, "to the cafe"), make_transcript("to the café")) is None
    assert find_quote(Quote(0, "to the cafe"), make_transcript("to the cafe\u0301")) is None


def test_only_the_candidates_turns_are_searched() -> None:
    """Words of the interviewer or of a third person are no evidence, even if the judge names their turn."""
    transcript = make_transcript(("interviewer", "We count clicks."), ("other", "We count taps."), "Right.")
    assert find_quote(Quote(0, "We count clicks."), transcript) is None
    assert find_quote(Quote(1, "We count taps."), transcript) is None


@pytest.mark.parametrize(("named", "turn"), [(0, 0), (2, 2), (1, 0), (9, 0), (-1, 0)])
def test_the_named_turn_is_searched_first(named: int, turn: int) -> None:
    """A turn number that the candidate doesn't own, or that doesn't exist, is forgiven."""
    transcript = make_transcript("Retention, I said.", ("interviewer", "Retention?"), "Retention, I said.")
    evidence = find_quote(Quote(named, "Retention, I said."), transcript)
    assert evidence is not None
    assert evidence.turn == turn


def test_a_later_whole_word_is_found_behind_a_part_of_one() -> None:
    """The first occurrence that cuts no word counts."""
    evidence = find_quote(Quote(0, "churn"), make_transcript("Churning is not churn."))
    assert evidence is not None
    assert (evidence.start, evidence.end) == (16, 21)


def test_a_monotonous_turn_ends_the_search() -> None:
    """A quote that stands in a turn at every place but never as whole words is given up, not tried for ever."""
    assert find_quote(Quote(0, "a" * 3000), make_transcript("a" * 1_000_000)) is None


def test_a_long_conversation_is_folded_once_for_all_quotes() -> None:
    """Words that nobody said are looked for in every turn; what of a turn is the same for all of them is done once."""
    words = [f"In week {n} the cohort’s retention fell, because they had joined for a show." for n in range(150)]
    transcript = make_transcript(*(turn for said in words for turn in (("interviewer", "And then?"), said)))
    normalised = Counter[str]()

    def look(_: FrameType, event: str, called: object) -> None:
        normalised[event] += called is unicodedata.normalize

    sys.setprofile(look)
    try:
        found = [find_quote(Quote(1, f"words that nobody said, number {n}"), transcript) for n in range(20)]
    finally:
        sys.setprofile(None)
    assert found == [None] * 20
    assert 0 < normalised["c_call"] <= 2 * len(words)


def test_scripts_without_spaces_can_be_quoted() -> None:
    """A language that doesn't part its words is matched anywhere."""
    evidence = find_quote(Quote(0, "留存率最重要"), make_transcript("我认为留存率最重要的"))
    assert evidence is not None
    assert evidence.start == 3


@pytest.mark.parametrize(
    ("start_s", "end_s", "when"), [(10.0, 30.0, 20.0), (10.0, None, 10.0), (None, 30.0, None), (30.0, 10.0, 30.0)]
)
def test_time_is_interpolated_within_the_turn(start_s: float | None, end_s: float | None, when: float | None) -> None:
    """Half way through the text is half way through the time; without a sound end, the start of the turn."""
    transcript = make_transcript(Turn(role="candidate", text="12345678 we count plays", start_s=start_s, end_s=end_s))
    half = len(transcript.turns[0].text) // 2
    assert evidence_at(transcript, 0, half, half + 1).start_s == (pytest.approx(when, abs=0.5) if when else None)


def test_evidence_of_others_cannot_be_made() -> None:
    """Evidence for a turn that is not the candidate's is refused."""
    with pytest.raises(ValueError, match="turn 0 is not the candidate's"):
        evidence_at(make_transcript(("interviewer", "Why?")), 0, 0, 3)


@pytest.mark.parametrize(
    ("criterion", "verdict", "needs"),
    [
        ("vanity", "present", True),
        ("vanity", "absent", False),
        ("no_goal", "absent", True),
        ("no_goal", "present", False),
        ("rambling", "present", False),
        ("vanity", "unscored", False),
    ],
)
def test_proof_is_asked_for_both_ways(
    criterion: str, verdict: Literal["present", "absent", "unscored"], *, needs: bool
) -> None:
    """What was said must be quoted where it is the failure, and where it is what avoids the failure."""
    opinion = Opinion(criterion, verdict, 0.7, (), "It seemed so.")
    grounded = ground(opinion, make_rubric().criterion(criterion), make_transcript())
    assert grounded.opinion.verdict == ("unscored" if needs else verdict)


def test_one_true_quote_is_enough_and_false_ones_are_counted() -> None:
    """Rejected quotes are dropped and counted, repeated ones given once."""
    claims = (Quote(0, "track clicks"), Quote(0, "track clicks"), Quote(0, "track smiles"))
    grounded = ground(
        Opinion("vanity", "present", 0.7, claims, "x"), make_rubric().criterion("vanity"), make_transcript()
    )
    assert (grounded.opinion.verdict, grounded.rejected) == ("present", 1)
    assert [item.quote for item in grounded.evidence] == ["track clicks"]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ((), "Said to be present, but it came without a quote."),
        ((Quote(0, "track smiles"),), "Said to be present, but its quotes are not the candidate's words."),
    ],
)
def test_a_failed_proof_says_why(claims: tuple[Quote, ...], why: str) -> None:
    """An unscored verdict tells whether quotes were missing or false, and keeps none of them."""
    opinion = Opinion("vanity", "present", 0.7, claims, "x")
    grounded = ground(opinion, make_rubric().criterion("vanity"), make_transcript())
    assert (grounded.opinion.reason, grounded.opinion.quotes, grounded.evidence) == (why, (), ())
