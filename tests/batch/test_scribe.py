"""Tests of the threads that read and write for the grading loop: grouping, order, errors, endings."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path

import pytest

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.results import Claim, ClaimLost, Result, ResultStore
from evaluator.batch.scribe import Scribe
from evaluator.errors import OptionError
from evaluator.store.answers import AnswerFile, Answers, KeptOpinion
from tests.batch.durable_cases import Stores, items, result
from tests.fakes import opinion

_KEPT = Answers({"k": KeptOpinion(opinion("vanity", "absent"))})


class _Gated(ResultStore):
    """A store that holds every writing back until it is let go, and remembers how much came together."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores.database)
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.results: list[int] = []
        self.answered: list[int] = []
        self.error: Exception | None = None

    def write(self, results: Sequence[Result]) -> set[str]:
        self._wait()
        self.results.append(len(results))
        return super().write(results)

    def keep_answers(self, answers: Iterable[tuple[str, Answers]]) -> None:
        self._wait()
        rows = list(answers)
        self.answered.append(len(rows))
        super().keep_answers(rows)

    def _wait(self) -> None:
        self.entered.set()
        self.gate.wait(10)
        if self.error is not None:
            raise self.error


@pytest.fixture
def stores(tmp_path: Path) -> Generator[Stores]:
    """Return stores in an empty database."""
    made = Stores.at(tmp_path / "run.sqlite")
    yield made
    made.database.close()


def _claim(stores: Stores, count: int) -> Claim:
    _, turn = stores.begin(*items(count))
    (claim,) = stores.claims(turn)
    return claim


async def test_what_comes_meanwhile_is_written_together(stores: Stores) -> None:
    """While one transaction waits for the disk, all that comes goes into the next one."""
    claim, gated = _claim(stores, 20), _Gated(stores)
    scribe = Scribe(gated, None)
    first, *rest = claim.open
    waiting = [asyncio.ensure_future(scribe.keep(result(claim, first)))]
    await asyncio.to_thread(gated.entered.wait)
    waiting += [asyncio.ensure_future(scribe.keep(result(claim, key))) for key in rest]
    await asyncio.sleep(0)
    gated.gate.set()
    await asyncio.gather(*waiting)
    scribe.close()
    assert gated.results == [1, 19]
    assert stores.runs.progress("run").graded == 20


async def test_answers_that_come_meanwhile_are_written_together(stores: Stores) -> None:
    """They too share a transaction, and whoever gave one waits until it is safe."""
    gated = _Gated(stores)
    scribe = Scribe(gated, None)
    waiting = [asyncio.ensure_future(scribe.write("first", _KEPT))]
    await asyncio.to_thread(gated.entered.wait)
    waiting += [asyncio.ensure_future(scribe.write(f"head {number}", _KEPT)) for number in range(19)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting)
    gated.gate.set()
    await asyncio.gather(*waiting)
    assert gated.answered == [1, 19]
    assert stores.results.answers(["first", "head 18"]) == {"first": _KEPT, "head 18": _KEPT}
    scribe.close()


async def test_an_answer_waits_for_no_result(stores: Stores, tmp_path: Path) -> None:
    """While results are being written, answers are read and kept."""
    claim, gated = _claim(stores, 1), _Gated(stores)
    file = AnswerFile(tmp_path / "answers.sqlite")
    scribe = Scribe(gated, file)
    keeping = asyncio.ensure_future(scribe.keep(result(claim, next(iter(claim.open)))))
    await asyncio.to_thread(gated.entered.wait)
    await scribe.write("head", _KEPT)
    assert await scribe.read("head") == _KEPT
    assert not keeping.done()
    gated.gate.set()
    await keeping
    scribe.close()
    file.close()


async def test_what_was_answered_is_safe_when_the_result_is(stores: Stores, tmp_path: Path) -> None:
    """Answers are on the disk before the result that follows from them, in a file of their own too."""
    claim = _claim(stores, 2)
    (first, second), file = claim.open, AnswerFile(tmp_path / "answers.sqlite")
    for key, answers in ((first, None), (second, file)):
        scribe = Scribe(stores.results, answers)
        await scribe.write(key, _KEPT)
        await scribe.keep(result(claim, key))
        kept = stores.results.answers([key]) if answers is None else file.read_many([key])
        assert kept == {key: _KEPT}
        assert await scribe.read(key) == _KEPT
        assert await scribe.read("unknown") == Answers()
        scribe.close()
    file.close()


