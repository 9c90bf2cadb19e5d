"""Encoding together: all get their own rows, in the order asked, each computed once, or the encoder's error."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.backends.encoder import Vectors
from evaluator.backends.gathering import GatheringEncoder
from evaluator.errors import JudgeMisuse
from tests.encoders import WordEncoder

_WAIT_S = 20


class _HeldEncoder(WordEncoder):
    """Holds every round until it is let go, and remembers what each was."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds: list[list[str]] = []
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Wait, then encode."""
        self.rounds.append(list(sentences))
        self.begun.release()
        assert self.go.wait(_WAIT_S)
        return super().encode(sentences)


class _BrokenEncoder(WordEncoder):
    """Fails as damaged weights do."""

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Raise."""
        del sentences
        raise JudgeMisuse("the weights are damaged", where="model words", remedy="install them again")


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=6), max_size=12), st.integers(1, 3))
def test_everybody_gets_the_rows_of_their_own_sentences(asked: list[list[str]], workers: int) -> None:
    """Whoever else asks for whatever at the same time, rows are those of the encoder alone, in the order given."""
    encoder = WordEncoder()
    gathering = GatheringEncoder(encoder, workers=workers)
    answers = [gathering.ask(sentences) for sentences in asked]
    for sentences, answer in zip(asked, answers, strict=True):
        np.testing.assert_array_equal(answer.result(_WAIT_S), encoder.encode(sentences))


def test_who_asks_alone_is_served_at_once() -> None:
    """The first does not wait for company: its round holds its own sentences."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    answer = gathering.ask(["one", "two"])
    assert encoder.begun.acquire(timeout=_WAIT_S)
    assert encoder.rounds == [["one", "two"]]
    encoder.go.set()
    assert answer.result(_WAIT_S).shape == (2, 24)


def test_what_is_asked_meanwhile_is_computed_together_and_once() -> None:
    """While a round runs others gather; the next round holds each of their sentences once, and none that is known."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    answers = [gathering.ask(["one"])]
    assert encoder.begun.acquire(timeout=_WAIT_S)
    answers += [gathering.ask(["two", "one", name]) for name in ("three", "four", "two")]
    encoder.go.set()
    assert [len(answer.result(_WAIT_S)) for answer in answers] == [1, 3, 3, 3]
    assert encoder.rounds == [["one"], ["two", "three", "four"]]


def test_a_batch_is_of_one_width_where_enough_of_it_waits() -> None:
    """Long and short sentences that wait in turn are computed apart, as many at once as a core is best at."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    first = gathering.ask(["one"])
    assert encoder.begun.acquire(timeout=_WAIT_S)
    later = [
        gathering.ask([f"{name}{number}".ljust(length) for length in (60, 20)]) for name in "ab" for number in range(99)
    ]
    encoder.go.set()
    for answer in [first, *later]:
        answer.result(_WAIT_S)
    sums = [sum(map(encoder.width, texts)) for texts in encoder.rounds]
    assert max(sums) <= 1024
    widths = [{encoder.width(text) for text in texts} for texts in encoder.rounds[1:]]
    assert sum(len(several) > 1 for several in widths) <= 2
    assert len(encoder.rounds) <= 1 + 198 * 80 // 1024 + 2


def test_who_waits_longest_comes_first() -> None:
    """A sentence of a width that nobody else has is not put off for those that make fuller batches."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    asked = [gathering.ask(["one"])]
    assert encoder.begun.acquire(timeout=_WAIT_S)
    rare = "a sentence of a width that is rare among those that wait".ljust(90)
    asked += [gathering.ask([rare]), gathering.ask([f"{number}".ljust(20) for number in range(200)])]
    encoder.go.set()
    for answer in asked:
        answer.result(_WAIT_S)
    assert encoder.rounds[1][0] == rare


def test_full_batches_of_one_width_come_in_a_row_and_put_nobody_off_for_long() -> None:
    """Where many wait, widths change seldom, and who asked is served before those that ask 300 sentences later."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    asked = [gathering.ask(["one"])]
    assert encoder.begun.acquire(timeout=_WAIT_S)
    asked += [gathering.ask([f"{number}".ljust(length) for length in (64, 32)]) for number in range(1000)]
    encoder.go.set()
    for answer in asked:
        answer.result(_WAIT_S)
    widths = [encoder.width(texts[0]) for texts in encoder.rounds[1:]]
    assert sum(a != b for a, b in pairwise(widths)) * 3 < len(widths)
    numbers = [2 * int(text) for texts in encoder.rounds[1:] for text in texts]
    assert all(number < min(numbers[place:]) + 300 for place, number in enumerate(numbers))


def test_an_error_reaches_everybody_who_waits() -> None:
    """The encoder's own error, with its place and remedy, is what each caller gets; and so does who comes later."""
    gathering = GatheringEncoder(_BrokenEncoder(), workers=1)
    for answer in [gathering.ask([name]) for name in "abc"]:
        with pytest.raises(JudgeMisuse, match="weights are damaged"):
            answer.result(_WAIT_S)
    with pytest.raises(JudgeMisuse, match="weights are damaged"):
        gathering.encode(["later"])


def test_who_gives_up_is_not_computed_and_harms_nobody() -> None:
    """A request that is cancelled while it waits costs nothing; its neighbours get their rows."""
    encoder = _HeldEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    first = gathering.ask(["one"])
    assert encoder.begun.acquire(timeout=_WAIT_S)
    given_up, kept = gathering.ask(["nobody wants this"]), gathering.ask(["two"])
    assert given_up.cancel()
    encoder.go.set()
    assert [len(answer.result(_WAIT_S)) for answer in (first, kept)] == [1, 1]
    with pytest.raises(CancelledError):
        given_up.result(0)
    assert encoder.rounds == [["one"], ["two"]]


def test_event_loops_and_threads_share_one_encoder() -> None:
    """Loops that run in threads of their own wait for the same rounds, and each gets its rows."""
    encoder = WordEncoder()
    gathering = GatheringEncoder(encoder, workers=2)

    async def several(name: str) -> list[Vectors]:
        asked = [gathering.ask([f"{name} {number}", "everybody"]) for number in range(20)]
        return await asyncio.gather(*map(asyncio.wrap_future, asked))

    def run(name: str) -> list[Vectors]:
        return asyncio.run(several(name))

    with ThreadPoolExecutor(4) as pool:
        for name, answers in zip("abcd", pool.map(run, "abcd"), strict=True):
            for number, rows in enumerate(answers):
                np.testing.assert_array_equal(rows, encoder.encode([f"{name} {number}", "everybody"]))


def test_only_the_latest_sentences_are_remembered() -> None:
    """Memory stays flat however many transcripts are judged."""
    encoder = WordEncoder()
    gathering = GatheringEncoder(encoder, workers=1)
    for part in range(11):
        gathering.encode([f"{part} {number}" for number in range(200)])
    asked = encoder.asked
    gathering.encode(["10 0"])
    assert encoder.asked == asked
    gathering.encode(["0 0"])
    assert encoder.asked == asked + 1
    assert len(gathering._latest) <= 2048  # pyright: ignore[reportPrivateUsage] - the promise itself
