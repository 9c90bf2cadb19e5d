"""Feedback: what comes first, whose words they are, and that it says nothing the scorecard doesn't."""

from __future__ import annotations

import pytest

from evaluator.feedback import compose, find_strengths, worst_first
from evaluator.judging import Judgement
from evaluator.values.evaluation import Evaluation, Feedback
from tests.fakes import RUBRIC_YAML, make_evaluation, make_rubric, make_transcript, opinion

_SAID = "I'd track clicks,\nthat is taps. The goal is that people stay. I'd stop if cancellations rise."
_ALL_ABSENT = (
    opinion("vanity", "absent"),
    opinion("no_goal", "absent", "The goal is that people stay", turn=0),
    opinion("no_guardrail", "absent", "I'd stop if cancellations rise", turn=0),
    opinion("vague", "absent"),
)


def _graded(*opinions: object) -> Evaluation:
    return make_evaluation(make_transcript(_SAID), *opinions)  # pyright: ignore[reportArgumentType] - opinions by hand


def _composed(evaluation: Evaluation, judgement: Judgement) -> Feedback:
    return compose(make_rubric(), evaluation.scorecard, evaluation.findings, judgement)


def test_at_most_three_fixes_most_severe_first() -> None:
    """Four failures give three fixes, by severity, then by confidence, each with its drill."""
    feedback = _graded(
        opinion("vague", "present", "taps", turn=0, confidence=0.99),
        opinion("no_guardrail", "present", confidence=0.7),
        opinion("no_goal", "present", confidence=0.6),
        opinion("vanity", "present", "I'd track clicks", turn=0, confidence=0.9),
    ).feedback
    assert feedback.top_fixes == (
        "Counts activity, not value: you said “I'd track clicks”. Name what a member gains and count that.",
        "No business goal: mend it in turn 1. Open with the goal.",
        "Vague definition: you said “taps”. Say who counts, over which days.",
    )
    assert feedback.drills[1] == "Say the goal in one sentence, ten times."


def test_a_quote_stands_on_one_line_and_is_cut_at_a_word() -> None:
    """Line breaks become spaces, a trailing stop is dropped, and a long quote ends at a word."""
    long = "clicks and " * 20
    transcript = make_transcript(f"I'd track clicks,\nthat is taps. {long}")
    first = make_evaluation(transcript, opinion("vanity", "present", "clicks,\nthat is taps.", turn=0)).feedback
    assert "you said “clicks, that is taps”. Name" in first.top_fixes[0]
    second = make_evaluation(transcript, opinion("vanity", "present", long.strip(), turn=0)).feedback
    assert "clicks and clicks and …”." in second.top_fixes[0]
    assert len(second.top_fixes[0]) < 220


def test_the_summary_counts_what_was_found_and_what_was_not_told() -> None:
    """Band, counts by severity, what stayed open, the veto that held, and where to start."""
    feedback = _graded(
        opinion("vanity", "present", "track clicks", turn=0),
        opinion("vague", "present", "taps.", turn=0),
        _ALL_ABSENT[1],
    ).feedback
    assert feedback.summary == (
        "No hire: 2 of 4 failure modes found (1 critical, 1 major). 1 more could not be decided. "
        "Two signs of lacking rigour. Mend first: “Counts activity, not value”."
    )


def test_a_veto_that_made_no_difference_is_not_told() -> None:
    """A veto that still allows a better band than was reached explains nothing."""
    mild = make_rubric(RUBRIC_YAML.replace("best_band: no_hire", "best_band: hire"))
    failures = (opinion("vanity", "present", "clicks", turn=0), opinion("vague", "present", "taps.", turn=0))
    reached = make_evaluation(make_transcript(_SAID), *failures, rubric=mild)
    missed = make_evaluation(make_transcript(_SAID), *failures, opinion("no_goal", "present"), rubric=mild)
    assert (reached.scorecard.band, missed.scorecard.band) == ("hire", "no_hire")
    assert "Two signs of lacking rigour." in reached.feedback.summary
    assert "Two signs of lacking rigour." not in missed.feedback.summary


