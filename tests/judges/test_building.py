"""Tests of plans: which judges come of which names and options, and what they share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from evaluator.backends import BACKENDS, Backend, JudgeOptions
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.recording import RecordingOptions
from evaluator.errors import JudgeMisuse, OptionError
from evaluator.judges.building import JudgePlan, build_estimate, build_judge
from evaluator.judges.cached import Cached
from evaluator.judges.committee import Committee
from evaluator.judges.confirming import Confirming, Sampled
from evaluator.judges.fallback import Fallback
from tests.judges import hosted_backend
from tests.judges.judges import Scripted, make_case

_KEYS: Final = {name: SecretStr(f"sk-{name}-0123456789") for name in ("openai", "anthropic", "openai-decisions")}
_OPTIONS: Final = JudgeOptions(api_keys=_KEYS)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[JudgeOptions]:
    """Put two hosted backends and a free one in the table; return the options that they are built with."""
    for name, hosted in (("one", True), ("two", True), ("free", False)):
        row = Backend(title=name, module="tests.judges.hosted_backend", needs="nothing", hosted=hosted)
        monkeypatch.setitem(BACKENDS, name, row)
    monkeypatch.setattr(hosted_backend, "BUILT", [])
    return hosted_backend.BUILT


def test_what_stands_where(built: list[JudgeOptions], tmp_path: Path) -> None:
    """The cache stands before confirmation and samples; the committee seats cached judges; the fallback is last."""
    cache = tmp_path / "o.sqlite"
    assert isinstance(build_judge(JudgePlan(backend="one")), Scripted)
    confirmed = build_judge(JudgePlan(backend="one", confirm=True, cache=cache))
    assert isinstance(confirmed, Cached)
    assert isinstance(vars(confirmed)["_judge"], Confirming)
    assert isinstance(vars(build_judge(JudgePlan(backend="one", samples=3, cache=cache)))["_judge"], Sampled)
    whole = build_judge(JudgePlan(committee=("one", "free"), fallback="two", cache=cache))
    assert isinstance(whole, Fallback)
    seated = vars(whole)["_first"]
    assert isinstance(seated, Committee)
    assert {name: type(judge) for name, judge in vars(seated)["_members"].items()} == {"one": Cached, "free": Scripted}
    assert isinstance(vars(whole)["_second"], Cached)
    assert len(built) == 6


async def test_a_replayed_result_says_so(built: list[JudgeOptions], tmp_path: Path) -> None:
    """What recordings answered is flagged, and nothing else about it differs; a free judge replays nothing."""
    replay = replace(_OPTIONS, recording=RecordingOptions(mode="replay", folder=tmp_path))
    plain = await build_judge(JudgePlan(backend="one")).judge(make_case())
    replayed = await build_judge(JudgePlan(backend="one", options=replay)).judge(make_case())
    assert [flag.code for flag in replayed.flags] == ["replayed"]
    assert replace(replayed, flags=()) == replace(plain, flags=())
    assert isinstance(build_judge(JudgePlan(backend="free", options=replay)), Scripted)
    assert len(built) == 3


def test_a_free_judge_is_never_cached_or_asked_again(built: list[JudgeOptions], tmp_path: Path) -> None:
    """What costs nothing makes no file, and asking it again is refused rather than ignored."""
    del built
    cache = tmp_path / "o.sqlite"
    assert isinstance(build_judge(JudgePlan(backend="free", cache=cache)), Scripted)
    assert not cache.exists()
    for plan in (JudgePlan(backend="free", confirm=True), JudgePlan(backend="free", samples=3)):
        with pytest.raises(OptionError, match="no judge here answers differently"):
            build_judge(plan)


def test_one_model_for_one_backend(built: list[JudgeOptions]) -> None:
    """A model in a name goes first; a fallback has the model of its own name or its default; colons may follow."""
    options = JudgeOptions(model="big")
    build_judge(JudgePlan(backend="one", fallback="two", options=options))
    build_judge(JudgePlan(backend="one:qwen3:8b", fallback="two:small", options=options))
    assert [one.model for one in built] == ["big", None, "qwen3:8b", "small"]


def test_what_belongs_to_one_reaches_no_other(built: list[JudgeOptions]) -> None:
    """The address and the key of the chosen backend are never sent to, or used for, the one behind it."""
    chat = ChatOptions(base_url="https://gateway.example/v1", api_key=SecretStr("sk-of-the-first"), effort="low")
    build_judge(JudgePlan(backend="one", fallback="two", options=JudgeOptions(chat=chat, calibration=Path("c.json"))))
    first, second = built
    assert (first.chat.base_url, first.calibration) == ("https://gateway.example/v1", Path("c.json"))
    assert (second.chat.base_url, second.chat.api_key, second.calibration) == (None, None, None)
    assert second.chat.effort == "low"


def test_all_judges_of_a_plan_share(built: list[JudgeOptions]) -> None:
    """One plan has one set of gates and one budget; another plan has its own."""
    build_judge(JudgePlan(committee=("one", "two"), fallback="one:other"))
    build_judge(JudgePlan(backend="one"))
    sharing = [options.sharing for options in built]
    assert sharing[0] is sharing[1] is sharing[2] is not None
    assert sharing[3] is not sharing[0]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (JudgePlan(backend="three"), "no backend is called 'three'"),
        (JudgePlan(backend="one", fallback="three"), "no backend is called 'three'"),
        (JudgePlan(committee=("one",)), "2 to 9 members"),
        (JudgePlan(committee=("one", "one")), "sits twice"),
        (JudgePlan(committee=("one", "two"), options=JudgeOptions(model="m")), "name the members NAME:MODEL"),
        (
            JudgePlan(committee=("one", "two"), options=JudgeOptions(chat=ChatOptions(base_url="http://h/v1"))),
            "no member is asked by address",
        ),
        (JudgePlan(backend="one", fallback="one"), "the judge that it stands in for"),
        (JudgePlan(backend="one", confirm=True, samples=3), "can't be combined"),
        (JudgePlan(backend="one", samples=2), "odd number"),
    ],
)
def test_plans_without_a_meaning_are_refused(built: list[JudgeOptions], plan: JudgePlan, told: str) -> None:
    """What doesn't exist or can't be combined is named with its remedy."""
    del built
    with pytest.raises(OptionError, match=told):
        build_judge(plan)


@pytest.mark.parametrize("name", ["openai", "anthropic", "openai-decisions"])
def test_hosted_backends_need_their_key(name: str, tmp_path: Path) -> None:
    """Without a key the variable is named; with one a judge is built; a replay needs none, a recording does."""
    with pytest.raises(JudgeMisuse, match="_API_KEY"):
        build_judge(JudgePlan(backend=name))
    recording = RecordingOptions(mode="record", folder=tmp_path)
    with pytest.raises(JudgeMisuse, match="_API_KEY"):
        build_judge(JudgePlan(backend=name, options=JudgeOptions(recording=recording)))
    build_judge(JudgePlan(backend=name, options=_OPTIONS))
    replay = RecordingOptions(mode="replay", folder=tmp_path)
    build_judge(JudgePlan(backend=name, options=JudgeOptions(recording=replay)))


def test_a_key_reaches_its_own_provider_alone() -> None:
    """A key for one provider is no key for another."""
    keys = {"anthropic": SecretStr("sk-ant-0123456789")}
    with pytest.raises(JudgeMisuse, match="OPENAI_API_KEY"):
        build_judge(JudgePlan(committee=("anthropic", "openai"), options=JudgeOptions(api_keys=keys)))


def test_a_hosted_model_has_no_calibration() -> None:
    """Trained heads belong to the local judge; a hosted one refuses them."""
    options = replace(_OPTIONS, calibration=Path("heads.json"))
    for name in ("openai", "anthropic", "openai-decisions"):
        with pytest.raises(OptionError, match="calibration"):
            build_judge(JudgePlan(backend=name, options=options))


def test_a_budget_needs_a_price() -> None:
    """A sum can't be kept for a model whose price nobody told."""
    chat = ChatOptions(base_url="http://127.0.0.1:9/v1", max_cost_usd=1)
    with pytest.raises(JudgeMisuse, match="the price of 'qwen3' isn't known"):
        build_judge(JudgePlan(backend="openai-compatible:qwen3", options=JudgeOptions(chat=chat)))


