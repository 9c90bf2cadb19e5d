"""Tests of the layer that waits and repeats, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from provider_stub import Answer, Faults, ProviderStub
from pydantic import SecretStr
from virtual_time import run_virtual

from evaluator.backends import openai
from evaluator.backends.chat_model import ChatReply, ChatRequest, RateLimits
from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.circuit import Breaker
from evaluator.backends.gate import Gate
from evaluator.backends.patience import Patience, Patient, one_allowance
from evaluator.backends.provider_failures import Failure
from evaluator.errors import JudgeMisuse, JudgeUnavailable
from evaluator.values.usage import Usage

_GOOD = ChatReply("{}", "complete", Usage(requests=1, input_tokens=90, output_tokens=10))


def _request(name: str = "r") -> ChatRequest:
    return ChatRequest("s", (name,), {"type": "object"}, 10)


def _failed(status: int | None = 500, retry_after_s: float | None = None) -> JudgeUnavailable:
    error = Failure("fake", "KEY", status=status).unavailable("failed")
    error.retry_after_s = retry_after_s
    return error


class _Model:
    """Does what the test says for each request, by name and attempt, and keeps when it was asked."""

    provider = "fake"
    model = "fake-1"

    def __init__(self, act: Callable[[str, int], object], *, takes_s: float = 0.0) -> None:
        self._act = act
        self._takes_s = takes_s
        self.asked: Counter[str] = Counter()
        self.good: Counter[str] = Counter()
        self.times: list[float] = []
        self.in_flight = 0
        self.peak = 0

    async def complete(self, request: ChatRequest) -> ChatReply:
        name = request.messages[0]
        self.asked[name] += 1
        self.times.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self._takes_s)
        finally:
            self.in_flight -= 1
        outcome = self._act(name, self.asked[name])
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, ChatReply)
        self.good[name] += 1
        return outcome


def _gate(concurrency: int = 64, *, failures: int = 8) -> Gate:
    clock = asyncio.get_running_loop().time
    return Gate("fake", concurrency, clock=clock, breaker=Breaker(failures, clock=clock))


def _waits(model: _Model) -> list[float]:
    return [round(after - before, 6) for before, after in itertools.pairwise(model.times)]


def test_a_failure_that_passes_is_repeated_and_a_good_reply_ends_it() -> None:
    """Two failures, then a reply: three requests, not one more."""

    async def main() -> None:
        model = _Model(lambda _name, attempt: _failed() if attempt < 3 else _GOOD)
        assert await Patient(model, _gate()).complete(_request()) is _GOOD
        assert model.asked["r"] == 3

    run_virtual(main())


def test_a_call_is_repeated_at_most_four_times() -> None:
    """Five requests, then the last error, with the count and the provider's wish."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _failed(retry_after_s=0.5))
        with pytest.raises(JudgeUnavailable, match="5 requests") as caught:
            await Patient(model, _gate()).complete(_request())
        assert model.asked["r"] == 5
        assert caught.value.retry_after_s == 0.5

    run_virtual(main())


def test_misuse_is_never_repeated() -> None:
    """A wrong key stays wrong."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: JudgeMisuse("no"))
        with pytest.raises(JudgeMisuse):
            await Patient(model, _gate()).complete(_request())
        assert model.asked["r"] == 1

    run_virtual(main())


@pytest.mark.parametrize(("chance", "waits"), [(1.0, [1, 2, 4, 8]), (0.5, [0.5, 1, 2, 4]), (0.0, [0, 0, 0, 0])])
def test_waits_double_with_full_jitter(chance: float, waits: list[float]) -> None:
    """Each wait is a random part of a ceiling that doubles."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _failed(None))
        with pytest.raises(JudgeUnavailable):
            await Patient(model, _gate(), chance=lambda: chance).complete(_request())
        assert _waits(model) == waits

    run_virtual(main())


def test_the_provider_is_never_asked_before_it_wished() -> None:
    """A Retry-After is kept in full, with a little more so that not all come at once."""

    async def main() -> None:
        model = _Model(lambda _name, attempt: _failed(429, 7.0) if attempt < 3 else _GOOD)
        await Patient(model, _gate(), chance=lambda: 0.5).complete(_request())
        assert _waits(model) == [7.35, 7.35]

    run_virtual(main())


