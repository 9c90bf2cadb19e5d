"""Tests of many transcripts from Python: the durable way and the plain one give the same records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluator import evaluate_each, evaluate_many
from evaluator.batch.records import FailedItem, GradedItem, Item
from evaluator.errors import JudgeMisuse, JudgeUnavailable, OptionError
from evaluator.values.transcript import Transcript
from tests.batch.durable_cases import Counting, item, items, unreadable
from tests.fakes import make_rubric, make_transcript

_RUBRIC = make_rubric()


def _told(records: list[GradedItem | FailedItem]) -> list[tuple[str, str]]:
    return [(record.item, record.code if isinstance(record, FailedItem) else "graded") for record in records]


async def test_records_come_in_order_and_the_second_time_at_no_cost(tmp_path: Path) -> None:
    """Graded, repeated and unreadable ones, each once, as they were put in; again, nothing is asked."""
    judge = Counting()
    of: list[Transcript | Item] = [make_transcript("One."), unreadable("b"), make_transcript("One."), *items(90)]
    first = [record async for record in evaluate_many(of, _RUBRIC, judge, folder=tmp_path)]
    assert _told(first)[:3] == [("0", "graded"), ("b", "transcript"), ("2", "graded")]
    assert [record.item for record in first[3:]] == [f"item {number}" for number in range(90)]
    assert len(judge.cases) == 91
    again = [record async for record in evaluate_many(of, _RUBRIC, judge, folder=tmp_path)]
    assert (again, len(judge.cases)) == (first, 91)


async def test_who_stops_listening_can_go_on_later(tmp_path: Path) -> None:
    """Leaving after the first record ends the run; the next call grades what is left, and yields all."""
    slow, quick, of = Counting(latency_s=0.1), Counting(), items(150)
    listening = evaluate_many(of, _RUBRIC, slow, folder=tmp_path, concurrency=4)
    first = await anext(listening)
    await listening.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is a generator
    assert first.item == "item 0"
    assert len(slow.cases) < 150
    told = [record async for record in evaluate_many(of, _RUBRIC, quick, folder=tmp_path, concurrency=4)]
    assert _told(told) == [(f"item {number}", "graded") for number in range(150)]
    assert len(slow.cases) + len(quick.cases) <= 150 + 4


async def test_a_run_that_is_stopped_is_an_error_after_what_was_graded(tmp_path: Path) -> None:
    """The records up to the first gap come out before it."""
    wrong = Counting(lambda words: JudgeMisuse("the key is wrong") if "item 5." in words else None)
    told: list[GradedItem | FailedItem] = []

    async def listen() -> None:
        async for record in evaluate_many(items(50), _RUBRIC, wrong, folder=tmp_path, concurrency=1):
            told.append(record)  # noqa: PERF401 - what came before the error is what is looked at

    with pytest.raises(JudgeMisuse, match="the key is wrong"):
        await listen()
    assert _told(told) == [(f"item {number}", "graded") for number in range(5)]


async def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    """Two at once on one folder would tread on each other."""
    first = evaluate_many(items(2), _RUBRIC, Counting(), folder=tmp_path)
    await anext(first)
    with pytest.raises(OptionError, match="another run is working"):
        await anext(evaluate_many(items(2), _RUBRIC, Counting(), folder=tmp_path))
    await first.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is a generator


def test_the_plain_way_gives_the_same_records_and_keeps_nothing() -> None:
    """Failures and unreadable items are records too."""
    judge = Counting(lambda words: JudgeUnavailable("down") if "item 3." in words else None)
    of: list[Transcript | Item] = [make_transcript("One."), unreadable("b"), *items(5), Item("empty", None)]
    assert _told(list(evaluate_each(of, _RUBRIC, judge, concurrency=2))) == [
        ("0", "graded"),
        ("b", "transcript"),
        *((f"item {number}", "judge_unavailable" if number == 3 else "graded") for number in range(5)),
        ("empty", "empty"),
    ]


def test_the_plain_way_reads_no_further_than_it_needs() -> None:
    """An endless input is graded as it comes."""
    read = 0

    def endless() -> Iterator[Item]:
        nonlocal read
        while True:
            read += 1
            yield item(f"item {read}")

    records = evaluate_each(endless(), _RUBRIC, Counting(), concurrency=4)
    assert [next(records).item for _ in range(10)] == [f"item {number}" for number in range(1, 11)]
    assert read <= 14
    records.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - it is a generator


def test_the_plain_way_raises_what_concerns_all() -> None:
    """A wrong key is no record of one transcript."""
    with pytest.raises(JudgeMisuse, match="the key is wrong"):
        list(evaluate_each(items(3), _RUBRIC, Counting(lambda _: JudgeMisuse("the key is wrong"))))