async def test_who_asks_after_an_answer_finds_it(stores: Stores) -> None:
    """An answer that isn't on the disk yet is found all the same: nobody pays for it again in the meantime."""
    gated = _Gated(stores)
    scribe = Scribe(gated, None)
    blocking = asyncio.ensure_future(scribe.write("another", _KEPT))
    await asyncio.to_thread(gated.entered.wait)
    writing = asyncio.ensure_future(scribe.write("head", _KEPT))
    await asyncio.sleep(0)
    asked = asyncio.ensure_future(scribe.read("head"))
    other = asyncio.ensure_future(scribe.read("other"))
    await asyncio.sleep(0)
    gated.gate.set()
    assert (await asked, await other) == (_KEPT, Answers())
    await asyncio.gather(blocking, writing)
    scribe.close()


async def test_an_error_reaches_everybody_who_waits(stores: Stores) -> None:
    """When a transaction fails, all whose results were in it hear of it, and nothing more is taken to be kept."""
    claim, gated = _claim(stores, 3), _Gated(stores)
    gated.error = DatabaseFailed("it is full")
    scribe = Scribe(gated, None)
    gated.gate.set()
    told = await asyncio.gather(*(scribe.keep(result(claim, key)) for key in claim.open), return_exceptions=True)
    assert [str(one) for one in told] == ["it is full"] * 3
    with pytest.raises(DatabaseFailed, match="full"):
        await scribe.write("head", _KEPT)
    scribe.close()


async def test_a_defect_of_the_store_reaches_who_waits_too(stores: Stores) -> None:
    """Whatever is raised, nobody waits for ever; nothing is said to be safe afterwards, and what is known is read."""
    claim, gated = _claim(stores, 1), _Gated(stores)
    gated.error = ZeroDivisionError()
    scribe = Scribe(gated, None)
    gated.gate.set()
    with pytest.raises(ZeroDivisionError):
        await scribe.keep(result(claim, next(iter(claim.open))))
    gated.error = None
    with pytest.raises(ZeroDivisionError):
        await scribe.keep(result(claim, next(iter(claim.open))))
    assert await scribe.read("head") == Answers()
    assert stores.runs.progress("run").graded == 0
    scribe.close()


async def test_a_file_of_answers_that_fails_keeps_no_result(stores: Stores, tmp_path: Path) -> None:
    """A result without its paid answer on the disk is not said to be safe."""
    claim, file = _claim(stores, 1), AnswerFile(tmp_path / "answers.sqlite")
    scribe = Scribe(stores.results, file)
    with sqlite3.connect(tmp_path / "answers.sqlite") as damage:
        damage.execute("DROP TABLE answers")
    damage.close()
    with pytest.raises(OptionError, match="can't be written"):
        await scribe.write("head", _KEPT)
    with pytest.raises(OptionError, match="can't be written"):
        await scribe.keep(result(claim, next(iter(claim.open))))
    with pytest.raises(OptionError, match="can't be read"):
        await scribe.read("head")
    assert stores.runs.progress("run").graded == 0
    scribe.close()
    file.close()


async def test_a_lost_claim_is_told_to_its_own_alone(stores: Stores) -> None:
    """Of two shards in one transaction, the one that was taken over hears of it; the other is kept."""
    _, turn = stores.begin(*items(2))
    mine, lost = stores.claims(turn, size=1)
    stores.results.claim(lost.shard, "somebody else")
    scribe = Scribe(stores.results, None)
    told = await asyncio.gather(
        *(scribe.keep(result(claim, next(iter(claim.open)))) for claim in (mine, lost)), return_exceptions=True
    )
    scribe.close()
    assert told[0] is None
    assert isinstance(told[1], ClaimLost)


def test_a_loop_that_is_gone_is_no_reason_to_fail(stores: Stores) -> None:
    """Who waited on a closed loop hears nothing; what was taken is written, and others are served."""
    claim, gated = _claim(stores, 2), _Gated(stores)
    scribe = Scribe(gated, None)
    first, second = claim.open

    async def leave() -> None:
        waiting = asyncio.ensure_future(scribe.keep(result(claim, first)))
        await asyncio.sleep(0.01)
        waiting.cancel()

    asyncio.run(leave())
    gated.gate.set()
    asyncio.run(scribe.keep(result(claim, second)))
    scribe.close()
    assert stores.runs.progress("run").graded == 2


def test_closing_writes_what_was_taken(stores: Stores) -> None:
    """Answers and results for which nobody waits any more are written before the threads end."""
    gated, claim = _Gated(stores), _claim(stores, 1)
    scribe = Scribe(gated, None)

    async def leave() -> None:
        giving = [
            asyncio.ensure_future(scribe.write("head", _KEPT)),
            asyncio.ensure_future(scribe.keep(result(claim, next(iter(claim.open))))),
        ]
        await asyncio.sleep(0.01)
        for one in giving:
            one.cancel()

    asyncio.run(leave())
    gated.gate.set()
    scribe.close()
    assert stores.results.answers(["head"]) == {"head": _KEPT}
    assert stores.runs.progress("run").graded == 1
