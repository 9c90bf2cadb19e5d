"""Tests of asking again: what is asked, what decides, what is told."""

from __future__ import annotations

import pytest

from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judging import Judgement, Opinion
from evaluator.values.usage import Usage
from tests.fakes import opinion
from tests.judges.judges import Scripted, make_case

_DOWN = JudgeUnavailable("the provider can't answer now")


def _said(verdict: str, confidence: float | None = 0.5, criterion: str = "vanity") -> list[Opinion]:
    return [opinion(criterion, verdict, confidence=confidence)]


async def test_only_unsure_verdicts_are_asked_again() -> None:
    """A low confidence, none, or a repaired answer is asked about again; a sure verdict and "can't tell" are not."""
    first = Judgement(
        (
            opinion("vanity", "present", confidence=0.95),
            opinion("no_goal", "present", confidence=0.6),
            opinion("no_guardrail", "unscored", confidence=0.5),
            opinion("vague", "absent", confidence=0.95),
        ),
        usage=Usage(requests=1),
        repaired=frozenset({"vague"}),
    )
    judge = Scripted(first, [opinion("no_goal", "present"), opinion("vague", "absent")])
    judgement = await Confirming(judge).judge(make_case())
    assert judge.asked == [("vanity", "no_goal", "no_guardrail", "vague"), ("no_goal", "vague")]
    assert judgement.confirmation is not None
    assert (judgement.confirmation.asked, judgement.confirmation.flipped) == (2, 0)
    assert set(judgement.votes) == {"no_goal", "vague"}
    assert judgement.usage.requests == 2


async def test_nothing_unsure_costs_nothing() -> None:
    """Where all is sure one request is enough, and that is told."""
    judge = Scripted(_said("present", 0.9))
    judgement = await Confirming(judge).judge(make_case("vanity"))
    assert judge.asked == [("vanity",)]
    assert judgement.confirmation is not None
    assert judgement.confirmation.asked == 0
    assert judgement.votes == {}


async def test_a_third_answer_decides() -> None:
    """Two that differ are settled by a third, about that criterion alone; the flip is counted, the summary left out."""
    first = Judgement((*_said("present"), *_said("absent", 0.5, "vague")), summary="Vanity was found.")
    judge = Scripted(first, [*_said("absent"), *_said("absent", 0.8, "vague")], _said("absent"))
    judgement = await Confirming(judge).judge(make_case("vanity", "vague"))
    assert judge.asked == [("vanity", "vague"), ("vanity", "vague"), ("vanity",)]
    assert {o.criterion: o.verdict for o in judgement.opinions} == {"vanity": "absent", "vague": "absent"}
    assert judgement.confirmation is not None
    assert (judgement.confirmation.asked, judgement.confirmation.flipped) == (2, 1)
    assert judgement.summary is None


async def test_three_different_answers_decide_nothing() -> None:
    """Present, absent and "can't tell" leave it open."""
    judge = Scripted(_said("present"), _said("absent"), _said("unscored"))
    judgement = await Confirming(judge).judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "unscored"


async def test_what_was_answered_stays_if_asking_again_fails() -> None:
    """A paid answer isn't lost because its confirmation failed; the result names what was not confirmed."""
    judgement = await Confirming(Scripted(_said("present"), _DOWN)).judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "present"
    assert [flag.code for flag in judgement.flags] == ["not_confirmed"]
    assert "vanity" in judgement.flags[0].message


async def test_the_first_failure_is_raised() -> None:
    """No answer at all is the judge's error."""
    with pytest.raises(JudgeUnavailable):
        await Confirming(Scripted(_DOWN)).judge(make_case("vanity"))


async def test_a_failed_confirmation_is_no_flip() -> None:
    """An answer that could not be used is asked for once more and is no other verdict."""
    judge = Scripted(_said("present"), _said("unscored", None), _said("present"))
    judgement = await Confirming(judge).judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "present"
    assert judgement.confirmation is not None
    assert (judgement.confirmation.asked, judgement.confirmation.flipped) == (1, 0)


async def test_samples_decide_by_majority() -> None:
    """Every criterion is asked about so often; a criterion on which not all agree is a flip."""
    answers = ([*_said("present"), *_said("absent", 0.9, "vague")], [*_said("absent"), *_said("absent", 0.9, "vague")])
    judge = Scripted(answers[0], answers[1], answers[0])
    judgement = await Sampled(judge, 3).judge(make_case("vanity", "vague"))
    assert judge.asked == [("vanity", "vague")] * 3
    assert {o.criterion: o.verdict for o in judgement.opinions} == {"vanity": "present", "vague": "absent"}
    assert judgement.confirmation is not None
    assert (judgement.confirmation.asked, judgement.confirmation.flipped) == (2, 1)
    assert judgement.usage.requests == 3


async def test_a_lost_sample_is_told() -> None:
    """If one of three fails the other two decide and the result says so; if two fail, nothing is decided."""
    judgement = await Sampled(Scripted(_said("present"), _DOWN, _said("present")), 3).judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "present"
    assert [flag.code for flag in judgement.flags] == ["samples_missing"]
    with pytest.raises(JudgeUnavailable, match="2 of 3 samples"):
        await Sampled(Scripted(_said("present"), _DOWN), 3).judge(make_case("vanity"))


def test_even_numbers_of_samples_are_refused() -> None:
    """An even number could tie, one is no sample, and there is an end."""
    for samples in (-1, 0, 1, 2, 4, 16, 17):
        with pytest.raises(OptionError, match="odd number"):
            Sampled(Scripted(()), samples)


def test_info_tells_how_often_was_asked() -> None:
    """A confirmed or sampled verdict is another judge's than a single answer's."""
    case, judge = make_case(), Scripted(())
    methods = {
        judge.info(case.rubric).method,
        Confirming(judge).info(case.rubric).method,
        Confirming(judge, sure=0.9).info(case.rubric).method,
        Sampled(judge, 3).info(case.rubric).method,
        Sampled(judge, 5).info(case.rubric).method,
    }
    assert len(methods) == 5


async def test_misuse_of_the_budget_keeps_the_first_answer() -> None:
    """A budget that is reached before the confirmation costs nobody the answer."""
    judge = Scripted(_said("absent"), JudgeMisuse("the budget is reached"))
    judgement = await Confirming(judge).judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "absent"
