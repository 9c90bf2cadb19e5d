"""Tests of what a caller may choose about batches: who takes them, who refuses them, what they cost beforehand."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from batch_asking import PROVIDERS, Asking, Provider, grade_all, transcripts
from batch_stub import BatchStub
from virtual_time import run_virtual

from evaluator.backends import BACKENDS, JudgeOptions, make_judge
from evaluator.backends.batch_options import BatchOptions
from evaluator.backends.recording import RecordingOptions
from evaluator.errors import OptionError
from evaluator.judges.building import JudgePlan, build_estimate, build_judge
from evaluator.judging import Case
from tests.fakes import make_rubric, make_transcript


@pytest.fixture
def asking(tmp_path: Path) -> Generator[Asking]:
    """Return a provider that is asked."""
    asking = Asking("openai", tmp_path / "batches.sqlite")
    yield asking
    asking.close()


@pytest.mark.parametrize("backend", sorted(set(BACKENDS) - set(PROVIDERS)))
def test_backends_without_a_batch_api_refuse(asking: Asking, backend: str) -> None:
    """Nothing is silently sent at once, at twice the price."""
    chat = replace(asking.chat, model=None, base_url="http://127.0.0.1:1/v1")
    chat = replace(chat, model="m") if backend == "openai-compatible" else replace(chat, base_url=None)
    with pytest.raises(OptionError, match=f"{backend} has no batch API"):
        make_judge(backend, JudgeOptions(chat=chat, batching=asking.options()))


def test_batches_are_not_recorded(asking: Asking, tmp_path: Path) -> None:
    """A recording is of exchanges that answer at once; the two are refused together."""
    options = JudgeOptions(
        chat=asking.chat, batching=asking.options(), recording=RecordingOptions(mode="replay", folder=tmp_path)
    )
    with pytest.raises(OptionError, match="recorded"):
        make_judge("openai", options)


@pytest.mark.parametrize("name", ["quiet_s", "gather_s", "max_requests", "poll_s", "deadline_s", "rounds", "certain_s"])
def test_figures_without_meaning_are_refused(asking: Asking, name: str) -> None:
    """A time or a count that isn't above zero is named."""
    options = asking.options()
    chosen: dict[str, Any] = {name: 0}
    with pytest.raises(OptionError, match=f"batching.{name}"):
        BatchOptions(ledger=options.ledger, **chosen)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_estimate_is_at_batch_price(tmp_path: Path, provider: Provider) -> None:
    """What a batch will cost is half of what it costs at once."""
    asking = Asking(provider, tmp_path / "b.sqlite")
    case = Case(make_transcript(), make_rubric(), "design", make_rubric().criteria)
    plan = JudgePlan(backend=provider, options=JudgeOptions(chat=asking.chat))
    at_once = build_estimate(plan)(case)
    batched = build_estimate(replace(plan, options=replace(plan.options, batching=asking.options())))(case)
    assert at_once.cost_usd is not None
    assert batched.cost_usd == pytest.approx(at_once.cost_usd / 2)
    assert batched.static_tokens == at_once.static_tokens
    asking.close()


def test_a_committee_asks_in_batches_and_its_local_member_at_once(asking: Asking) -> None:
    """Each hosted member has batches of its own in one ledger; what costs nothing needs none."""
    plan = JudgePlan(
        committee=("openai:gpt-6-luna", "openai:gpt-5.4"),
        fallback="local",
        options=JudgeOptions(chat=asking.chat, batching=asking.options()),
    )
    graded = run_virtual(grade_all(build_judge(plan), transcripts(3)))
    assert sorted(len(batch.entries) for batch in asking.stub.batches) == [3, 3]
    assert [evaluation.usage.batched_requests for evaluation in graded] == [2, 2, 2]


def test_samples_and_the_result_cache_work_with_batches(asking: Asking, tmp_path: Path) -> None:
    """Samples go out together after the first one; a second plan with the same cache asks for nothing at all."""
    plan = JudgePlan(
        backend="openai",
        samples=3,
        cache=tmp_path / "cache.sqlite",
        options=JudgeOptions(chat=asking.chat, batching=asking.options()),
    )
    run_virtual(grade_all(build_judge(plan), transcripts(2)))
    assert [len(batch.entries) for batch in asking.stub.batches] == [2, 4]
    other = Asking("openai", tmp_path / "other.sqlite", BatchStub())
    plan = replace(plan, options=JudgeOptions(chat=other.chat, batching=other.options()))
    graded = run_virtual(grade_all(build_judge(plan), transcripts(2)))
    assert other.stub.batches == []
    assert [evaluation.usage.requests for evaluation in graded] == [0, 0]
    other.close()
