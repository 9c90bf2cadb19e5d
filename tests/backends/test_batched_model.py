"""Tests of judging through provider batches: both protocols, in virtual time, against a fake of each."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from batch_asking import PROVIDERS, Asking, ask_all, grade_all, request, transcripts
from batch_stub import BatchStub, Fate, Fault
from hypothesis import given
from hypothesis import strategies as st
from provider_stub import judged_reply
from virtual_time import run_virtual

from evaluator.backends.batched_model import request_key
from evaluator.backends.chat_model import ChatReply
from evaluator.backends.network import lines_of
from evaluator.backends.pricing import Budget, most_usd
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError


@pytest.fixture(params=PROVIDERS)
def asking(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Asking]:
    """Return a provider that is asked; each of the two in turn."""
    asking = Asking(request.param, tmp_path / "batches.sqlite")
    yield asking
    asking.close()


CREATE = {"openai": "POST /v1/batches$", "anthropic": "POST /v1/messages/batches$"}
STATE = {"openai": "GET /v1/batches/", "anthropic": "GET /v1/messages/batches/[^/]+$"}
RESULTS = {"openai": "GET /v1/files/.*/content", "anthropic": "GET /v1/messages/batches/.*/results"}


def test_transcripts_are_graded_in_one_batch_at_half_the_price(asking: Asking) -> None:
    """Forty transcripts go out together, come back in any order, and cost half of what they cost at once."""
    batched = run_virtual(grade_all(asking.judge(), transcripts(40)))
    at_once = run_virtual(grade_all(asking.judge_at_once(), transcripts(40)))
    assert [len(batch.entries) for batch in asking.stub.batches] == [40]
    for one, other in zip(batched, at_once, strict=True):
        assert one.id == other.id
        assert one.transcript == other.transcript
        assert one.findings == other.findings
        assert one.usage.input_tokens == other.usage.input_tokens
        assert one.usage.cost_usd == pytest.approx(other.usage.cost_usd / 2)
        assert one.usage.cost_usd > 0
        assert (one.usage.batched_requests, other.usage.batched_requests) == (1, 0)


def test_what_could_not_be_used_is_asked_again_in_a_second_batch(asking: Asking) -> None:
    """A reply that is no verdict is asked about again by the judge, and the second batch holds that alone."""
    judged = 0

    def sometimes(body: dict[str, Any]) -> str:
        nonlocal judged
        judged += 1
        return "I would rather not." if judged in (2, 5) else judged_reply(body)

    asking.stub.reply = sometimes
    graded = run_virtual(grade_all(asking.judge(), transcripts(6)))
    assert [len(batch.entries) for batch in asking.stub.batches] == [6, 2]
    assert sorted(evaluation.usage.requests for evaluation in graded) == [1, 1, 1, 1, 2, 2]
    assert all(evaluation.scorecard.coverage == 1 for evaluation in graded)


def test_what_expired_goes_into_the_next_batch(asking: Asking) -> None:
    """Of a batch that expired, what was done counts and isn't asked again; the rest is."""
    asking.stub.fate = lambda batch, number: "expired" if batch == 0 and number % 3 == 0 else "done"

    async def work() -> None:
        replies = await ask_all(asking.model(), [f"text {n}" for n in range(9)])
        assert len(replies) == 9

    run_virtual(work())
    assert [len(batch.entries) for batch in asking.stub.batches] == [9, 3]
    assert asking.stub.paid == 9
    assert asking.stub.asked_twice == []


@pytest.mark.parametrize("fate", ["expired", "overloaded", "silent", "unreadable"])
def test_a_request_without_an_answer_is_given_up_after_some_batches(asking: Asking, fate: Fate) -> None:
    """Expired, failed, passed over, or unreadable: three batches are tried, and the error says why."""
    asking.stub.fate = lambda _, number: fate if number == 0 else "done"

    async def work() -> list[Any]:
        return await asyncio.gather(*(asking.model().complete(request(t)) for t in "a"), return_exceptions=True)

    (error,) = run_virtual(work())
    assert isinstance(error, JudgeUnavailable)
    assert "given up after 3 batches" in str(error)
    assert len(asking.stub.batches) == 3


def test_a_refused_request_fails_alone_and_at_once(asking: Asking) -> None:
    """What the provider will always refuse isn't asked again; the others of its batch have their replies."""
    asking.stub.fate = lambda _, number: "refused" if number == 1 else "done"

    async def work() -> list[Any]:
        model = asking.model()
        return await asyncio.gather(*(model.complete(request(t)) for t in "abc"), return_exceptions=True)

    outcomes = run_virtual(work())  # which of them is the batch's second, the threads decide
    assert sum(isinstance(outcome, JudgeMisuse) for outcome in outcomes) == 1
    assert [outcome.stop for outcome in outcomes if isinstance(outcome, ChatReply)] == ["complete"] * 2
    assert len(asking.stub.batches) == 1