def test_estimates_add_up(built: list[JudgeOptions]) -> None:
    """A committee costs the sum of its members, samples so often as much, and a free judge nothing."""
    del built
    case = make_case()
    single = build_estimate(JudgePlan(backend="one"))(case)
    assert (single.requests, single.cost_usd) == (1, 0.01)
    assert build_estimate(JudgePlan(committee=("one", "two", "free")))(case).cost_usd == pytest.approx(0.02)
    assert build_estimate(JudgePlan(backend="one", samples=5))(case).requests == 5
    assert build_estimate(JudgePlan(backend="free"))(case).requests == 0


def test_one_unknown_price_makes_the_sum_unknown(built: list[JudgeOptions]) -> None:
    """A price is never made up from the part that is known."""
    del built
    told = build_estimate(JudgePlan(committee=("one", "two:unpriced")))(make_case())
    assert (told.requests, told.cost_usd, told.most_usd) == (2, None, None)


@pytest.mark.parametrize("name", ["openai", "anthropic", "openai-decisions"])
def test_estimates_of_providers_need_no_key(name: str) -> None:
    """Tokens and prices are told from the request as it would be sent: the static part cheaper once it is cached."""
    told = build_estimate(JudgePlan(backend=name))(make_case())
    assert told.requests == 1
    assert told.static_tokens > told.transcript_tokens > 0
    assert told.cost_usd is not None
    assert told.cached_cost_usd is not None
    assert told.most_usd is not None
    assert 0 < told.cached_cost_usd <= told.cost_usd <= told.most_usd
    assert (told.reply_tokens == 0) == (name == "openai-decisions")


def test_split_estimates_count_every_call() -> None:
    """Criteria asked in groups pay for the static part in each."""
    whole = build_estimate(JudgePlan(backend="openai"))(make_case())
    split = build_estimate(JudgePlan(backend="openai", options=JudgeOptions(split=2)))(make_case())
    assert (whole.requests, split.requests) == (1, 2)
    assert split.static_tokens == 2 * whole.static_tokens


def test_split_must_be_above_zero() -> None:
    """No criterion in a call is no call."""
    with pytest.raises(OptionError, match="split"):
        JudgeOptions(split=0)
