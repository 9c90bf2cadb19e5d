"""Members that lie or fail: no verdict appears on what was not asked, and none replaces what others said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from evaluator.errors import JudgeError, JudgeMisuse, JudgeUnavailable
from evaluator.judges.cached import Cached
from evaluator.judges.committee import Committee
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judges.fallback import Fallback
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.pipeline import evaluate
from evaluator.rubric import Rubric
from evaluator.store.answers import AnswerFile
from evaluator.values.judge import JudgeInfo, Verdict, Vote
from tests.fakes import FakeJudge, make_rubric, make_transcript, opinion

_SAID: Final = "I would track clicks every day."
_ALL: Final = ("vanity", "no_goal", "no_guardrail", "vague", "misread_test")
_HONEST: Final = (
    opinion("vanity", "present", "track clicks", turn=0),
    opinion("no_goal", "present"),
    opinion("no_guardrail", "present"),
    opinion("vague", "present", "every day", turn=0),
)
_LIES: Final = tuple(
    opinion(key, "absent", "track clicks", turn=0, confidence=1.0) for key in (*_ALL, "score", "nobody")
)


@dataclass
class Liar:
    """Answers with whatever it likes, asked or not: twice, about others' criteria, with votes and flags of its own."""

    lies: tuple[Opinion, ...] = _LIES
    first: tuple[Opinion, ...] | None = None

    def __post_init__(self) -> None:
        """Start with nothing asked."""
        self.asked = 0

    @property
    def languages(self) -> frozenset[str] | None:
        """Claim to read everything."""
        return None

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return a name."""
        return JudgeInfo(backend="fake", method="lies", model=rubric.id)

    async def judge(self, case: Case) -> Judgement:
        """Say the lies; the first time what ``first`` holds, if anything."""
        self.asked += 1
        said = self.first if self.first is not None and self.asked == 1 else self.lies
        vote = Vote(voter="everyone", verdict="absent", confidence=1.0, reason="All agree.")
        return Judgement(
            said,
            votes=dict.fromkeys((*_ALL, "nobody"), (vote,)),
            flagged={key: frozenset({"a", "b", "c"}) for key in case.rubric.by_id},
        )


def _verdicts(judge: Judge) -> dict[str, Verdict]:
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), judge)
    assert [finding.criterion for finding in evaluation.findings] == [*make_rubric().by_id]
    return {finding.criterion: finding.verdict for finding in evaluation.findings}


_BASE: Final[dict[str, Verdict]] = {
    **dict.fromkeys(("vanity", "no_goal", "no_guardrail", "vague"), "present"),
    "misread_test": "na",
    "rambling": "absent",
}


def test_the_honest_base() -> None:
    """What the lies are measured against: all four failures found."""
    assert _verdicts(FakeJudge(_HONEST)) == _BASE


def test_one_liar_in_a_committee_of_three_changes_nothing() -> None:
    """Two honest members outvote one who says absent to everything, to what wasn't asked too."""
    committee = Committee({"a": FakeJudge(_HONEST), "b": FakeJudge(_HONEST), "c": Liar()})
    assert _verdicts(committee) == _BASE


def test_a_liar_who_repeats_itself_has_no_vote() -> None:
    """Of two opinions on one criterion neither counts: saying it twice is not two votes."""
    committee = Committee({"a": FakeJudge(_HONEST), "b": FakeJudge(_HONEST), "c": Liar(_LIES * 2)})
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), committee)
    assert {vote.voter for finding in evaluation.findings for vote in finding.votes} == {"a", "b"}


def test_a_committee_keeps_its_own_votes() -> None:
    """Votes that a member claims for others, and members it says have flagged, are not taken over."""
    committee = Committee({"a": FakeJudge(()), "b": Liar((opinion("no_goal", "present"),))})
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), committee)
    assert [(v.voter, v.verdict) for f in evaluation.findings for v in f.votes] == [("b", "present")]
    assert evaluation.scorecard.vetoes == ()