def test_a_faultless_answer_is_told_so() -> None:
    """Without a failure there is nothing to mend, and the questions press on what was said."""
    feedback = _graded(*_ALL_ABSENT).feedback
    assert feedback.summary == "Strong hire: none of 5 failure modes found."
    assert (feedback.top_fixes, feedback.drills) == ((), ())
    assert len(feedback.follow_up_questions) == 4


def test_questions_go_to_failures_first_and_repeat_nothing() -> None:
    """First probes of failures, then of what was not told, then second ones; no question twice."""
    feedback = _graded(opinion("no_guardrail", "present"), *_ALL_ABSENT[:2]).feedback
    assert feedback.follow_up_questions == (
        *("What could get worse?", "Over which days?", "Where would you stop?", "Out of whom?"),
    )
    assert len(set(feedback.follow_up_questions)) == 4


def test_an_unjudged_answer_is_not_commented_on() -> None:
    """Where a person must look first there are reasons in plain words, and no fixes, strengths or questions."""
    transcript = make_transcript(_SAID, review_reasons=("roles_look_swapped: the candidate only asks.",))
    evaluation = make_evaluation(transcript, *_ALL_ABSENT)
    assert evaluation.feedback.summary == "No band yet: a person should look first. The candidate only asks."
    assert (evaluation.feedback.top_fixes, evaluation.feedback.follow_up_questions) == ((), ())
    assert evaluation.strengths == ()


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement((), summary="A fine answer."),
        Judgement((), better_answer="One. Two. Three."),
        Judgement((), follow_ups=("Why?", "When?", "Who?", "What?", "How?")),
    ],
)
def test_a_models_words_are_marked_and_kept(judgement: Judgement) -> None:
    """Any text of a model's makes the origin `model`; it is passed on letter by letter, questions up to four."""
    feedback = _composed(_graded(*_ALL_ABSENT), judgement)
    assert feedback.origin == "model"
    assert feedback.summary == (judgement.summary or "Strong hire: none of 5 failure modes found.")
    assert feedback.three_sentence_answer == (judgement.better_answer or make_rubric().answer_frame)
    assert not judgement.follow_ups or feedback.follow_up_questions == ("Why?", "When?", "Who?", "What?")


def test_the_rubrics_words_are_never_called_a_models() -> None:
    """A judge that writes nothing, or empty text, leaves the rubric's words under the rubric's name."""
    for judgement in (Judgement(()), Judgement((), summary="", better_answer="")):
        feedback = _composed(_graded(*_ALL_ABSENT), judgement)
        assert (feedback.origin, feedback.three_sentence_answer) == ("rubric", make_rubric().answer_frame)


def test_a_models_praise_does_not_stand_beside_a_review() -> None:
    """Where no band is given a model's summary is left out: it may claim one."""
    evaluation = _graded(opinion("vague", "absent"))
    assert evaluation.scorecard.needs_review
    feedback = _composed(evaluation, Judgement((), summary="A clear hire."))
    assert feedback.origin == "rubric"
    assert feedback.summary == (
        "No band yet: a person should look first. "
        "Only 2 of the 5 criteria that apply could be decided; the rubric asks for 50%."
    )


def test_strengths_have_evidence() -> None:
    """Only failures that were provably avoided are praised, most severe first."""
    evaluation = _graded(*_ALL_ABSENT)
    assert [(item.criterion, item.evidence[0].quote) for item in evaluation.strengths] == [
        ("no_goal", "The goal is that people stay"),
        ("no_guardrail", "I'd stop if cancellations rise"),
    ]
    assert evaluation.strengths[0].note == "Tied the metric to a goal of the business."
    quoted = _graded(
        opinion("vanity", "absent", "that is taps", turn=0), opinion("no_goal", "present", "taps.", turn=0)
    )
    assert quoted.findings[0].evidence
    assert find_strengths(make_rubric(), quoted.findings) == ()


def test_equal_failures_keep_the_rubrics_order() -> None:
    """Same severity and confidence: the given order stands; an unsaid confidence comes last."""
    findings = _graded(opinion("no_goal", "present"), opinion("no_guardrail", "present")).findings
    assert [f.criterion for f in worst_first(findings)] == [
        *("no_goal", "vanity", "no_guardrail", "vague", "misread_test", "rambling"),
    ]
