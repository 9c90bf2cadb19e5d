"""Work that is done once, driven without a server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from evaluator.batch.database import Database
from evaluator.errors import JudgeUnavailable, TranscriptError
from evaluator.service.idempotency.answers import Answer
from evaluator.service.idempotency.claims import ClaimStore
from evaluator.service.idempotency.replays import Answered, Idempotency
from evaluator.service.idempotency.sealing import Asked
from evaluator.service.problems import Problem
from tests.service.conftest import Clock

_ASKED: Final = Asked("POST", "/v1/evaluations", b"{}")
_MENDED: Final = Asked("POST", "/v1/evaluations", b'{"mended": true}')


@dataclass
class _Work:
    """Work that counts how often it ran, and may be told to fail or to wait first."""

    ids: list[str] = field(default_factory=list[str])
    status: int = 201
    fails: BaseException | None = None
    gate: asyncio.Event | None = None
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, made_id: str) -> Answer:
        """Make something under an id."""
        self.ids.append(made_id)
        self.began.set()
        if self.gate:
            await self.gate.wait()
        if self.fails:
            raise self.fails
        return Answer(self.status, (("content-type", "text/plain"),), f"{made_id}, try {len(self.ids)}".encode())


@pytest.fixture
def once(file_database: Database, clock: Clock) -> Callable[..., Awaitable[Answered]]:
    """Return what sends a request of tenant `tn_a` with a key."""
    idempotency = Idempotency(ClaimStore(file_database, clock))

    def send(work: _Work, key: str | None = "k", asked: Asked = _ASKED, tenant: str = "tn_a") -> Awaitable[Answered]:
        return idempotency.once(tenant, key, asked, "eval", work)

    return send


async def _patiently(once: Callable[..., Awaitable[Answered]], work: _Work, key: str) -> Answered:
    """Send a request, again for as long as it is told to wait."""
    for _ in range(2000):
        try:
            return await once(work, key)
        except Problem as problem:
            if problem.code != "idempotency_in_progress":
                raise
        await asyncio.sleep(0.005)
    pytest.fail("nobody worked on it, and nobody else was let")


async def test_a_repeated_request_is_answered_and_not_done(once: Callable[..., Awaitable[Answered]]) -> None:
    """The second answer is the first, and says that it is."""
    work = _Work()
    first, second = await once(work), await once(work)
    assert first.answer == second.answer
    assert (first.replayed, second.replayed) == (False, True)
    assert len(work.ids) == 1
    assert work.ids[0].startswith("eval_")


async def test_without_a_key_everything_is_done(once: Callable[..., Awaitable[Answered]]) -> None:
    """Requests without a key are never taken for one another."""
    work = _Work()
    await once(work, None)
    await once(work, None)
    assert len(set(work.ids)) == 2


async def test_while_it_is_done_the_same_request_is_told_to_wait(once: Callable[..., Awaitable[Answered]]) -> None:
    """409 with Retry-After; when it is done, the answer."""
    work = _Work(gate=asyncio.Event())
    first = asyncio.ensure_future(once(work))
    await work.began.wait()
    with pytest.raises(Problem) as busy:
        await once(work)
    assert (busy.value.status, busy.value.code) == (409, "idempotency_in_progress")
    assert int(busy.value.headers["Retry-After"]) >= 1
    assert work.gate
    work.gate.set()
    await first
    assert (await once(work)).replayed


async def test_another_body_under_the_same_key_is_refused(once: Callable[..., Awaitable[Answered]]) -> None:
    """422, and nothing is done."""
    work = _Work()
    await once(work)
    with pytest.raises(Problem) as refused:
        await once(work, asked=_MENDED)
    assert (refused.value.status, refused.value.code) == (422, "idempotency_mismatch")
    assert len(work.ids) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failed_answer_is_not_kept(once: Callable[..., Awaitable[Answered]], status: int) -> None:
    """After 429 and 5xx the same request is done."""
    work = _Work(status=status)
    await once(work)
    work.status = 201
    assert not (await once(work)).replayed
    assert (await once(work)).replayed
    assert len(work.ids) == 2


@pytest.mark.parametrize("fails", [RuntimeError("defect"), JudgeUnavailable("later"), Problem(503, "busy", "Busy")])
async def test_a_failure_runs_again_under_the_same_id(
    once: Callable[..., Awaitable[Answered]], fails: Exception
) -> None:
    """What failed may have made something: the retry gets the same id, and another body is still refused."""
    work = _Work(fails=fails)
    with pytest.raises(type(fails)):
        await once(work)
    with pytest.raises(Problem, match="another request"):
        await once(work, asked=_MENDED)
    work.fails = None
    await once(work)
    assert len(set(work.ids)) == 1


@pytest.mark.parametrize("fails", [TranscriptError("empty"), Problem(422, "option", "Wrong")])
async def test_a_refused_request_may_be_mended_under_its_key(
    once: Callable[..., Awaitable[Answered]], fails: Exception
) -> None:
    """A refusal isn't kept: the mended request runs with the same key."""
    work = _Work(fails=fails)
    with pytest.raises(type(fails)):
        await once(work)
    work.fails = None
    assert not (await once(work, asked=_MENDED)).replayed
    assert (await once(work, asked=_MENDED)).replayed


