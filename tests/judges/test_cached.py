"""Tests of the result cache: what is asked again, what never is, and what a broken store costs."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from evaluator.errors import JudgeUnavailable
from evaluator.judges.cached import Cached
from evaluator.judges.committee import Committee
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judges.fallback import Fallback
from evaluator.judging import Case, Judgement, Opinion
from evaluator.store.answers import AnswerFile, Answers
from evaluator.values.transcript import Turn
from evaluator.values.usage import Usage
from tests.fakes import make_transcript, opinion
from tests.judges.judges import CRITERIA, Scripted, make_case

_SAID = tuple(opinion(key, "absent", confidence=0.9) for key in CRITERIA)
_WRITTEN = Judgement(
    _SAID,
    usage=Usage(requests=1, input_tokens=10, cost_usd=0.01),
    summary="All is well.",
    better_answer="Say more.",
    follow_ups=("Why?",),
)


@pytest.fixture
def store(tmp_path: Path) -> AnswerFile:
    """Return an empty store."""
    return AnswerFile(tmp_path / "answers.sqlite")


async def _ask(store: AnswerFile, case: Case, judge: Scripted) -> list[tuple[str, ...]]:
    """Ask through the store and return what was asked of the judge this time."""
    before = len(judge.asked)
    await Cached(judge, store).judge(case)
    return judge.asked[before:]


async def test_nothing_is_asked_twice(store: AnswerFile) -> None:
    """The second time all comes from the store, texts included, costs nothing, and is said to."""
    judge, case = Scripted(_WRITTEN), make_case()
    first = await Cached(judge, store).judge(case)
    second = await Cached(judge, store).judge(case)
    assert judge.asked == [CRITERIA]
    assert set(second.opinions) == set(first.opinions)
    assert (second.summary, second.better_answer, second.follow_ups) == ("All is well.", "Say more.", ("Why?",))
    assert second.usage == Usage()
    assert [flag.code for flag in second.flags] == ["from_cache"]
    assert first.flags == ()


async def test_an_edited_definition_asks_for_that_criterion_alone(store: AnswerFile) -> None:
    """One criterion's meaning changed: it is asked about, the others come from the store."""
    judge = Scripted(_WRITTEN)
    await _ask(store, make_case(), judge)
    edited = make_case(edit=("No goal of the business is named.", "No goal at all is named."))
    assert await _ask(store, edited, judge) == [("no_goal",)]
    assert await _ask(store, edited, judge) == []


async def test_a_summary_of_a_part_is_left_out(store: AnswerFile) -> None:
    """A summary written about one criterion doesn't stand for all; the same texts come the next time."""
    judge, edit = Scripted(_WRITTEN), ("No goal of the business is named.", "No goal at all is named.")
    await _ask(store, make_case(), judge)
    partly = await Cached(judge, store).judge(make_case(edit=edit))
    again = await Cached(judge, store).judge(make_case(edit=edit))
    assert (partly.summary, partly.better_answer) == (None, "Say more.")
    assert (again.summary, again.better_answer, again.follow_ups) == (None, "Say more.", ("Why?",))


@pytest.mark.parametrize(
    "edit",
    [
        ("fix: Open with the goal.", "fix: Begin with the goal."),
        ("drill: Say the goal in one sentence, ten times.", "drill: Say it."),
        ("why_it_matters: A metric without a goal decides nothing.", "why_it_matters: It does."),
        ("probes: [Why does the business care?, What is it worth?]", "probes: [Why?, How much?]"),
        ("severity: major", "severity: minor"),
        ("weights: {critical: 5", "weights: {critical: 8"),
    ],
)
async def test_an_edit_of_advice_or_weights_asks_nothing(store: AnswerFile, edit: tuple[str, str]) -> None:
    """What no judge reads changes no opinion."""
    judge = Scripted(_WRITTEN)
    await _ask(store, make_case(), judge)
    assert await _ask(store, make_case(edit=edit), judge) == []