def test_a_withheld_answer_is_a_reply(tmp_path: Path) -> None:
    """A provider's filter that withholds an answer is told to the judge as such, and isn't asked again."""
    asking = Asking("openai", tmp_path / "b.sqlite", BatchStub(fate=lambda _batch, _number: "filtered"))

    async def work() -> None:
        (reply,) = await ask_all(asking.model(), ["a"])
        assert reply.stop == "filtered"
        assert reply.usage.batched_requests == 1

    run_virtual(work())
    assert len(asking.stub.batches) == 1
    asking.close()


def test_a_batch_that_is_refused_as_a_whole_ends_all_its_requests(tmp_path: Path) -> None:
    """The provider's code is told, nothing is sent again."""
    asking = Asking("openai", tmp_path / "b.sqlite", BatchStub())
    asking.stub.whole = "model_not_found"

    async def work() -> list[Any]:
        model = asking.model()
        return await asyncio.gather(*(model.complete(request(t)) for t in "abc"), return_exceptions=True)

    for error in run_virtual(work()):
        assert isinstance(error, JudgeMisuse)
        assert "model_not_found" in str(error)
        assert "batch_0" in str(error)
    assert len(asking.stub.batches) == 1
    asking.close()


def test_a_full_queue_passes(tmp_path: Path) -> None:
    """A batch that failed because too much of the account is queued is sent again later."""
    asking = Asking("openai", tmp_path / "b.sqlite", BatchStub())
    asking.stub.whole = "token_limit_exceeded"

    async def work() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        asked = asyncio.create_task(ask_all(asking.model(), "ab"))
        await asyncio.sleep(60)
        asking.stub.whole = None
        assert len(await asked) == 2
        return loop.time() - began

    assert run_virtual(work()) > 300
    assert [len(batch.entries) for batch in asking.stub.batches] == [2, 2]
    assert asking.stub.paid == 4  # the fake counts what it would have answered; the first batch never ran
    asking.close()


@pytest.mark.parametrize("status", [429, 500, 503, None])
def test_calls_that_fail_for_a_while_are_repeated(asking: Asking, status: int | None) -> None:
    """Upload, creation, looks and results fail twice each with nothing done; every request is still paid once."""
    calls = [CREATE[asking.provider], STATE[asking.provider], RESULTS[asking.provider], "POST /v1/files"]
    asking.stub.faults = [Fault(call, status) for call in calls for _ in range(2)]

    async def work() -> None:
        assert len(await ask_all(asking.model(), "abcdef")) == 6

    run_virtual(work())
    assert [len(batch.entries) for batch in asking.stub.batches] == [6]


@pytest.mark.parametrize("status", [500, None])
def test_a_creation_that_broke_off_but_happened_is_found(asking: Asking, status: int | None) -> None:
    """The provider created the batch and its answer was lost: the batch is looked for, and not created again."""
    asking.stub.faults = [Fault(CREATE[asking.provider], status, done=True)]

    async def work() -> None:
        assert len(await ask_all(asking.model(), "abc")) == 3

    run_virtual(work())
    assert asking.stub.requests == 3


def test_a_provider_that_asks_for_time_gets_it(asking: Asking) -> None:
    """Retry-After is waited for before the next attempt."""
    asking.stub.faults = [Fault(CREATE[asking.provider], 429, headers={"retry-after": "777"})]

    async def work() -> float:
        began = asyncio.get_running_loop().time()
        await ask_all(asking.model(), "a")
        return asyncio.get_running_loop().time() - began

    assert 777 < run_virtual(work()) < 900


def test_a_provider_that_stays_away_is_given_up(asking: Asking) -> None:
    """After hours without an answer the error says: try later; and nothing was created."""
    asking.stub.faults = [Fault(CREATE[asking.provider], 503) for _ in range(500)]

    async def work() -> None:
        with pytest.raises(JudgeUnavailable):
            await ask_all(asking.model(outage_s=3600.0), "a")

    run_virtual(work())
    assert asking.stub.batches == []


def test_a_key_that_is_refused_ends_it(asking: Asking) -> None:
    """A refusal that no waiting mends reaches every caller, and says what to do."""
    asking.stub.faults = [Fault(CREATE[asking.provider], 401)]

    async def work() -> None:
        with pytest.raises(JudgeMisuse, match="API_KEY"):
            await ask_all(asking.model(), "ab")

    run_virtual(work())
    assert asking.stub.batches == []


