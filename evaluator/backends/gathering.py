"""What several judges ask an encoder at the same time, computed together: sentences in, from any thread; rows out.

Nobody waits for company: as soon as a core has room, those who have waited longest are computed, together with others
of their width. So batches are as full as what waits allows, whoever asked; while many wait, several of one width come
in a row, which computes faster and puts nobody off for long. Each distinct sentence is computed once, and the latest
ones are remembered: the question comes again with every answer to it. Apart from the encoder, which knows nothing of
who asks, and from the judge, which knows nothing of others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np

from evaluator.backends.encoder import Encoder, Vectors, usable_cores

__all__ = ["GatheringEncoder"]

_BATCH: Final = 1024  # tokens; more compute no faster, and answers wait for longer
_AHEAD: Final = 256  # sentences that the width of the last batch may go before its turn; another one costs a core 2 ms
_READY: Final = 2  # batches for each core: one is computed, the next lies ready
_REMEMBERED: Final = 2048  # sentences; 3 MB


@dataclass(slots=True, eq=False)
class _Sentence:
    """What is computed once.

    Attributes:
        text: The words.
        number: Later ones have higher numbers.
        row: ``None`` until it is computed.
        wanted_by: Those who wait for it.
    """

    text: str
    number: int
    row: Vectors | None = None
    wanted_by: list[_Request] = field(default_factory=list["_Request"])


@dataclass(slots=True, eq=False)
class _Request:
    """Sentences that somebody waits for.

    Attributes:
        sentences: In the order asked.
        missing: How many different ones have no row yet.
        rows: What is waited for.
    """

    sentences: list[_Sentence]
    missing: int = 0
    rows: Future[Vectors] = field(default_factory=Future[Vectors])

    def answer(self) -> None:
        """Give the rows, all of which are there, unless nobody waits any more."""
        if self.rows.set_running_or_notify_cancel():
            self.rows.set_result(np.array([sentence.row for sentence in self.sentences]))


class GatheringEncoder:
    """Lets callers of one encoder share its work. Safe to share between threads and event loops; is an encoder itself.

    The encoder inside is asked from several threads; it must allow that.
    """

    def __init__(self, encoder: Encoder, *, workers: int | None = None) -> None:
        """Wrap an encoder; nothing runs yet.

        Args:
            encoder: Who computes.
            workers: Most batches at the same time; ``None`` takes two for each core that this process may use.
        """
        self._encoder = encoder
        self._workers = workers or _READY * usable_cores()
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="encode")
        self._lock = threading.Lock()
        self._working = 0
        self._numbers = count()
        self._new: list[_Sentence] = []
        self._lines: dict[int, deque[_Sentence]] = {}  # by width
        self._last = 0  # width computed last
        self._latest: OrderedDict[str, _Sentence] = OrderedDict()

    @property
    def name(self) -> str:
        """Name of the model inside."""
        return self._encoder.name

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return self._encoder.sha256

    def width(self, sentence: str) -> int:
        """Return what the encoder inside does, as `Encoder.width`."""
        return self._encoder.width(sentence)

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence, as `Encoder.encode`."""
        return self.ask(sentences).result()

    def ask(self, sentences: Sequence[str]) -> Future[Vectors]:
        """Return at once what will hold the rows, or the error of the encoder; may be cancelled until then.

        Args:
            sentences: As of `Encoder.encode`; an event loop waits with `asyncio.wrap_future`.
        """
        if not sentences:
            return self._pool.submit(self._encoder.encode, sentences)
        with self._lock:
            request = _Request([self._known(text) for text in sentences])
            for sentence in dict.fromkeys(request.sentences):
                if sentence.row is None:
                    sentence.wanted_by.append(request)
                    request.missing += 1
            while len(self._latest) > _REMEMBERED:
                self._latest.popitem(last=False)
            if request.missing:
                self._call_worker()
        if not request.missing:
            request.answer()
        return request.rows

    def _known(self, text: str) -> _Sentence:
        """Return the sentence of these words; a new one waits from now on."""
        sentence = self._latest.get(text)
        if sentence is None:
            sentence = self._latest[text] = _Sentence(text, next(self._numbers))
            self._new.append(sentence)
        else:
            self._latest.move_to_end(text)
        return sentence

    def _call_worker(self) -> None:
        if self._working < self._workers:
            self._working += 1
            self._pool.submit(self._work)

    def _work(self) -> None:
        """Compute batches until nobody waits."""
        while batch := self._next_batch():
            try:
                rows = self._encoder.encode([sentence.text for sentence in batch])
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait get it
                self._fail(batch, error)
            else:
                self._deliver(batch, rows)

    def _next_batch(self) -> list[_Sentence]:
        """Return what is computed next; nothing if nobody waits, and then this worker has gone."""
        while True:
            with self._lock:
                new, self._new = self._new, []
                if not new:
                    batch = self._take()
                    if not batch:
                        self._working -= 1
                    elif self._lines:
                        self._call_worker()
                    return batch
            self._line_up(new)

    def _line_up(self, new: Sequence[_Sentence]) -> None:
        try:
            widths = [self._encoder.width(sentence.text) for sentence in new]
        except Exception as error:  # noqa: BLE001 - as in `_work`
            self._fail(new, error)
            return
        with self._lock:
            for sentence, width in zip(new, widths, strict=True):
                self._lines.setdefault(width, deque()).append(sentence)

    def _take(self) -> list[_Sentence]:
        """Take a batch: the line whose turn it is; if that leaves room, the next such line, and so on."""
        batch: list[_Sentence] = []
        room = _BATCH
        while self._lines:
            width = self._last = min(self._lines, key=self._turn)
            line = self._lines[width]
            while line and (room >= width or not batch):
                sentence = line.popleft()
                if all(request.rows.done() for request in sentence.wanted_by):
                    self._forget(sentence)
                else:
                    batch.append(sentence)
                    room -= width
            if line:
                break
            del self._lines[width]
        return batch

    def _turn(self, width: int) -> int:
        """Return when it is a line's turn, lowest first: by who has waited longest, sooner if it goes on in full."""
        line = self._lines[width]
        goes_on = width == self._last and width * len(line) >= _BATCH
        return line[0].number - (_AHEAD if goes_on else 0)

    def _forget(self, sentence: _Sentence) -> None:
        if self._latest.get(sentence.text) is sentence:
            del self._latest[sentence.text]

    def _deliver(self, batch: Sequence[_Sentence], rows: Vectors) -> None:
        complete: list[_Request] = []
        with self._lock:
            for sentence, row in zip(batch, rows, strict=True):
                sentence.row = row.copy()  # of its own: what is remembered must not keep its whole batch in memory
                for request in sentence.wanted_by:
                    request.missing -= 1
                    if not request.missing:
                        complete.append(request)
                sentence.wanted_by.clear()
        for request in complete:
            request.answer()

    def _fail(self, batch: Sequence[_Sentence], error: Exception) -> None:
        """Tell all who wait for any of a batch; its sentences may be asked for again."""
        with self._lock:
            failed = {request for sentence in batch for request in sentence.wanted_by if request.missing > 0}
            for request in failed:
                request.missing = 0
            for sentence in batch:
                self._forget(sentence)
        for request in failed:
            if request.rows.set_running_or_notify_cancel():
                request.rows.set_exception(error)