async def test_whatever_an_opinion_depends_on_makes_a_new_key(store: AnswerFile) -> None:
    """Other words, question, type, model, prompt or reading rules: everything is asked anew."""
    judge = Scripted(_WRITTEN)
    case = make_case()
    await _ask(store, case, judge)
    said = case.transcript
    others = [
        replace(case, transcript=make_transcript("I would track minutes watched.")),
        replace(case, transcript=said.model_copy(update={"question": "Why?"})),
        replace(case, transcript=said.model_copy(update={"turns": (*said.turns, Turn(role="other", text="Hm."))})),
        replace(case, question_type="reading"),
        make_case(edit=("title: Small metrics rubric", "title: Another rubric")),
        make_case(edit=("source: Written for the tests.", "source: Tests.\nreading_rules: [Read all.]")),
    ]
    for other in others:
        assert await _ask(store, other, judge) == [CRITERIA]
    for changed in (Scripted(_WRITTEN, model="m effort=low"), Scripted(_WRITTEN, prompt="q")):
        assert await _ask(store, case, changed) == [CRITERIA]
    assert await _ask(store, case, judge) == []


async def test_how_often_was_asked_is_part_of_the_key(store: AnswerFile) -> None:
    """A single answer doesn't pass for a confirmed one, nor a confirmed one for a majority."""
    judge, case = Scripted(_WRITTEN), make_case()
    await Cached(judge, store).judge(case)
    await Cached(Confirming(judge), store).judge(case)
    await Cached(Sampled(judge, 3), store).judge(case)
    assert len(judge.asked) == 1 + 1 + 3


async def test_names_and_times_of_turns_are_no_new_words(store: AnswerFile) -> None:
    """No judge reads who is called what, or when it was said."""
    judge, case = Scripted(_WRITTEN), make_case()
    await _ask(store, case, judge)
    turns = tuple(turn.model_copy(update={"name": "Anna", "start_s": 3.0}) for turn in case.transcript.turns)
    assert await _ask(store, replace(case, transcript=case.transcript.model_copy(update={"turns": turns})), judge) == []


async def test_failures_are_never_kept(store: AnswerFile) -> None:
    """What could not be used is asked for again; "can't tell" is an answer and is not."""
    said = (opinion("vanity", "unscored", confidence=None), opinion("vague", "unscored", confidence=0.4))
    judge, case = Scripted(said), make_case("vanity", "vague")
    assert await _ask(store, case, judge) == [("vanity", "vague")]
    assert await _ask(store, case, judge) == [("vanity",)]


async def test_a_missing_opinion_is_asked_for_again(store: AnswerFile) -> None:
    """What was asked and not answered, or answered twice, isn't kept."""
    twice = (opinion("vanity", "present"), opinion("vanity", "absent"), opinion("no_goal", "absent"))
    judge, case = Scripted(twice), make_case("vanity", "no_goal", "vague")
    await _ask(store, case, judge)
    assert await _ask(store, case, judge) == [("vanity", "vague")]


async def test_an_error_is_never_kept(store: AnswerFile) -> None:
    """A judge that gave no answer is asked again."""
    judge, case = Scripted(JudgeUnavailable("down"), _WRITTEN), make_case()
    with pytest.raises(JudgeUnavailable):
        await Cached(judge, store).judge(case)
    assert await _ask(store, case, judge) == [CRITERIA]


async def test_a_stand_ins_opinions_are_not_kept_as_the_judges(store: AnswerFile) -> None:
    """What another judge said doesn't lie under the key of the one that was asked."""
    judge = Scripted(JudgeUnavailable("down"), JudgeUnavailable("down"), _WRITTEN, model="big")
    both, case = Fallback(judge, Scripted(_WRITTEN, model="small")), make_case()
    for _ in range(2):
        assert (await Cached(both, store).judge(case)).answered_by is not None
    assert len(judge.asked) == 2
    assert (await Cached(both, store).judge(case)).answered_by is None


async def test_votes_and_flip_rate_are_kept(store: AnswerFile) -> None:
    """A verdict from the store shows who said what, and how stable it was, as when it was new."""
    unsure = [opinion("vanity", "present", confidence=0.5), opinion("vague", "absent", confidence=0.9)]
    again = [opinion("vanity", "absent", confidence=0.5)]
    judge = Confirming(Scripted(unsure, again, again))
    case = make_case("vanity", "vague")
    first = await Cached(judge, store).judge(case)
    second = await Cached(judge, store).judge(case)
    assert dict(second.votes) == dict(first.votes)
    assert second.confirmation == first.confirmation
    assert first.confirmation is not None
    assert (first.confirmation.asked, first.confirmation.flipped) == (1, 1)


async def test_the_same_case_at_the_same_time_is_asked_once(store: AnswerFile) -> None:
    """Ten who ask at once pay once."""
    judge, case = Scripted(_WRITTEN), make_case()
    cached = Cached(judge, store)
    judgements = await asyncio.gather(*(cached.judge(case) for _ in range(10)))
    assert judge.asked == [CRITERIA]
    assert {judgement.summary for judgement in judgements} == {"All is well."}