@pytest.mark.parametrize("part", [0.0, 0.3, 0.95])
def test_results_that_break_off_are_read_again(asking: Asking, part: float) -> None:
    """A stream that ends too early, within a line or not, loses nothing and pays nothing twice."""
    asking.stub.faults = [Fault(RESULTS[asking.provider], cut=part)]

    async def work() -> None:
        assert len(await ask_all(asking.model(), [f"text {n}" for n in range(20)])) == 20

    run_virtual(work())
    assert asking.stub.requests == 20


def test_many_results_are_kept_in_portions(asking: Asking) -> None:
    """More results than fit in one transaction come back, each to the one who asked."""
    asking.stub.reply = lambda body: str((body.get("input") or body["messages"])[-1]["content"])

    async def work() -> None:
        texts = [f"text {n}" for n in range(250)]
        for text, reply in zip(texts, await ask_all(asking.model(), texts), strict=True):
            assert f'"{text}"' in reply.text

    run_virtual(work())
    assert len(asking.stub.batches) == 1


def test_a_batch_holds_no_more_than_was_chosen(asking: Asking) -> None:
    """Requests beyond the largest number, or the largest upload, go into batches of their own."""

    async def work() -> None:
        await ask_all(asking.model(max_requests=4), [f"text {n}" for n in range(10)])
        await ask_all(asking.model(max_bytes=2000), [f"other {n}" for n in range(6)])

    run_virtual(work())
    sizes = [len(batch.entries) for batch in asking.stub.batches]
    assert sizes[:3] == [4, 4, 2]
    assert sum(sizes[3:]) == 6
    assert max(sizes[3:]) < 6
    assert all(len(content) <= 2000 for name, content in list(asking.stub.files.items())[3:] if name[4] == "_")


def test_a_request_too_large_for_any_batch_is_refused_alone(asking: Asking) -> None:
    """It fails at once; those beside it are sent."""

    async def work() -> list[Any]:
        model = asking.model(max_bytes=3000)
        texts = ("x" * 5000, "a", "b")
        return await asyncio.gather(*(model.complete(request(t)) for t in texts), return_exceptions=True)

    first, *others = run_virtual(work())
    assert isinstance(first, JudgeMisuse)
    assert [reply.stop for reply in others] == ["complete"] * 2


def test_requests_that_come_one_after_another_wait_for_each_other(asking: Asking) -> None:
    """A batch goes out when no request has come for a while, or the first has waited long enough."""

    async def work() -> None:
        model = asking.model(quiet_s=2.0, gather_s=30.0)
        asked: list[asyncio.Task[Any]] = []
        for n in range(50):
            asked.append(asyncio.create_task(model.complete(request(f"text {n}"))))
            await asyncio.sleep(1.0)
        await asyncio.gather(*asked)

    run_virtual(work())
    sizes = [len(batch.entries) for batch in asking.stub.batches]
    assert sum(sizes) == 50
    assert 25 < sizes[0] < 40


def test_a_caller_that_goes_away_costs_the_others_nothing(asking: Asking) -> None:
    """Its request is paid for, so its reply is kept: asked again, it costs nothing."""

    async def work() -> None:
        model = asking.model()
        asked = [asyncio.create_task(model.complete(request(t))) for t in "abc"]
        await asking.until(lambda: asking.stub.batches)
        asked[1].cancel()
        assert (await asked[0]).stop == (await asked[2]).stop == "complete"
        assert asked[1].cancelled()
        assert (await model.complete(request("b"))).stop == "complete"

    run_virtual(work())
    assert asking.stub.requests == 3


def test_a_caller_that_goes_away_in_time_sends_nothing(asking: Asking) -> None:
    """A request that is given up before its batch is sent is left out of it."""

    async def work() -> None:
        model = asking.model()
        asked = [asyncio.create_task(model.complete(request(t))) for t in "abc"]
        await asyncio.sleep(0.5)
        asked[1].cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    run_virtual(work())
    assert asking.stub.requests == 2


def test_a_batch_that_takes_too_long_is_ended_and_what_is_done_counts(asking: Asking) -> None:
    """After its deadline a batch is cancelled; its rest goes into the next one."""
    asking.stub.looks = asking.stub.ends_s = 10**9

    async def work() -> None:
        asked = asyncio.create_task(ask_all(asking.model(deadline_s=3 * 3600.0), "abcd"))
        await asking.until(lambda: asking.stub.batches and asking.stub.batches[0].cancelled)
        asking.stub.looks = 1
        assert len(await asked) == 4

    run_virtual(work())
    assert [len(batch.entries) for batch in asking.stub.batches] == [4, 2]