@pytest.mark.parametrize("asked_s", [61.0, 1e9])
def test_a_longer_wish_than_is_worth_waiting_for_ends_it(asked_s: float) -> None:
    """Asking earlier than wished would be rude and useless: who called must decide."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _failed(429, asked_s))
        with pytest.raises(JudgeUnavailable) as caught:
            await Patient(model, _gate(), Patience(deadline_s=1e12)).complete(_request())
        assert model.asked["r"] == 1
        assert caught.value.retry_after_s == asked_s

    run_virtual(main())


def test_no_wait_is_begun_that_would_pass_the_deadline() -> None:
    """Rather than sleep in vain, it gives up at once."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _failed(429, 20.0))
        began = asyncio.get_running_loop().time()
        with pytest.raises(JudgeUnavailable):
            await Patient(model, _gate(), Patience(deadline_s=30.0), chance=lambda: 0.0).complete(_request())
        assert model.asked["r"] == 2
        assert asyncio.get_running_loop().time() - began == 20.0

    run_virtual(main())


def test_a_silent_provider_is_left_at_the_deadline() -> None:
    """The message names the deadline; the request in flight is cancelled and counts against the provider."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _GOOD, takes_s=1e6)
        gate = _gate(failures=1)
        began = asyncio.get_running_loop().time()
        with pytest.raises(JudgeUnavailable, match="deadline of 120 seconds"):
            await Patient(model, gate).complete(_request())
        assert asyncio.get_running_loop().time() - began == pytest.approx(120.0)
        assert model.in_flight == gate.limiter.in_flight == 0
        assert gate.breaker.is_open

    run_virtual(main())


def test_waiting_for_a_turn_doesnt_use_up_the_deadline() -> None:
    """A thousand calls made at once are all answered, however long the last one queues."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _GOOD, takes_s=10.0)
        patient = Patient(model, _gate(4), Patience(deadline_s=15.0))
        replies = await asyncio.gather(*(patient.complete(_request(str(n))) for n in range(200)))
        assert len(replies) == 200
        assert model.peak == 4

    run_virtual(main())


def test_waiting_for_a_turn_has_an_end_too() -> None:
    """Nothing waits for ever."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _GOOD, takes_s=50.0)
        patient = Patient(model, _gate(1), Patience(queue_s=20.0))
        results = await asyncio.gather(*(patient.complete(_request(str(n))) for n in range(2)), return_exceptions=True)
        assert results[0] is _GOOD
        assert isinstance(results[1], JudgeUnavailable)
        assert "turn, 20 seconds" in str(results[1])

    run_virtual(main())


def test_calls_of_one_evaluation_share_deadline_and_requests() -> None:
    """A re-ask doesn't begin anew: five requests and one deadline for both."""

    async def main() -> None:
        model = _Model(lambda name, attempt: _failed() if name == "first" and attempt < 4 else _GOOD, takes_s=1.0)
        patient = Patient(model, _gate())
        with one_allowance():
            await patient.complete(_request("first"))
            await patient.complete(_request("second"))
            with pytest.raises(JudgeUnavailable, match="used up"):
                await patient.complete(_request("third"))
        assert model.asked == {"first": 4, "second": 1}
        assert await patient.complete(_request("third")) is _GOOD  # another evaluation has its own
        with one_allowance():
            await patient.complete(_request("slow"))
            await asyncio.sleep(119.5)
            with pytest.raises(JudgeUnavailable, match="deadline"):
                await patient.complete(_request("too late"))

    run_virtual(main())


def test_calls_side_by_side_have_requests_each() -> None:
    """Grading in groups allows as many requests per group as grading in one."""

    async def main() -> None:
        model = _Model(lambda _name, attempt: _failed() if attempt < 3 else _GOOD)
        patient = Patient(model, _gate())
        with one_allowance(calls=3):
            await asyncio.gather(*(patient.complete(_request(str(n))) for n in range(3)))
        assert model.asked.total() == 9

    run_virtual(main())


def test_an_outage_is_probed_by_one_and_ended_by_its_answer() -> None:
    """After eight failures in a row nobody asks but one probe every ten seconds; when it succeeds, all go."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        back = loop.time() + 45.0
        model = _Model(lambda _name, _attempt: _failed(None) if loop.time() < back else _GOOD)
        gate = _gate()
        patient = Patient(model, gate)
        replies = await asyncio.gather(
            *(patient.complete(_request(str(n))) for n in range(100)), return_exceptions=True
        )
        opened = model.times[7] if len(model.times) > 7 else 0.0
        probes = [moment for moment in model.times if opened + 1.0 < moment < back]
        assert all(after - before >= 10.0 for before, after in itertools.pairwise(probes))
        assert 3 <= len(probes) <= 5
        assert sum(reply is _GOOD for reply in replies) >= 99  # one that probed too often may be out of requests
        assert not gate.breaker.is_open
        assert max(model.times) < back + 30.0

    run_virtual(main())


def test_a_lasting_outage_fails_every_call_within_its_deadline() -> None:
    """Nobody waits for a provider longer than one deadline, and few requests are wasted on it."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _failed(503))
        began = asyncio.get_running_loop().time()
        patient = Patient(model, _gate())
        results = await asyncio.gather(
            *(patient.complete(_request(str(n))) for n in range(100)), return_exceptions=True
        )
        assert all(isinstance(result, JudgeUnavailable) for result in results)
        assert asyncio.get_running_loop().time() - began <= 125.0
        assert model.asked.total() < 60

    run_virtual(main())