async def test_a_refusal_after_a_failure_keeps_the_id(once: Callable[..., Awaitable[Answered]]) -> None:
    """What an earlier try may have made keeps its id, though a later one was refused."""
    work = _Work(fails=RuntimeError("defect"))
    with pytest.raises(RuntimeError):
        await once(work)
    work.fails = Problem(422, "option", "Wrong")
    with pytest.raises(Problem, match="Wrong"):
        await once(work)
    work.fails = None
    await once(work)
    assert len(set(work.ids)) == 1


async def test_a_client_that_goes_away_leaves_the_request_to_be_sent_again(
    once: Callable[..., Awaitable[Answered]],
) -> None:
    """Cancelled work lets go of its claim, and the retry has the same id."""
    work = _Work(gate=asyncio.Event())
    gone = asyncio.ensure_future(once(work))
    await work.began.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    work.gate = None
    assert not (await once(work)).replayed
    assert len(work.ids) == 2
    assert len(set(work.ids)) == 1


async def test_a_lease_that_can_not_be_renewed_breaks_no_work(file_database: Database, tmp_path: Path) -> None:
    """A disk that takes no writes for a while neither ends the work nor loses its answer."""
    idempotency, work = Idempotency(ClaimStore(file_database, lease_s=0.06)), _Work(gate=asyncio.Event())
    first = asyncio.ensure_future(idempotency.once("tn_a", "k", _ASKED, "eval", work))
    await work.began.wait()
    with closing(sqlite3.connect(tmp_path / "service.sqlite")) as other:
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON sv_requests BEGIN SELECT RAISE(ABORT, 'full'); END")
        await asyncio.sleep(0.2)
        assert work.gate
        work.gate.set()
        assert (await first).answer.status == 201
        other.execute("DROP TRIGGER full")
    again = await idempotency.once("tn_a", "k", _ASKED, "eval", work)
    assert not again.replayed
    assert len(set(work.ids)) == 1


async def test_a_client_that_goes_away_early_leaves_no_claim(once: Callable[..., Awaitable[Answered]]) -> None:
    """Whenever it goes, the request can be sent again within a moment, not only when a lease has lapsed."""
    for turns in range(8):
        work, key = _Work(), f"k{turns}"
        gone = asyncio.ensure_future(once(work, key))
        for _ in range(turns):
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await _patiently(once, work, key)
        assert len(set(work.ids)) == 1


async def test_long_work_keeps_its_claim(file_database: Database) -> None:
    """Work that takes longer than a lease isn't begun by anybody else."""
    idempotency = Idempotency(ClaimStore(file_database, lease_s=0.3))
    work = _Work(gate=asyncio.Event())
    first = asyncio.ensure_future(idempotency.once("tn_a", "k", _ASKED, "eval", work))
    for _ in range(5):
        await asyncio.sleep(0.2)
        if work.ids:
            with pytest.raises(Problem, match="being worked on"):
                await idempotency.once("tn_a", "k", _ASKED, "eval", work)
    assert work.gate
    work.gate.set()
    await first
    assert len(work.ids) == 1


@pytest.mark.parametrize(
    "key", ["", "a" * 256, "a" * 10_240, "ключ", "é", "a\x00b", "a\nb", "\x7f", "a\tb", "\ud800"], ids=repr
)
async def test_keys_of_a_wrong_form_are_refused(once: Callable[..., Awaitable[Answered]], key: str) -> None:
    """Only 1 to 255 printable ASCII characters are a key; whatever else is sent, nothing is done."""
    work = _Work()
    with pytest.raises(Problem) as refused:
        await once(work, key)
    assert (refused.value.status, refused.value.code) == (422, "idempotency_key")
    assert work.ids == []


@pytest.mark.parametrize("key", ["a", "a" * 255, " ", '"quoted"', "'; DROP TABLE sv_requests; --", "%00", "~"])
async def test_keys_of_a_right_form_are_taken_as_they_are(once: Callable[..., Awaitable[Answered]], key: str) -> None:
    """Any printable ASCII is a key, and nothing else."""
    work = _Work()
    await once(work, key)
    assert (await once(work, key)).replayed


async def test_answers_end_with_the_day(file_database: Database, clock: Clock) -> None:
    """After 24 hours the same request is done again, and what was kept of it can be deleted before anybody asks."""
    idempotency, work = Idempotency(ClaimStore(file_database, clock)), _Work()
    await idempotency.once("tn_a", "k", _ASKED, "eval", work)
    clock.wait(86_399)
    assert idempotency.purge() == 0
    clock.wait(1)
    assert idempotency.purge() == 1
    assert not (await idempotency.once("tn_a", "k", _ASKED, "eval", work)).replayed
    assert len(set(work.ids)) == 2


async def test_another_tenant_has_keys_of_its_own(once: Callable[..., Awaitable[Answered]]) -> None:
    """The same request of another tenant is done for it."""
    work = _Work()
    await once(work)
    assert not (await once(work, tenant="tn_b")).replayed
    assert len(set(work.ids)) == 2


async def test_a_hundred_at_once_make_one_thing(once: Callable[..., Awaitable[Answered]]) -> None:
    """Of a hundred that send the same at once and retry while told to wait, all get the one answer."""
    work = _Work()

    async def send() -> bytes:
        return (await _patiently(once, work, "k")).answer.body

    bodies = await asyncio.gather(*(send() for _ in range(100)))
    assert len(work.ids) == 1
    assert set(bodies) == {f"{work.ids[0]}, try 1".encode()}
