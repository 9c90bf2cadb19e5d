"""The two threads of a worker that talk to the database while items are graded.

In: what many coroutines want read or written. Out: one reading and one transaction for all that came meanwhile, so that
each costs a share of a disk's wait instead of a whole one. One thread reads and writes what judges answered, for which
somebody waits; the other writes results, which take five times as long and for which nobody does. What an item's judge
answered is safe before the item's result is written.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

from evaluator.batch.results import ClaimLost, Result, ResultStore
from evaluator.store.answers import AnswerFile, Answers

__all__ = ["Scribe"]

_MOST: Final = 512  # in one transaction: it stays short, and its memory small


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    head: str
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Answers]


@dataclass(frozen=True, slots=True, eq=False)
class _Answered:
    head: str
    answers: Answers
    loop: asyncio.AbstractEventLoop
    written: asyncio.Future[None]


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    result: Result
    loop: asyncio.AbstractEventLoop
    written: asyncio.Future[None]


class Scribe:
    """Reads and writes for an event loop. It is an `AnswerStore`, and keeps results."""

    def __init__(self, results: ResultStore, answers: AnswerFile | None) -> None:
        """Start the threads.

        Args:
            results: Where results go.
            answers: Where answers are kept; ``None`` keeps them beside the results.
        """
        self._results = results
        self._read_answers = results.answers if answers is None else answers.read_many
        self._write_answers = results.keep_answers if answers is None else answers.write_many
        self._broken: Exception | None = None
        self._answering: _Desk[_Asked | _Answered] = _Desk("answers", self._answer)
        self._writing: _Desk[_Done] = _Desk("results", self._write)

    async def read(self, head: str) -> Answers:
        """Return what is known of a case; as `AnswerStore`."""
        loop = asyncio.get_running_loop()
        asked = _Asked(head, loop, loop.create_future())
        self._answering.put(asked)
        return await asked.answer

    async def write(self, head: str, answers: Answers) -> None:
        """Keep answers; return when they are safe.

        Raises:
            EvaluatorError: They can't be written, or writing has failed before.
        """
        loop = asyncio.get_running_loop()
        answered = _Answered(head, answers, loop, loop.create_future())
        self._answering.put(answered)
        await answered.written

    async def keep(self, result: Result) -> None:
        """Keep a result; return when it is safe.

        Raises:
            ClaimLost: It is another worker's business now.
            EvaluatorError: It can't be written, or writing has failed before.
        """
        loop = asyncio.get_running_loop()
        done = _Done(result, loop, loop.create_future())
        self._writing.put(done)
        await done.written

    def close(self) -> None:
        """Write what was taken, and end the threads."""
        self._answering.close()
        self._writing.close()

    def _answer(self, orders: Sequence[_Asked | _Answered]) -> None:
        asked = [order for order in orders if isinstance(order, _Asked)]
        answered = [order for order in orders if isinstance(order, _Answered)]
        fresh = {order.head for order in answered}
        self._read([order for order in asked if order.head not in fresh])
        self._keep(answered)
        self._read([order for order in asked if order.head in fresh])  # whoever asks now must find what was paid

    def _read(self, asked: Sequence[_Asked]) -> None:
        if not asked:
            return
        try:
            known = self._read_answers([order.head for order in asked])
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, whatever it is
            _tell([(order.loop, order.answer, error) for order in asked])
            return
        _tell([(order.loop, order.answer, known.get(order.head, Answers())) for order in asked])

    def _keep(self, answered: Sequence[_Answered]) -> None:
        if not answered:
            return
        told = self._broken
        if told is None:
            try:
                self._write_answers([(order.head, order.answers) for order in answered])
            except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
                told = self._broken = error
        _tell([(order.loop, order.written, told) for order in answered])

    def _write(self, done: Sequence[_Done]) -> None:
        if self._broken is not None:  # its answer may be lost: no result may say that it is safe
            _tell([(order.loop, order.written, self._broken) for order in done])
            return
        try:
            lost = self._results.write([order.result for order in done])
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            self._broken = error
            _tell([(order.loop, order.written, error) for order in done])
            return
        _tell([(order.loop, order.written, _lost(order.result, lost)) for order in done])


_Order = TypeVar("_Order")


class _Desk(Generic[_Order]):
    """A thread that does what is asked of it, all that came meanwhile together."""

    def __init__(self, name: str, do: Callable[[Sequence[_Order]], None]) -> None:
        self._do = do
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def put(self, order: _Order) -> None:
        """Take an order, and return at once."""
        self._orders.put(order)

    def close(self) -> None:
        """Do what was taken, and end the thread."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._orders.get()) is not None:
            orders = [first]
            while len(orders) < _MOST and not self._orders.empty():
                if (order := self._orders.get()) is None:
                    self._orders.put(None)  # to be found when these are done
                    break
                orders.append(order)
            self._do(orders)


def _lost(result: Result, lost: set[str]) -> ClaimLost | None:
    if result.claim.shard not in lost:
        return None
    return ClaimLost("another worker has taken this shard over", where=result.claim.owner)


_Told: TypeAlias = "tuple[asyncio.AbstractEventLoop, asyncio.Future[Answers] | asyncio.Future[None], object]"


def _tell(all_told: Sequence[_Told]) -> None:
    """Hand results to their waiters, each loop woken once."""
    for loop in {id(loop): loop for loop, _, _ in all_told}.values():
        mine = [(future, value) for other, future, value in all_told if other is loop]
        try:
            loop.call_soon_threadsafe(_resolve, mine)
        except RuntimeError:  # the loop is closed: nobody waits any more
            continue


def _resolve(pairs: Sequence[tuple[asyncio.Future[Answers] | asyncio.Future[None], object]]) -> None:
    for future, value in pairs:
        if future.done():
            continue
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)  # pyright: ignore[reportArgumentType] - paired where it was read
