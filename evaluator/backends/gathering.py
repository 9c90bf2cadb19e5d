"""What several judges ask an encoder at the same time, computed together: sentences in, from any thread; rows out.

Nobody waits for company: who asks first is served at once, and what others ask meanwhile is taken together when a core
is free. Each distinct sentence of such a round is computed once, and the latest ones are remembered: the question
comes again with every answer to it. Apart from the encoder, which knows nothing of who asks, and from the judge, which
knows nothing of others.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluator.backends.encoder import Encoder, Vectors, usable_cores

__all__ = ["GatheringEncoder"]

_ROUND: Final = 256  # sentences taken together; more make no fuller batches, and answers wait for longer
_WORTH_A_ROUND: Final = 40  # sentences; fewer than those of two transcripts are dear
_REMEMBERED: Final = 2048  # sentences; 3 MB


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """Sentences that somebody waits for."""

    sentences: tuple[str, ...]
    rows: Future[Vectors] = field(default_factory=Future[Vectors])


class GatheringEncoder:
    """Lets callers of one encoder share its work. Safe to share between threads and event loops; is an encoder itself.

    The encoder inside is asked from as many threads as there are cores; it must allow that.
    """

    def __init__(self, encoder: Encoder, *, workers: int | None = None) -> None:
        """Wrap an encoder; nothing runs yet.

        Args:
            encoder: Who computes.
            workers: Most rounds at the same time; ``None`` takes the cores that this process may use.
        """
        self._encoder = encoder
        self._workers = workers or usable_cores()
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="encode")
        self._lock = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._working = 0
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    @property
    def name(self) -> str:
        """Name of the model inside."""
        return self._encoder.name

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return self._encoder.sha256

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence, as `Encoder.encode`."""
        return self.ask(sentences).result()

    def ask(self, sentences: Sequence[str]) -> Future[Vectors]:
        """Return at once what will hold the rows, or the error of the encoder; may be cancelled until they are begun.

        Args:
            sentences: As of `Encoder.encode`; an event loop waits with `asyncio.wrap_future`.
        """
        request = _Request(tuple(sentences))
        with self._lock:
            self._waiting.append(request)
            if self._working < self._workers:
                self._working += 1
                self._pool.submit(self._work)
        return request.rows

    def _work(self) -> None:
        """Compute rounds until nobody waits."""
        while taken := self._take():
            begun = [request for request in taken if request.rows.set_running_or_notify_cancel()]
            try:
                answers = self._compute([request.sentences for request in begun]) if begun else []
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait get it
                for request in begun:
                    request.rows.set_exception(error)
            else:
                for request, rows in zip(begun, answers, strict=True):
                    request.rows.set_result(rows)

    def _take(self) -> list[_Request]:
        """Take the longest waiting, and leave their share to the other workers, if it is worth a round."""
        with self._lock:
            if not self._waiting:
                self._working -= 1
                return []
            share = sum(len(request.sentences) for request in self._waiting) / self._workers
            most = min(max(share, _WORTH_A_ROUND), _ROUND)
            taken = [self._waiting.popleft()]
            count = len(taken[0].sentences)
            while self._waiting and count + len(self._waiting[0].sentences) <= most:
                taken.append(self._waiting.popleft())
                count += len(taken[-1].sentences)
            return taken

    def _compute(self, asked: Sequence[tuple[str, ...]]) -> list[Vectors]:
        """Return the rows of each request; what is not known yet is computed once."""
        distinct = dict.fromkeys(sentence for sentences in asked for sentence in sentences)
        with self._lock:
            known = {sentence: self._known[sentence] for sentence in distinct if sentence in self._known}
            for sentence in known:
                self._known.move_to_end(sentence)
        missing = [sentence for sentence in distinct if sentence not in known]
        computed = self._encoder.encode(missing)
        if missing:
            known |= zip(missing, computed, strict=True)
            with self._lock:
                # Rows of their own: one that is remembered must not keep its whole round in memory.
                self._known |= ((sentence, known[sentence].copy()) for sentence in missing)
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return [np.stack([known[s] for s in sentences]) if sentences else computed[:0] for sentences in asked]
