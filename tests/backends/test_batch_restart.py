"""Tests of runs that go on where another one was ended: nothing is sent twice, whatever ended it, wherever it was."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import pytest
from batch_asking import PROVIDERS, Asking, Provider, ask_all, grade_all, transcripts
from batch_stub import BatchStub, Fault, served
from virtual_time import run_virtual

from evaluator.store.batches import BatchLedger, KeptBatch

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_TEXTS: Final = tuple(f"text {n}" for n in range(7))
_CREATE: Final = {"openai": "POST /v1/batches$", "anthropic": "POST /v1/messages/batches$"}


@pytest.fixture(params=PROVIDERS)
def asking(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Asking]:
    """Return a provider that is asked; each of the two in turn."""
    asking = Asking(request.param, tmp_path / "batches.sqlite")
    yield asking
    asking.close()


def test_a_batch_that_is_under_way_is_waited_for(asking: Asking) -> None:
    """A run that ends while its batch is worked on sends nothing new when it goes on, and has every reply."""
    asking.stub.looks = 20

    async def ended() -> None:
        asked = asyncio.create_task(ask_all(asking.model(), _TEXTS))
        await asking.until(lambda: asking.stub.batches and asking.stub.batches[0].looks > 3)
        asked.cancel()

    async def gone_on() -> None:
        assert len(await ask_all(asking.model(), _TEXTS)) == len(_TEXTS)

    run_virtual(ended())
    run_virtual(gone_on())
    assert asking.stub.requests == len(_TEXTS)


def test_a_third_run_asks_nobody(asking: Asking) -> None:
    """Replies that were kept are given out at once, without a call."""

    async def work() -> float:
        began = asyncio.get_running_loop().time()
        assert len(await ask_all(asking.model(), _TEXTS)) == len(_TEXTS)
        return asyncio.get_running_loop().time() - began

    run_virtual(work())
    calls = asking.stub.calls.total()
    assert run_virtual(work()) == 0
    assert asking.stub.calls.total() == calls


def test_a_run_with_more_requests_sends_the_rest_alone(asking: Asking) -> None:
    """What is in a batch stays there; only what is new makes another."""

    async def first() -> None:
        asked = asyncio.create_task(ask_all(asking.model(), _TEXTS[:4]))
        await asking.until(lambda: asking.stub.batches)
        asked.cancel()

    async def second() -> None:
        assert len(await ask_all(asking.model(), _TEXTS)) == len(_TEXTS)

    run_virtual(first())
    run_virtual(second())
    assert [len(batch.entries) for batch in asking.stub.batches] == [4, 3]


@pytest.mark.parametrize("created", [True, False])
def test_a_batch_whose_name_was_not_recorded_is_looked_for(asking: Asking, *, created: bool) -> None:
    """Ended between creating and recording, a run finds its batch; ended before creating, it creates one."""

    async def ended() -> None:
        hang = asyncio.Event()
        asking.stub.faults = [Fault(_CREATE[asking.provider], done=created, hang=hang)]
        asked = asyncio.create_task(ask_all(asking.model(), _TEXTS))
        await asking.until(lambda: not asking.stub.faults)
        asked.cancel()

    async def gone_on() -> None:
        assert len(await ask_all(asking.model(), _TEXTS)) == len(_TEXTS)

    run_virtual(ended())
    assert len(asking.stub.batches) == created
    run_virtual(gone_on())
    assert asking.stub.requests == len(_TEXTS)


def test_batches_of_others_are_not_taken_for_ours(asking: Asking) -> None:
    """Others' batches of the same size, older, newer or under way, are told apart; ours is found behind them."""

    async def work() -> None:
        other = Asking(asking.provider, asking.path.with_name("other.sqlite"), asking.stub)
        model = other.model()
        await ask_all(model, [f"theirs {n}" for n in range(len(_TEXTS))])
        hang = asyncio.Event()
        asking.stub.faults = [Fault(_CREATE[asking.provider], done=True, hang=hang)]
        asked = asyncio.create_task(ask_all(asking.model(), _TEXTS))
        await asking.until(lambda: not asking.stub.faults)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        for batch in range(3):
            await ask_all(model, [f"theirs {batch} {n}" for n in range(len(_TEXTS))])
        under_way = asyncio.create_task(ask_all(model, [f"theirs at last {n}" for n in range(len(_TEXTS))]))
        await asking.until(lambda: len(asking.stub.batches) == 6)
        assert len(await ask_all(asking.model(), _TEXTS)) == len(_TEXTS)
        await under_way
        other.close()

    run_virtual(work())
    assert [len(batch.entries) for batch in asking.stub.batches] == [len(_TEXTS)] * 6
    assert asking.stub.asked_twice == []