def test_being_told_to_slow_down_doesnt_open_the_breaker() -> None:
    """A provider that says 429 is there."""

    async def main() -> None:
        model = _Model(lambda _name, attempt: _failed(429, 1.0) if attempt < 4 else _GOOD)
        gate = _gate(failures=2)
        assert await Patient(model, gate).complete(_request()) is _GOOD
        assert not gate.breaker.is_open

    run_virtual(main())


def test_a_cancelled_call_frees_its_turn() -> None:
    """Whoever hangs up leaves nothing behind."""

    async def main() -> None:
        model = _Model(lambda _name, _attempt: _GOOD, takes_s=5.0)
        gate = _gate(1)
        patient = Patient(model, gate)
        calls = [asyncio.create_task(patient.complete(_request(str(n)))) for n in range(3)]
        await asyncio.sleep(1.0)
        calls[0].cancel()
        calls[1].cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert results[2] is _GOOD
        assert gate.limiter.in_flight == 0

    run_virtual(main())


def test_a_thousand_calls_through_a_bad_day_are_graded() -> None:
    """15 % 429, 5 % 500, 3 % broken off: at least 995 of 1,000 answered, at most five requests each, none too many."""

    async def main() -> None:
        faults = Faults(too_many=0.15, server=0.05, dropped=0.03)

        def act(name: str, attempt: int) -> object:
            match faults.draw(name.encode(), attempt):
                case "too_many":
                    return _failed(429, 1.0)
                case "server":
                    return _failed(500)
                case "dropped":
                    return _failed(None)
                case _:
                    return ChatReply("{}", "complete", Usage(requests=1), RateLimits())

        model = _Model(act, takes_s=0.3)
        patient = Patient(model, _gate())
        calls = (patient.complete(_request(str(n))) for n in range(1000))
        results = await asyncio.gather(*calls, return_exceptions=True)
        failed = [result for result in results if not isinstance(result, ChatReply)]
        assert len(failed) <= 5
        assert all(isinstance(result, JudgeUnavailable) for result in failed)
        assert max(model.asked.values()) <= 5
        assert model.asked.total() <= 1600
        assert max(model.good.values()) == 1

    run_virtual(main())


def test_a_provider_that_takes_one_a_second_is_not_overrun() -> None:
    """With a hard limit, calls wait for their turn instead of using up their attempts."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokens, filled = 1.0, loop.time()

        def act(_name: str, _attempt: int) -> object:
            nonlocal tokens, filled
            tokens, filled = min(1.0, tokens + loop.time() - filled), loop.time()
            if tokens < 1.0:
                return _failed(429, 1.0 - tokens)
            tokens -= 1.0
            return _GOOD

        model = _Model(act, takes_s=0.3)
        patient = Patient(model, _gate())
        calls = (patient.complete(_request(str(n))) for n in range(200))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, ChatReply) for result in results) >= 199
        assert model.asked.total() <= 2.5 * 200

    run_virtual(main())


@pytest.mark.loopback
async def test_against_a_real_server_no_call_is_repeated_after_a_good_reply() -> None:
    """The provider's own counters: each item answered once, at most five requests each."""
    faults = Faults(too_many=0.15, server=0.05, dropped=0.03, retry_after_s=0.01)
    async with ProviderStub(faults=faults, reply=lambda _: "{}", keep=False) as stub:
        model = openai.build_model(ChatOptions(api_key=SecretStr("k"), base_url=f"{stub.url}/v1"))
        patient = Patient(model, Gate("openai", 32), Patience(first_wait_s=0.01))
        calls = (patient.complete(_request(f"ITEM-{n}")) for n in range(300))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, ChatReply) for result in results) >= 298
        assert stub.repeats_after_good == 0
        assert max(stub.sent.values()) <= 5
        assert stub.happened["too_many"] > 20
        await model.close()


@pytest.mark.loopback
async def test_a_server_that_drips_is_left_at_the_deadline() -> None:
    """Time-outs between bytes don't help against a slow trickle; the deadline does."""
    async with ProviderStub() as stub:
        stub.script += [Answer(delay_s=60.0)]
        options = ChatOptions(api_key=SecretStr("k"), base_url=f"{stub.url}/v1", deadline_s=0.2)
        model = openai.build_model(options)
        patient = Patient(model, Gate("openai"), Patience(deadline_s=0.2))
        with pytest.raises(JudgeUnavailable, match=r"deadline of 0\.2 seconds"):
            await patient.complete(_request())
        await model.close()