def test_the_same_question_asked_several_times_is_answered_several_times(asking: Asking) -> None:
    """Samples are answers of their own; a run that goes on has the same ones again."""
    count = 0

    def numbered(_: dict[str, Any]) -> str:
        nonlocal count
        count += 1
        return f"answer {count}"

    asking.stub.reply = numbered

    async def work() -> set[str]:
        return {reply.text for reply in await ask_all(asking.model(), ["same", "same", "same"])}

    first = run_virtual(work())
    assert len(first) == 3
    assert run_virtual(work()) == first
    assert asking.stub.requests == 3


def test_a_budget_holds_for_batches(asking: Asking) -> None:
    """What a batch could cost is set aside at batch price before it is sent; what doesn't fit waits, then fails."""

    async def work() -> None:
        probe = asking.model()
        most = most_usd(probe, request("text 0"))
        real = (await probe.complete(request("probe"))).usage.cost_usd
        assert real < most * 2
        budget = Budget(most * 3.5)
        model = asking.model(budget=budget)
        asked = (model.complete(request(f"text {n}")) for n in range(20))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, JudgeMisuse)]
        assert refused
        assert "budget" in str(refused[0])
        assert [len(batch.entries) for batch in asking.stub.batches][:2] == [1, 3]
        assert budget.spent_usd == pytest.approx(real * (20 - len(refused)))
        going_on = Budget(most * 3.5)
        again = await asking.model(budget=going_on).complete(request("text 0"))
        assert going_on.spent_usd == pytest.approx(again.usage.cost_usd)

    run_virtual(work())


def test_a_ledger_that_fails_is_told_to_every_caller(asking: Asking) -> None:
    """Without a record nothing is sent: it could be paid for twice."""

    async def work() -> list[Any]:
        model = asking.model(quiet_s=5.0)
        asked = [asyncio.create_task(model.complete(request(t))) for t in "ab"]
        await asyncio.sleep(1.0)
        asking.close()
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(error, OptionError) for error in run_virtual(work()))
    assert asking.stub.batches == []


def test_without_a_folder_for_temporary_files_the_batch_is_refused(
    asking: Asking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes no new file is told as such, to each caller."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))

    async def work() -> list[Any]:
        model = asking.model()
        return await asyncio.gather(*(model.complete(request(text)) for text in "ab"), return_exceptions=True)

    errors = run_virtual(work())
    assert [type(error) for error in errors] == [OptionError, OptionError]
    assert "temporary files" in str(errors[0])


def test_names_that_are_none_are_not_asked_for(asking: Asking) -> None:
    """A name that would lead elsewhere in an address is refused when the provider gives it."""

    async def work() -> None:
        with pytest.raises(JudgeUnavailable):
            await ask_all(asking.model(outage_s=30.0), "a")

    asking.stub.name_batch = lambda _: "../files/file_0?"
    run_virtual(work())
    assert len(asking.stub.batches) >= 1
    assert not any("?" in call for call in asking.stub.calls)


@given(
    texts=st.lists(st.text(max_size=20), min_size=2, max_size=2),
    scopes=st.lists(st.sampled_from(["a", "b"]), min_size=2, max_size=2),
    limits=st.lists(st.integers(1, 2), min_size=2, max_size=2),
)
def test_a_key_tells_what_is_asked_of_whom(texts: list[str], scopes: list[str], limits: list[int]) -> None:
    """Two requests have one key exactly if they differ by nothing but their nonce."""
    keys = [
        request_key(request(text, f"request-{n}f7"), scope, limit)
        for n, (text, scope, limit) in enumerate(zip(texts, scopes, limits, strict=True))
    ]
    assert (keys[0] == keys[1]) == (texts[0] == texts[1] and scopes[0] == scopes[1] and limits[0] == limits[1])


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), max_size=12)),
    cuts=st.lists(st.integers(0, 80)),
)
def test_a_stream_is_split_at_line_feeds_alone(lines: list[str], cuts: list[int]) -> None:
    """However the bytes arrive, and whatever else takes itself for the end of a line, the lines come back."""
    whole = "\n".join(lines).encode()
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]

    async def chunks() -> AsyncGenerator[bytes]:
        for start, stop in pairwise(edges):
            yield whole[start:stop]

    async def read() -> list[bytes]:
        return [line async for line in lines_of(chunks())]

    assert run_virtual(read()) == [line.encode() for line in lines if line.encode().strip()]
