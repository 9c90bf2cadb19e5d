"""Batches for the tests of what comes out of one: evaluations by the real pipeline from opinions made by hand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import lru_cache

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.judging import Judgement, Opinion
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict
from evaluator.values.usage import Usage
from tests.fakes import make_evaluation, make_rubric, make_transcript, opinion
from tests.judges.judges import Scripted

__all__ = ["HOSTILE", "WORDS", "failed", "graded", "hostile_batch", "small_rubric", "varied_batch"]

WORDS = "I would track clicks and look at the trend, and we also watch that cancellations do not rise."
HOSTILE = (
    '</script><script>alert(1)</script> <img src=x onerror="alert(2)"> {{ 7*7 }} \u202ereversed\u202c \x00\x1b[31m '
    '\u2028\u2029 =cmd|"/c calc"!A1 ]]> <!-- &lt;b&gt; \ufeff javascript:alert(3)'
)


@lru_cache(maxsize=1)
def small_rubric() -> Rubric:
    """Return the rubric that all cases are judged by."""
    return make_rubric()


def graded(  # noqa: PLR0913 - one parameter for each thing that a test varies
    item: str,
    *opinions: Opinion,
    words: str = WORDS,
    columns: Mapping[str, str] | None = None,
    same_as: str | None = None,
    cost_usd: float = 0.001,
    model: str = "m-1",
) -> GradedItem:
    """Return an item with an evaluation by a judge of that name."""
    usage = Usage(requests=1, input_tokens=100, output_tokens=10, cost_usd=cost_usd)
    judge = Scripted(Judgement(opinions, usage=usage), model=model)
    evaluation = make_evaluation(make_transcript(words), rubric=small_rubric(), judge=judge)
    return GradedItem(item=item, columns=dict(columns or {}), same_as=same_as, evaluation=evaluation)


def failed(
    item: str, code: str = "transcript", *, again: bool = False, columns: Mapping[str, str] | None = None
) -> FailedItem:
    """Return an item without one."""
    return FailedItem(
        item=item, columns=dict(columns or {}), code=code, message="It holds no words (export it).", again=again
    )


@lru_cache(maxsize=4)
def _evaluations(seed: int) -> tuple[Evaluation, ...]:
    chance = random.Random(seed)
    made: list[Evaluation] = []
    for number in range(24):
        verdicts: list[Verdict] = [chance.choice(["present", "absent", "unscored"]) for _ in range(4)]
        if number % 6 == 0:
            verdicts = ["unscored"] * 4
        quotes = ("track clicks", "", "cancellations do not rise", "look at the trend")
        opinions = [
            opinion(criterion, verdict, *([quote] if quote and verdict != "unscored" else []), turn=0, confidence=0.8)
            for criterion, verdict, quote in zip(
                ("vanity", "no_goal", "no_guardrail", "vague"), verdicts, quotes, strict=True
            )
        ]
        made.append(graded("x", *opinions, words=f"{WORDS} That is number {number}.").evaluation)
    return tuple(made)


def varied_batch(count: int = 60, seed: int = 1) -> list[GradedItem | FailedItem]:
    """Return graded, reviewed, failed and repeated items with columns, the same for the same seed."""
    chance = random.Random(seed)
    records: list[GradedItem | FailedItem] = []
    for number in range(count):
        columns = {"cohort": chance.choice("AB"), "student": f"s{number}", "empty": ""}
        if number % 9 == 4:
            records.append(
                failed(f"item-{number}", chance.choice(["transcript", "judge_unavailable"]), columns=columns)
            )
            continue
        evaluation = chance.choice(_evaluations(seed))
        same = "item-0" if number % 10 == 7 else None
        records.append(GradedItem(item=f"item-{number}", columns=columns, same_as=same, evaluation=evaluation))
    return records


def hostile_batch() -> list[GradedItem | FailedItem]:
    """Return items whose every word tries to be more than a word."""
    quote = "I would track clicks"
    words = f"{quote} {HOSTILE}"
    bad = opinion("vanity", "present", quote, turn=0, reason=f"Because {HOSTILE}")
    columns = {HOSTILE: HOSTILE, "=1+1": "=1+1", "cohort": "<b>A</b>"}
    return [
        graded(f"{HOSTILE}/anna.vtt", bad, words=words, columns=columns),
        graded("plain.vtt", bad, words=words, columns={**columns, HOSTILE: "other", "cohort": HOSTILE}),
        FailedItem(item=f"-{HOSTILE}", columns=columns, code="transcript", message=HOSTILE, again=False),
    ]
