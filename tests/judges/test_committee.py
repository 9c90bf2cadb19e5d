"""Tests of the committee: majority, disagreement, absence, and vetoes by members."""

from __future__ import annotations

import pytest

from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError, RecordingMissing
from evaluator.judges.committee import Committee
from evaluator.judging import Case, Judgement
from evaluator.pipeline import evaluate
from evaluator.values.transcript import Flag
from evaluator.values.usage import Usage
from tests.fakes import make_rubric, make_transcript, opinion
from tests.judges.judges import Scripted, make_case

_PRESENT = (opinion("vanity", "present", "track clicks", turn=0),)
_ABSENT = (opinion("vanity", "absent"),)
_LATE = JudgeUnavailable("too late", retry_after_s=3)


async def test_majority_and_votes() -> None:
    """Two of three decide; every vote is kept under its member's name."""
    committee = Committee({"a": Scripted(_PRESENT), "b": Scripted(_ABSENT), "c": Scripted(_PRESENT)})
    judgement = await committee.judge(make_case("vanity"))
    assert [o.verdict for o in judgement.opinions] == ["present"]
    assert [(v.voter, v.verdict) for v in judgement.votes["vanity"]] == [
        ("a", "present"),
        ("b", "absent"),
        ("c", "present"),
    ]
    assert judgement.usage.requests == 3


async def test_an_absent_member_is_named_and_has_no_vote() -> None:
    """Who gave no answer is told; the others decide by themselves."""
    committee = Committee({"a": Scripted(_PRESENT), "b": Scripted(_LATE), "c": Scripted(_PRESENT)})
    judgement = await committee.judge(make_case("vanity"))
    assert judgement.opinions[0].verdict == "present"
    assert [flag.code for flag in judgement.flags] == ["committee_member_absent"]
    assert "Member b gave no answer" in judgement.flags[0].message
    assert [vote.voter for vote in judgement.votes["vanity"]] == ["a", "c"]


async def test_one_member_is_no_committee() -> None:
    """If fewer than two answered there is no judgement; the error keeps what its cause asked for."""
    with pytest.raises(JudgeUnavailable, match="committee of 2, of which 1 answered, b: too late") as caught:
        await Committee({"a": Scripted(_PRESENT), "b": Scripted(_LATE)}).judge(make_case("vanity"))
    assert caught.value.retry_after_s == 3


async def test_a_wrong_input_is_no_absence() -> None:
    """What the caller must mend is raised as it is, not told as a member's absence."""

    class _Unrecorded(Scripted):
        async def judge(self, case: Case) -> Judgement:
            del case
            raise RecordingMissing("no recording")

    members = {"a": Scripted(_PRESENT), "b": Scripted(_PRESENT), "c": _Unrecorded(_PRESENT)}
    with pytest.raises(RecordingMissing):
        await Committee(members).judge(make_case("vanity"))


async def test_flags_name_their_member() -> None:
    """What a member wants a person to know is told with the member's name."""
    flagged = Judgement(_PRESENT, flags=(Flag(code="from_cache", message="Known."),))
    judgement = await Committee({"a": Scripted(flagged), "b": Scripted(_PRESENT)}).judge(make_case("vanity"))
    assert [(f.code, f.message) for f in judgement.flags] == [("from_cache", "Member a: Known.")]


def test_two_members_flags_fire_a_veto() -> None:
    """A veto fires when two members flag what it lists, though neither criterion has a majority."""
    members = {
        "a": Scripted([opinion("vanity", "present", "track clicks", turn=0), opinion("vague", "absent")]),
        "b": Scripted([opinion("vague", "present", "the trend", turn=0), opinion("vanity", "absent")]),
        "c": Scripted([opinion("vague", "absent"), opinion("vanity", "absent")]),
    }
    evaluation = evaluate(make_transcript(), make_rubric(), Committee(members))
    verdicts = {finding.criterion: finding.verdict for finding in evaluation.findings}
    assert (verdicts["vanity"], verdicts["vague"]) == ("absent", "absent")
    assert [(veto.id, veto.criteria) for veto in evaluation.scorecard.vetoes] == [("rigour", ("vanity", "vague"))]


def test_one_members_flags_fire_no_veto() -> None:
    """One member alone vetoes nothing, however much is flagged."""
    both = [opinion("vanity", "present", "track clicks", turn=0), opinion("vague", "present", "the trend", turn=0)]
    neither = [opinion("vanity", "absent"), opinion("vague", "absent")]
    committee = Committee({"a": Scripted(both), "b": Scripted(neither), "c": Scripted(neither)})
    assert evaluate(make_transcript(), make_rubric(), committee).scorecard.vetoes == ()


def test_info_tells_every_member() -> None:
    """Another model, prompt or seat makes another judge; the same ones make the same."""
    rubric = make_rubric()

    def info(*models: str, prompt: str = "p") -> str:
        members = {f"m{n}": Scripted((), model=model, prompt=prompt) for n, model in enumerate(models)}
        return Committee(members).info(rubric).model_dump_json()

    different = {info("x", "y"), info("y", "x"), info("x", "z"), info("x", "y", prompt="q")}
    assert len(different) == 4
    assert info("x", "y") == info("x", "y")


def test_members_with_several_prompts_share_one_hash() -> None:
    """Where members read different prompts, a change of any changes the committee's hash."""
    rubric = make_rubric()
    one = Committee({"a": Scripted((), prompt="p"), "b": Scripted((), prompt="q")}).info(rubric)
    other = Committee({"a": Scripted((), prompt="p"), "b": Scripted((), prompt="r")}).info(rubric)
    alike = Committee({"a": Scripted((), prompt="p"), "b": Scripted((), prompt=None)}).info(rubric)
    assert one.prompt_sha256 != other.prompt_sha256
    assert alike.prompt_sha256 == "p"


def test_languages_are_those_of_all() -> None:
    """A committee reads what each member reads."""
    everything, english = Scripted(()), Scripted((), languages=frozenset({"en"}))
    assert Committee({"a": everything, "b": everything}).languages is None
    assert Committee({"a": everything, "b": english}).languages == frozenset({"en"})


def test_size_is_limited() -> None:
    """One is no committee, ten are refused."""
    for size in (0, 1, 10):
        with pytest.raises(OptionError, match="2 to 9 members"):
            Committee({str(n): Scripted(()) for n in range(size)})


async def test_misuse_of_all_is_raised() -> None:
    """If nobody can answer, the first error is raised with its remedy."""
    misuse = JudgeMisuse("no key was given", remedy="set KEY")
    with pytest.raises(JudgeMisuse, match="set KEY"):
        await Committee({"a": Scripted(misuse), "b": Scripted(_LATE)}).judge(make_case("vanity"))


async def test_cost_is_known_only_if_all_prices_are() -> None:
    """Costs add up, and one unknown price makes the sum a lower bound."""
    priced = Judgement(_PRESENT, usage=Usage(requests=1, cost_usd=0.5))
    unpriced = Judgement(_PRESENT, usage=Usage(requests=1, priced=False))
    usage = (await Committee({"a": Scripted(priced), "b": Scripted(unpriced)}).judge(make_case("vanity"))).usage
    assert (usage.cost_usd, usage.priced) == (0.5, False)
