"""Tests of the chat judge: how often it asks, what for, in which words, and what it makes of what comes back."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evaluator.backends.chat_judge import ChatJudge
from evaluator.backends.chat_model import ChatReply, ChatRequest
from evaluator.errors import JudgeUnavailable
from evaluator.judging import Case, Judgement, Quote
from evaluator.prompt import load_prompts
from evaluator.quotes import find_quote, judged_view
from evaluator.rubric import Rubric, load_rubric
from evaluator.values.transcript import Transcript
from evaluator.values.usage import Usage
from tests.backends.scripted import (
    ONE_CALL,
    ScriptedModel,
    asked_ids,
    cut,
    nonce_of,
    reply_text,
    shown_case,
    verdict,
)
from tests.fakes import make_rubric, make_transcript

_SAID: Final = "The goal is that members stay. I would track clicks every day, and cancellations must not rise."
_IDS: Final = ("vanity", "no_goal", "no_guardrail", "vague")
_GOOD: Final = (
    verdict("vanity", "present", "track clicks every day"),
    verdict("no_goal", "absent", "The goal is that members stay"),
    verdict("no_guardrail", "absent", "cancellations must not rise"),
    verdict("vague", "cannot_tell", confidence=0.4),
)
_WORDS: Final = (
    *("so", "members", "stay", "because", "we", "watch", "the", "weekly", "share", "of", "people", "who", "finish"),
    *("and", "then", "cancel", "less", "in", "four", "weeks", "I'd", "ship", "if", "it", "moves", "by", "one"),
)


def _case(rubric: Rubric | None = None, transcript: Transcript | None = None, ids: Sequence[str] = _IDS) -> Case:
    rubric = rubric or make_rubric()
    criteria = tuple(rubric.criterion(key) for key in ids)
    return Case(transcript or make_transcript(("interviewer", "How?"), _SAID), rubric, "design", criteria)


async def _judged(model: ScriptedModel, case: Case | None = None, split: int | None = None) -> Judgement:
    return await ChatJudge(model, load_prompts(), split=split).judge(case or _case())


def _by_id(judgement: Judgement) -> dict[str, str]:
    assert len({opinion.criterion for opinion in judgement.opinions}) == len(judgement.opinions)
    return {opinion.criterion: opinion.verdict for opinion in judgement.opinions}


def _but(criterion: str, *instead: dict[str, object]) -> str:
    return reply_text(*(item for item in _GOOD if item["criterion"] != criterion), *instead)


async def test_one_call_grades_everything() -> None:
    """A good reply needs no second call; all criteria are asked for at once."""
    model = ScriptedModel([reply_text(*_GOOD)])
    judgement = await _judged(model)
    assert len(model.requests) == 1
    assert sorted(asked_ids(model.requests[0], _IDS)) == sorted(_IDS)
    assert _by_id(judgement) == {
        "vanity": "present",
        "no_goal": "absent",
        "no_guardrail": "absent",
        "vague": "unscored",
    }
    assert judgement.repaired == frozenset()
    assert judgement.usage == ONE_CALL


async def test_what_the_model_writes_comes_along() -> None:
    """Summary, better answer and questions are the reply's; confidence and reason are each verdict's own."""
    judgement = await _judged(ScriptedModel([reply_text(*_GOOD)]))
    assert judgement.summary == "It was decided by the metric."
    assert judgement.better_answer == "Members stay. Cancellations. The log."
    assert judgement.follow_ups == ("Why that one?", "What could get worse?")
    assert {(opinion.confidence, opinion.reason) for opinion in judgement.opinions} == {
        (0.9, "By hand."),
        (0.4, "By hand."),
    }


@pytest.mark.parametrize("split", [1, 2, 3, 4, 9])
async def test_groups_are_asked_apart_and_put_together(split: int) -> None:
    """``split`` asks for at most so many at once, for each once, and sums what it cost."""

    def answer(request: ChatRequest) -> str:
        return reply_text(*(item for item in _GOOD if item["criterion"] in asked_ids(request, _IDS)))

    model = ScriptedModel([answer])
    judgement = await _judged(model, split=split)
    asked = [asked_ids(request, _IDS) for request in model.requests]
    assert len(asked) == math.ceil(len(_IDS) / split)
    assert sorted(key for group in asked for key in group) == sorted(_IDS)
    assert all(len(group) <= split for group in asked)
    assert len(_by_id(judgement)) == len(_IDS)
    assert judgement.usage.requests == len(asked)
    assert judgement.usage.cost_usd == pytest.approx(0.01 * len(asked))


_WHOLE_REPLY: Final = {
    "prose": ("I would say it is fine.", "not valid JSON"),
    "two objects": (reply_text(*_GOOD) * 2, "more than one JSON value"),
    "a score": (reply_text(*_GOOD, score=100), "breaks the schema"),
    "empty": ("", "the reply is empty"),
    "truncated": (cut("truncated", reply_text(*_GOOD)), "cut off at its token limit"),
    "refused": (cut("refused"), "refused to answer"),
    "filtered": (cut("filtered"), "filter withheld the reply"),
}


@pytest.mark.parametrize(("reply", "told"), [pytest.param(*value, id=key) for key, value in _WHOLE_REPLY.items()])
async def test_a_reply_that_is_unusable_as_a_whole_is_asked_for_again(reply: str | ChatReply, told: str) -> None:
    """Every criterion is asked for again, with what was wrong, even where a cut or withheld text looks whole."""
    model = ScriptedModel([reply, reply_text(*_GOOD)])
    judgement = await _judged(model)
    assert len(model.requests) == 2
    assert sorted(asked_ids(model.requests[1], _IDS)) == sorted(_IDS)
    assert model.requests[1].messages[0].count(told) == len(_IDS)
    assert judgement.repaired == set(_IDS)
    assert _by_id(judgement)["vanity"] == "present"


@pytest.mark.parametrize(("reply", "told"), [pytest.param(*value, id=key) for key, value in _WHOLE_REPLY.items()])
async def test_what_stays_unusable_is_unscored(reply: str | ChatReply, told: str) -> None:
    """After one re-ask nothing is asked again, no verdict is a default, and the reason is named."""
    model = ScriptedModel([reply])
    judgement = await _judged(model)
    assert len(model.requests) == 2
    assert set(_by_id(judgement).values()) == {"unscored"}
    assert all(told in opinion.reason and opinion.confidence is None for opinion in judgement.opinions)
    assert judgement.summary is None
    assert judgement.usage.requests == 2


_ONE_VERDICT: Final = {
    "missing": (_but("no_goal"), "no verdict was given"),
    "twice": (_but("no_goal", *[verdict("no_goal", "absent", "members stay")] * 2), "given more than once"),
    "both ways": (
        _but("no_goal", verdict("no_goal", "absent", "members stay"), verdict("no_goal", "present")),
        "given more than once",
    ),
    "no quote": (_but("no_goal", verdict("no_goal", "absent")), "`absent` needs a quote"),
    "invented": (_but("no_goal", verdict("no_goal", "absent", "our goal is retention")), "stand in no candidate turn"),
    "the interviewer's": (_but("no_goal", verdict("no_goal", "absent", "How?")), "stand in no candidate turn"),
    "under a name of its own": (_but("no_goal", verdict("NO_GOAL", "absent", "members stay")), "no verdict was given"),
}


@pytest.mark.parametrize(("reply", "told"), [pytest.param(*value, id=key) for key, value in _ONE_VERDICT.items()])
async def test_only_what_was_wrong_is_asked_for_again(reply: str, told: str) -> None:
    """The re-ask names one criterion and its problem; what it says of the others is not heard."""
    again = reply_text(
        verdict("no_goal", "absent", "members stay"), *(verdict(key, "absent", "members stay") for key in _IDS[:1])
    )
    model = ScriptedModel([reply, again])
    judgement = await _judged(model)
    assert [asked_ids(request, _IDS) for request in model.requests][1:] == [["no_goal"]]
    assert told in model.requests[1].messages[0]
    assert judgement.repaired == {"no_goal"}
    assert _by_id(judgement) == {
        "vanity": "present",
        "no_goal": "absent",
        "no_guardrail": "absent",
        "vague": "unscored",
    }
    assert judgement.usage == ONE_CALL + ONE_CALL


@pytest.mark.parametrize(("reply", "told"), [pytest.param(*value, id=key) for key, value in _ONE_VERDICT.items()])
async def test_what_was_wrong_twice_is_unscored_alone(reply: str, told: str) -> None:
    """The same fault again costs that criterion its verdict and no other."""
    judgement = await _judged(ScriptedModel([reply]))
    verdicts = _by_id(judgement)
    assert verdicts == {"vanity": "present", "no_goal": "unscored", "no_guardrail": "absent", "vague": "unscored"}
    assert told in next(opinion.reason for opinion in judgement.opinions if opinion.criterion == "no_goal")


async def test_invented_quotes_go_back_beside_the_transcript() -> None:
    """Quotes that nobody said are shown again, cut short, as data; the task message holds none of their words."""
    invented = "our goal is retention " * 40
    model = ScriptedModel([_but("no_goal", verdict("no_goal", "absent", *[invented] * 5))])
    await _judged(model)
    again = model.requests[1]
    shown = shown_case(again)["rejected_quotes"]
    assert list(shown) == ["no_goal"]
    assert [len(quote) for quote in shown["no_goal"]] == [160] * 3
    assert "retention" not in again.messages[0]
    assert "retention" not in again.system


async def test_a_model_that_cannot_be_asked_is_an_error() -> None:
    """Without any answer there is no judgement."""

    def fail(request: ChatRequest) -> str:
        raise JudgeUnavailable(f"busy with {len(request.messages)} messages")

    with pytest.raises(JudgeUnavailable, match="busy"):
        await _judged(ScriptedModel([fail]))


async def test_quotes_that_nobody_said_are_left_out() -> None:
    """Of several quotes the true ones stay; a verdict that needs none may come without."""
    mixed = _but("no_goal", verdict("no_goal", "absent", "members will love it", "members stay"))
    judgement = await _judged(ScriptedModel([mixed]))
    found = next(opinion for opinion in judgement.opinions if opinion.criterion == "no_goal")
    assert [quote.text for quote in found.quotes] == ["members stay"]
    assert judgement.repaired == frozenset()


def _request(rubric: Rubric, transcript: Transcript) -> ChatRequest:
    case = Case(transcript, rubric, rubric.question_types[0].id, rubric.criteria)
    return ChatJudge(ScriptedModel([]), load_prompts()).request(case, rubric.criteria, {})


def _static(request: ChatRequest) -> str:
    return request.system + json.dumps(request.schema)


def test_most_of_a_request_is_the_same_for_every_transcript() -> None:
    """For an answer of 300 words at least 80 % of the input stands before what differs, byte by byte the same."""
    rubric = load_rubric()
    first, second = (
        _request(rubric, make_transcript(("interviewer", "How would you measure it?"), " ".join(words)))
        for words in ([*_WORDS * 12][:300], [*reversed(_WORDS * 12)][:300])
    )
    assert _static(first) == _static(second)
    same = len(_static(first)) / 4
    apart = sum(len(message) for message in first.messages) / 4
    assert same / (same + apart) >= 0.8
    assert len(first.system) / 4 / (len(first.system) / 4 + apart) >= 0.8, "where a provider doesn't cache the schema"


async def test_a_second_request_starts_like_the_first() -> None:
    """The re-ask and every group of a split share the static part and the schema: all are read from the cache."""
    model = ScriptedModel(["", reply_text(*_GOOD)])
    await _judged(model)
    await _judged(model, _case(ids=_IDS[:2]))
    await _judged(model, split=1)
    assert len({_static(request) for request in model.requests}) == 1
    assert len(model.requests) > 5


async def test_the_order_of_criteria_follows_from_the_transcript() -> None:
    """The same case asks in the same order; over many transcripts no criterion has a place of its own."""
    orders: list[tuple[str, ...]] = []
    for number in range(60):
        model = ScriptedModel([reply_text(*_GOOD)])
        case = _case(transcript=make_transcript(f"{_SAID} {number}"))
        await _judged(model, case)
        await _judged(model, case)
        one, two = (tuple(asked_ids(request, _IDS)) for request in model.requests[:1] + model.requests[-1:])
        assert one == two
        orders.append(one)
    assert {order[-1] for order in orders} == set(_IDS)
    assert len(set(orders)) > 12


async def test_room_for_the_reply_grows_with_what_is_asked() -> None:
    """More criteria may be answered with more tokens; every request has a limit."""
    few, many = (
        ChatJudge(ScriptedModel([]), load_prompts()).request(_case(), _case().criteria[:count], {}) for count in (1, 4)
    )
    assert 0 < few.max_output_tokens < many.max_output_tokens


def test_the_judge_names_model_and_prompt() -> None:
    """Who judged is told exactly: backend, model, split, and the hash of the prompts."""
    info = ChatJudge(ScriptedModel([]), load_prompts(), split=3).info(make_rubric())
    assert (info.backend, info.method, info.model) == ("scripted", "chat", "by-hand split=3")
    assert info.prompt_sha256 == load_prompts().sha256


_ODD: Final = "ﬁ´½²ﾊﾝＡa\u0301\u200b\u200d\u202e\ue000\u0378éß’“”…—\u00adİıſK Åx1.,-'\U000e0041留存가"  # noqa: RUF001 - odd on purpose


@given(
    words=st.lists(
        st.text(st.sampled_from(_ODD) | st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=9),
        min_size=1,
        max_size=8,
    ),
    data=st.data(),
)
def test_words_copied_from_the_judges_view_are_found_in_the_original(words: list[str], data: st.DataObject) -> None:
    """A judge sees composed text without hidden characters; what it copies leads back to what was said."""
    text = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    copy = judged_view(" ".join(words[first : last + 1]))
    assume(sum(map(str.isalnum, copy)) >= 4)
    assume(copy in judged_view(text))
    assume(not any(unicodedata.normalize("NFKC", char).startswith(" ") for word in words for char in word))
    assume(not set("[]［］【】〔〕") & set(copy))  # noqa: RUF001 - what stands in brackets is no evidence
    transcript = make_transcript(text)
    evidence = find_quote(Quote(0, copy), transcript)
    assert evidence is not None
    assert transcript.turns[0].text[evidence.start : evidence.end] == evidence.quote


@given(text=st.text(max_size=60))
def test_the_judges_view_is_stable(text: str) -> None:
    """Looking twice shows the same; no hidden character is left."""
    once = judged_view(text)
    assert judged_view(once) == once
    assert "\u200b" not in once


async def test_usage_of_all_calls_is_summed() -> None:
    """First calls, re-asks and groups are all counted, cached tokens too."""
    model = ScriptedModel([cut("truncated")])
    judgement = await _judged(model, split=2)
    assert len(model.requests) == 4
    assert judgement.usage == sum([ONE_CALL] * 4, Usage())
    assert judgement.usage.cached_tokens == 3200


async def test_every_request_has_an_identifier_of_its_own() -> None:
    """Groups and re-asks never share one."""
    model = ScriptedModel([""])
    await _judged(model, split=1)
    assert len({nonce_of(request) for request in model.requests}) == len(model.requests) == 8
