"""Tests of how a shard is graded: every kind of failure is a record or the end of the run, and never another's."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

from evaluator.backends.provider_failures import Failure
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.grading import Grading, judge_one
from evaluator.batch.records import Problem
from evaluator.batch.results import Claim, ClaimLost, Result
from evaluator.batch.slots import Slots
from evaluator.errors import EvaluatorError, JudgeMisuse, JudgeUnavailable, MissingExtra, RecordingMissing
from evaluator.values.evaluation import Evaluation
from tests.batch.durable_cases import SPEC, Counting, Stores, items
from tests.fakes import make_rubric, make_transcript

_SPOKEN = "words that only the candidate said"


@pytest.fixture
def stores(tmp_path: Path) -> Generator[Stores]:
    """Return stores in an empty database."""
    made = Stores.at(tmp_path / "run.sqlite")
    yield made
    made.database.close()


def _refused() -> EvaluatorError:
    """Return what a provider's refusal of one transcript becomes."""
    return Failure("openai", "OPENAI_API_KEY", status=400, code="context_length_exceeded").error()


def _claim(stores: Stores, count: int) -> Claim:
    _, turn = stores.begin(*items(count))
    (claim,) = stores.claims(turn)
    return claim


def _grading(judge: Counting, kept: list[Result], *, slots: int = 4, error: Exception | None = None) -> Grading:
    async def keep(result: Result) -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        kept.append(result)

    return Grading(SPEC.rubric, judge, keep, Slots(slots))


@pytest.mark.parametrize(
    ("error", "code", "again"),
    [
        (JudgeUnavailable("overloaded"), "judge_unavailable", True),
        (_refused(), "judge_refused", False),
        (RecordingMissing("no recording"), "judge_failed", True),
        (ZeroDivisionError(_SPOKEN), "defect", True),
        (RecursionError(_SPOKEN), "defect", True),
        (MemoryError(), "defect", True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_each_failure_of_one_transcript_is_its_own_record(error: Exception, code: str, *, again: bool) -> None:
    """The record names the reason, whether trying again may help, and never what the candidate said."""
    outcome = await judge_one(make_transcript(_SPOKEN), make_rubric(), Counting(lambda _: error))
    assert isinstance(outcome, Problem)
    assert (outcome.code, outcome.again) == (code, again)
    assert _SPOKEN not in outcome.message


@pytest.mark.parametrize("error", [JudgeMisuse("the key is wrong"), MissingExtra("the extra `local` is missing")])
async def test_what_concerns_all_transcripts_is_raised_and_halts(stores: Stores, error: EvaluatorError) -> None:
    """A wrong key and a missing package are no properties of a transcript."""
    with pytest.raises(type(error), match=error.message):
        await judge_one(make_transcript(), make_rubric(), Counting(lambda _: error))
    kept: list[Result] = []
    grading = _grading(Counting(lambda _: error), kept)
    await grading.grade(_claim(stores, 40))
    assert (grading.halted, kept) == (error.message, [])


async def test_all_are_graded_so_many_at_once(stores: Stores) -> None:
    """Every transcript has a result, and no more than the slots allow are in work."""
    kept: list[Result] = []
    judge, claim = Counting(latency_s=0.001), _claim(stores, 20)
    await _grading(judge, kept, slots=3).grade(claim)
    assert {result.key for result in kept} == set(claim.open)
    assert all(isinstance(result.evaluation, Evaluation) for result in kept)
    assert judge.most == 3


async def test_a_defect_ends_one_transcript_and_not_the_run(stores: Stores) -> None:
    """The program failing at one of ten thousand leaves the others graded."""
    kept: list[Result] = []
    judge = Counting(lambda words: KeyError(words) if "item 3" in words else None)
    await _grading(judge, kept).grade(_claim(stores, 10))
    assert sorted(result.problem.code for result in kept if result.problem) == ["defect"]
    assert len(kept) == 10


async def test_misuse_halts_and_what_is_in_flight_is_finished(stores: Stores) -> None:
    """Nothing more is begun once it is clear that nothing would be answered; no record blames a transcript."""
    kept: list[Result] = []
    judge = Counting(lambda words: JudgeMisuse("the key is wrong") if "item 5" in words else None, latency_s=0.001)
    grading = _grading(judge, kept, slots=2)
    await grading.grade(_claim(stores, 40))
    assert grading.halted == "the key is wrong"
    assert len(judge.cases) <= 8
    assert len(kept) == len(judge.cases) - 1
    assert all(result.evaluation for result in kept)


async def test_twenty_refusals_and_no_answer_halt(stores: Stores) -> None:
    """If the first twenty are all refused, the rest would be too; they are left for a run that is set right."""
    kept: list[Result] = []
    grading = _grading(Counting(lambda _: _refused()), kept, slots=1)
    await grading.grade(_claim(stores, 40))
    assert len(kept) == 20
    assert grading.halted is not None
    assert "first 20 transcripts were all refused" in grading.halted


async def test_refusals_among_answers_do_not_halt(stores: Stores) -> None:
    """Where one was answered, a refusal is a property of its transcript."""
    kept: list[Result] = []
    grading = _grading(Counting(lambda words: None if "item 0." in words else _refused()), kept, slots=1)
    await grading.grade(_claim(stores, 40))
    assert len(kept) == 40
    assert grading.halted is None


async def test_a_disk_that_is_full_halts(stores: Stores) -> None:
    """What can't be kept isn't paid for on and on."""
    kept: list[Result] = []
    judge = Counting()
    grading = _grading(judge, kept, slots=2, error=DatabaseFailed("it is full", remedy="make room"))
    await grading.grade(_claim(stores, 40))
    assert grading.halted == "it is full (make room)"
    assert len(judge.cases) <= 4


async def test_a_lost_claim_leaves_the_rest_to_others(stores: Stores) -> None:
    """Nothing more of a shard is asked that somebody else has taken."""
    judge = Counting(latency_s=0.001)
    with pytest.raises(ExceptionGroup) as caught:
        await _grading(judge, [], slots=2, error=ClaimLost("taken")).grade(_claim(stores, 40))
    assert caught.group_contains(ClaimLost)
    assert len(judge.cases) <= 4


async def test_the_first_reason_to_halt_stays() -> None:
    """Later ones follow from it."""
    grading = _grading(Counting(), [])
    grading.halt("first")
    grading.halt("second")
    assert grading.halted == "first"
