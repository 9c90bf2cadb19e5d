"""The one thread of a worker that talks to the database while items are graded.

In: what many coroutines want read or written. Out: one reading and one transaction for all that came meanwhile, so that
each costs a share of a disk's wait instead of a whole one. What an item's judge answered is kept before the item's
result, in order; whoever waits for the result knows that both are safe.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from evaluator.batch.results import ClaimLost, Result, ResultStore
from evaluator.store.answers import AnswerFile, Answers

__all__ = ["Scribe"]

_MOST: Final = 512  # in one transaction: it stays short, and its memory small


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    head: str
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Answers]


@dataclass(frozen=True, slots=True)
class _Answered:
    head: str
    answers: Answers


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    result: Result
    loop: asyncio.AbstractEventLoop
    written: asyncio.Future[None]


_Order: TypeAlias = _Asked | _Answered | _Done


class Scribe:
    """Reads and writes for an event loop. It is an `AnswerStore`, and keeps results."""

    def __init__(self, results: ResultStore, answers: AnswerFile | None) -> None:
        """Start the thread.

        Args:
            results: Where results go.
            answers: Where answers are kept; ``None`` keeps them beside the results.
        """
        self._results = results
        self._answers = answers
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="scribe", daemon=True)
        self._thread.start()

    async def read(self, head: str) -> Answers:
        """Return what is known of a case; as `AnswerStore`."""
        loop = asyncio.get_running_loop()
        asked = _Asked(head, loop, loop.create_future())
        self._orders.put(asked)
        return await asked.answer

    async def write(self, head: str, answers: Answers) -> None:
        """Take answers to be kept, and return at once: they are safe when the result that follows is.

        Raises:
            EvaluatorError: Writing has failed before.
        """
        if self._broken is not None:
            raise self._broken
        self._orders.put(_Answered(head, answers))

    async def keep(self, result: Result) -> None:
        """Keep a result; return when it is safe.

        Raises:
            ClaimLost: It is another worker's business now.
            EvaluatorError: It can't be written, or writing has failed before.
        """
        loop = asyncio.get_running_loop()
        done = _Done(result, loop, loop.create_future())
        self._orders.put(done)
        await done.written

    def close(self) -> None:
        """Write what was taken, and end the thread."""
        self._orders.put(None)
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            orders = [self._orders.get()]
            while len(orders) < _MOST and orders[-1] is not None:
                try:
                    orders.append(self._orders.get_nowait())
                except queue.Empty:
                    break
            open_ = orders[-1] is not None
            asked = [order for order in orders if isinstance(order, _Asked)]
            fresh = {order.head for order in orders if isinstance(order, _Answered)}
            self._read([order for order in asked if order.head not in fresh])
            self._write([order for order in orders if isinstance(order, _Answered | _Done)])
            self._read([order for order in asked if order.head in fresh])  # whoever asks now must find what was paid

    def _read(self, asked: Sequence[_Asked]) -> None:
        if not asked:
            return
        heads = [order.head for order in asked]
        try:
            known = self._results.answers(heads) if self._answers is None else self._answers.read_many(heads)
        except Exception as error:  # noqa: BLE001 - whoever asked must hear of it, whatever it is
            _tell([(order.loop, order.answer, error) for order in asked])
            return
        _tell([(order.loop, order.answer, known.get(order.head, Answers())) for order in asked])

    def _write(self, orders: Sequence[_Answered | _Done]) -> None:
        if not orders:
            return
        answers = [(order.head, order.answers) for order in orders if isinstance(order, _Answered)]
        done = [order for order in orders if isinstance(order, _Done)]
        if self._broken is not None:  # an answer that came before may be lost: no result may say that it is safe
            _tell([(order.loop, order.written, self._broken) for order in done])
            return
        try:
            if self._answers is not None and answers:
                self._answers.write_many(answers)
                answers = []
            lost = self._results.write([order.result for order in done], answers)
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            self._broken = error
            _tell([(order.loop, order.written, error) for order in done])
            return
        _tell([(order.loop, order.written, _lost(order.result, lost)) for order in done])


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
