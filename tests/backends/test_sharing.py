"""Limits that several machines share: each keeps to its part, a newcomer from its first request on."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.pace import Pace
from evaluator.backends.sharing import Sharing

_LIMITS = ChatOptions(concurrency=64, requests_per_minute=600, global_concurrency=12)


def _machine(sharers: int) -> Sharing:
    sharing = Sharing()
    sharing.share(sharers)
    return sharing


def test_one_machine_alone_has_the_whole() -> None:
    """Nothing is divided before another is known of."""
    gate = Sharing().gate("openai", _LIMITS)
    assert gate.pace is not None
    waits = [gate.pace.wait_s() for _ in range(10)]
    assert 0.09 < waits[-1] - waits[-2] < 0.11


def test_a_gate_that_is_opened_late_has_its_part_from_the_first_request_on() -> None:
    """Who joined before it asked anything never asks at the whole rate."""
    late, early = _machine(3), Sharing()
    opened = early.gate("openai", _LIMITS)
    early.share(3)
    for gate in (late.gate("openai", _LIMITS), opened):
        assert gate.pace is not None
        waits = [gate.pace.wait_s() for _ in range(10)]
        assert waits[-1] - waits[-2] > 0.29  # a third of ten a second


@given(
    per_minute=st.floats(min_value=1, max_value=60_000),
    machines=st.integers(min_value=1, max_value=40),
    seconds=st.floats(min_value=1, max_value=120),
)
def test_machines_together_keep_to_the_rate(per_minute: float, machines: int, seconds: float) -> None:
    """However many share it, no more go in a span than the rate allows, apart from one each and a short burst."""
    paces = [Pace(per_minute, clock=lambda: 0.0) for _ in range(machines)]
    sent = 0
    for pace in paces:
        pace.share(machines)
        most = int(per_minute * seconds / 60) + 3
        sent += sum(pace.wait_s() <= seconds for _ in range(min(most, 500)))
    assert sent <= per_minute * (seconds + 0.5) / 60 + machines


@given(together=st.integers(min_value=1, max_value=500), machines=st.integers(min_value=1, max_value=60))
def test_machines_together_keep_to_the_number_in_flight(together: int, machines: int) -> None:
    """The parts add up to no more than the whole, but that each machine may have one request."""
    options = ChatOptions(concurrency=1000, global_concurrency=together)
    gates = [_machine(machines).gate("openai", options) for _ in range(machines)]
    assert sum(gate.limiter.limit for gate in gates) <= max(together, machines)


def test_a_part_grows_when_another_leaves_and_shrinks_when_one_joins() -> None:
    """Requests that wait are let in as soon as there is room for them."""

    async def run() -> list[int]:
        sharing = _machine(4)
        gate = sharing.gate("openai", ChatOptions(concurrency=8, global_concurrency=8))
        found: list[int] = []
        release = asyncio.Event()

        async def hold() -> None:
            async with gate.limiter.turn():
                await release.wait()

        tasks = [asyncio.ensure_future(hold()) for _ in range(10)]
        for sharers in (4, 1):
            sharing.share(sharers)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            found.append(gate.limiter.in_flight)
        sharing.share(8)
        found.append(gate.limiter.limit)
        release.set()
        await asyncio.gather(*tasks)
        return found

    first, then, last = asyncio.run(run())
    assert first == 2
    assert first <= then <= 8
    assert last == 1