class _Swapping:
    """A store that hands out the first two opinions under each other's keys."""

    def __init__(self, store: AnswerFile) -> None:
        self._store = store

    async def read(self, head: str) -> Answers:
        known = await self._store.read(head)
        first, second, *_ = [*sorted(known.opinions), "", ""]
        swapped = {first: second, second: first}
        return Answers({swapped.get(key, key): kept for key, kept in known.opinions.items()}, known.texts)

    async def write(self, head: str, answers: Answers) -> None:
        await self._store.write(head, answers)


async def test_damaged_entries_are_asked_for_and_replaced(tmp_path: Path) -> None:
    """An entry that can't be read, or is about something else, is asked for once more and is whole from then on."""
    path = tmp_path / "answers.sqlite"
    store, judge, case = AnswerFile(path), Scripted(_WRITTEN), make_case()
    await _ask(store, case, judge)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE answers SET packed = substr(packed, 1, 40)")
    connection.close()
    assert await _ask(store, case, judge) == [CRITERIA]
    assert await _ask(store, case, judge) == []


async def test_an_opinion_under_anothers_key_counts_as_unknown(store: AnswerFile) -> None:
    """What is about another criterion than its key says is asked for once more."""
    judge, case = Scripted(_WRITTEN), make_case()
    swapping = _Swapping(store)
    await Cached(judge, swapping).judge(case)
    judge.asked.clear()
    await Cached(judge, swapping).judge(case)
    assert [len(asked) for asked in judge.asked] == [2]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (_SAID, True),
        (_SAID[:-1], False),
        ((*_SAID[:-1], opinion(CRITERIA[-1], "unscored", confidence=None)), False),
        ((), False),
    ],
)
async def test_kept_is_what_would_cost_nothing_again(
    store: AnswerFile, said: tuple[Opinion, ...], *, kept: bool
) -> None:
    """A judgement is kept if the same question would ask nothing; part of it in the store is not enough."""
    judge, case = Scripted(said), make_case()
    assert (await Cached(judge, store).judge(case)).kept is kept
    assert (await _ask(store, case, judge) == []) is kept
    assert (await Cached(judge, store).judge(case)).kept is kept


async def test_what_a_stand_in_said_is_not_kept(store: AnswerFile) -> None:
    """The judge that was asked first would be asked again."""
    failing = Cached(Scripted(JudgeUnavailable("down"), model="big"), store)
    standing_in = Cached(Scripted(_WRITTEN, model="small"), store)
    for _ in range(2):
        assert not (await Fallback(failing, standing_in).judge(make_case())).kept


async def test_a_committee_is_kept_if_every_member_is(store: AnswerFile) -> None:
    """One that has no store, or gave no answer, would be asked again."""
    case = make_case()
    kept = {name: Cached(Scripted(_WRITTEN, model=name), store) for name in ("a", "b")}
    assert (await Committee(kept).judge(case)).kept
    assert not (await Committee({**kept, "c": Scripted(_WRITTEN, model="c")}).judge(case)).kept
    down = Cached(Scripted(JudgeUnavailable("down"), model="c"), store)
    assert not (await Committee({**kept, "c": down}).judge(case)).kept


async def test_a_broken_store_costs_no_answer(tmp_path: Path) -> None:
    """If the file breaks while it is used, the judge is asked, its answer returned, and the failure told."""
    path = tmp_path / "answers.sqlite"
    store, judge, case = AnswerFile(path), Scripted(_WRITTEN), make_case()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE answers")
    connection.close()
    judgement = await Cached(judge, store).judge(case)
    assert len(judgement.opinions) == len(CRITERIA)
    assert [flag.code for flag in judgement.flags] == ["cache_failed"]


async def test_an_answer_that_cannot_be_written_is_returned(tmp_path: Path) -> None:
    """A full disk at the end of a paid call loses the entry and not the answer."""
    path = tmp_path / "answers.sqlite"
    store, judge, case = AnswerFile(path), Scripted(_WRITTEN), make_case()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'full'); END")
    connection.close()
    judgement = await Cached(judge, store).judge(case)
    assert (judgement.summary, judgement.kept) == ("All is well.", False)
    assert [flag.code for flag in judgement.flags] == ["cache_failed"]