def test_evaluations_are_the_same_after_a_restart(asking: Asking) -> None:
    """Whole transcripts, re-asks included: the second run grades all, and pays for nothing that the first one sent."""
    broken = 0

    def first_is_broken(body: dict[str, object]) -> str:
        nonlocal broken
        broken += 1
        return "no verdict" if broken == 1 else asking_reply(body)

    asking_reply = asking.stub.reply
    asking.stub.reply = first_is_broken
    before = run_virtual(grade_all(asking.judge(), transcripts(5)))
    sent = asking.stub.requests
    after = run_virtual(grade_all(asking.judge(), transcripts(5)))
    assert asking.stub.requests == sent == 6
    assert [one.findings for one in after] == [one.findings for one in before]
    assert [one.usage.cost_usd for one in after] == [one.usage.cost_usd for one in before]


@pytest.mark.loopback
@pytest.mark.parametrize("moment", ["looking", "creating"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_killed_process_pays_nothing_twice(tmp_path: Path, provider: Provider, moment: str) -> None:
    """After ``kill -9`` while it waits, or just when the batch was created, the next process grades all."""
    stub = BatchStub(looks=10**9)
    ledger = tmp_path / "batches.sqlite"
    hang = asyncio.Event()
    if moment == "creating":
        stub.faults = [Fault(_CREATE[provider], done=True, hang=hang)]
    async with served(stub) as url:
        killed = await _start(provider, url, ledger)
        state = f"GET {'/v1/batches/batch' if provider == 'openai' else '/v1/messages/batches/msgbatch'}"
        async with asyncio.timeout(60):
            while not (stub.calls[state] > 2 if moment == "looking" else stub.batches):  # noqa: ASYNC110 - the fake's
                await asyncio.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        await killed.communicate()
        hang.set()
        assert killed.returncode == -signal.SIGKILL
        stub.looks = stub.batches[0].looks + 2
        stub.ends_s = 1.0
        going_on = await _start(provider, url, ledger)
        async with asyncio.timeout(60):
            out, errors = await going_on.communicate()
    assert going_on.returncode == 0, errors.decode()
    graded = [json.loads(line) for line in out.splitlines()]
    assert len({one["id"] for one in graded}) == 12
    assert [one["batched_requests"] for one in graded] == [1] * 12
    assert stub.requests == 12
    assert stub.asked_twice == []


async def _start(provider: Provider, url: str, ledger: Path) -> asyncio.subprocess.Process:
    script = Path(__file__).with_name("batch_asking.py")
    paths = os.pathsep.join((str(_ROOT), str(script.parent)))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        provider,
        url,
        ledger,
        "12",
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_killed_run_leaves_a_sound_file(tmp_path: Path) -> None:
    """What was written before the end is there, and what was written half is not."""
    path = tmp_path / "batches.sqlite"
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from evaluator.store.batches import BatchLedger, KeptBatch\n"
        "ledger = BatchLedger(Path(sys.argv[1]))\n"
        "ledger.intend(KeptBatch('one', 'scope', 1.0, 2), ['a', 'b'])\n"
        "class Keys(list):\n    def __iter__(self):\n        yield 'c'\n        os.kill(os.getpid(), 9)\n"
        "ledger.intend(KeptBatch('two', 'scope', 2.0, 2), Keys())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    with BatchLedger(path) as ledger:
        assert ledger.find("b") == KeptBatch("one", "scope", 1.0, 2)
        assert ledger.find("c") is None
        assert ledger.keys("two") == []
