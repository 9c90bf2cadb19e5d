"""Tests of the fallback: asked only after a failure, and always announced."""

from __future__ import annotations

import pytest

from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.judges.fallback import Fallback
from evaluator.pipeline import evaluate
from tests.fakes import make_rubric, make_transcript, opinion
from tests.judges.judges import Scripted, make_case

_SAID = (opinion("vanity", "present", "track clicks", turn=0),)
_DOWN = JudgeUnavailable("the provider can't answer now")


async def test_second_is_not_asked_without_need() -> None:
    """A judge that answers is not doubled, and nothing is announced."""
    second = Scripted(_SAID)
    judgement = await Fallback(Scripted(_SAID), second).judge(make_case("vanity"))
    assert (second.asked, judgement.flags, judgement.answered_by) == ([], (), None)


def test_fallback_is_announced() -> None:
    """The evaluation names who judged and why not the one that was asked."""
    judge = Fallback(Scripted(_DOWN, model="big"), Scripted(_SAID, model="small"))
    evaluation = evaluate(make_transcript(), make_rubric(), judge)
    assert evaluation.judge.model == "small"
    (flag,) = [flag for flag in evaluation.flags if flag.code == "fallback_judge"]
    assert "the provider can't answer now" in flag.message
    assert "scripted small judged" in flag.message


async def test_second_is_not_asked_about_a_language_it_cannot_read() -> None:
    """A fallback that reads English alone is no help with German; what is too short to tell is tried."""
    english = Scripted(_SAID, languages=frozenset({"en"}))
    fallback = Fallback(Scripted(_DOWN), english)
    with pytest.raises(JudgeUnavailable):
        await fallback.judge(make_case("vanity", language="de"))
    assert english.asked == []
    assert (await fallback.judge(make_case("vanity", language="und"))).answered_by is not None
    assert fallback.languages is None


async def test_both_failing_tells_the_first_failure() -> None:
    """If the second fails too, the error is that of the judge who was asked for."""
    with pytest.raises(JudgeUnavailable, match="can't answer now") as caught:
        await Fallback(Scripted(_DOWN), Scripted(JudgeMisuse("no key was given"))).judge(make_case("vanity"))
    assert isinstance(caught.value.__cause__, JudgeMisuse)