@pytest.mark.parametrize("error", [JudgeUnavailable("busy"), JudgeMisuse("no key")])
def test_a_member_that_fails_has_no_vote(error: JudgeError) -> None:
    """A member without an answer is named and counts for nothing, neither absent nor present."""
    committee = Committee({"a": FakeJudge(_HONEST), "b": FakeJudge(_HONEST), "c": FakeJudge(error=error)})
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), committee)
    assert {finding.criterion: finding.verdict for finding in evaluation.findings} == _BASE
    assert [flag.code for flag in evaluation.flags if "member" in flag.code] == ["committee_member_absent"]


def test_one_honest_member_left_is_no_committee() -> None:
    """With too few answers there is no result at all, rather than the only one's word."""
    with pytest.raises(JudgeUnavailable):
        _verdicts(Committee({"a": Liar(), "b": FakeJudge(error=JudgeUnavailable("busy"))}))


def test_a_member_that_crashes_gives_no_result() -> None:
    """An error that no judge may raise is not swallowed, and leaves no verdict behind."""
    with pytest.raises((RuntimeError, ExceptionGroup)):
        _verdicts(Committee({"a": FakeJudge(_HONEST), "b": Liar(), "c": FakeJudge(error=RuntimeError("a defect"))}))


def test_a_second_answer_on_what_was_not_asked_again_is_ignored() -> None:
    """Asked again about one unsure criterion, a judge can't take back the sure ones."""
    unsure = opinion("no_goal", "present", confidence=0.3)
    first = (*(item for item in _HONEST if item.criterion != "no_goal"), unsure)
    liar = Liar(first=first)
    verdicts = _verdicts(Confirming(liar))
    assert liar.asked == 3
    assert {key: verdicts[key] for key in _BASE if key != "no_goal"} == {
        k: v for k, v in _BASE.items() if k != "no_goal"
    }


def test_unasked_opinions_of_a_first_answer_are_ignored() -> None:
    """Opinions on criteria that don't apply, or that no rubric has, become neither findings nor votes."""
    verdicts = _verdicts(Confirming(Liar((*_HONEST, opinion("misread_test", "absent"), opinion("nobody", "absent")))))
    assert verdicts == _BASE


def test_samples_count_only_what_was_asked() -> None:
    """Each of several answers has one vote on each criterion of the case."""
    verdicts = _verdicts(Sampled(Liar((*_HONEST, *(opinion(key, "absent") for key in ("nobody", "misread_test")))), 3))
    assert verdicts == _BASE


def test_the_fallback_judges_by_the_same_rules() -> None:
    """A second judge that lies still needs the candidate's words, and the result names it."""
    invented = tuple(replace(item, quotes=()) for item in _LIES)
    judge = Fallback(FakeJudge(error=JudgeUnavailable("busy")), Liar(invented))
    evaluation = evaluate(make_transcript(_SAID), make_rubric(), judge)
    verdicts = {finding.criterion: finding.verdict for finding in evaluation.findings}
    assert (verdicts["no_goal"], verdicts["no_guardrail"], verdicts["misread_test"]) == ("unscored", "unscored", "na")
    assert evaluation.judge.method == "lies"
    assert "fallback_judge" in {flag.code for flag in evaluation.flags}


async def test_a_liar_fills_the_cache_with_nothing_unasked(tmp_path: Path) -> None:
    """What wasn't asked is not kept, so that a later run can't find it there."""
    store, rubric, transcript = AnswerFile(tmp_path / "answers.sqlite"), make_rubric(), make_transcript(_SAID)
    liar = Liar((*_HONEST, opinion("misread_test", "absent")))
    await Cached(liar, store).judge(Case(transcript, rubric, "design", (rubric.criterion("vanity"),)))
    later = Liar((opinion("misread_test", "present", "experiment"),))
    unasked = Case(transcript, rubric, "design", (rubric.criterion("misread_test"),))
    assert (await Cached(later, store).judge(unasked)).opinions == later.lies
    assert later.asked == 1
