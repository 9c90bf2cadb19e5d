"""What a run will take, told before anything is sent: a sample of its transcripts in, calls, tokens and prices out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from evaluator.backends.estimates import Estimate
from evaluator.judges.cached import Cached
from evaluator.judges.weighing import Weighing
from evaluator.judging import Case, Judge
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.store.answers import AnswerStore
from evaluator.values.judge import JudgeInfo
from evaluator.values.transcript import Transcript

__all__ = ["SAMPLE", "Forecast", "Known", "forecast"]

SAMPLE: Final = 200  # transcripts that are weighed; a mean over them is within a few parts in a hundred
_CALL_S: Final = 6.0  # as long as a call to a hosted model usually takes; said wherever a duration is told


@dataclass(frozen=True, slots=True)
class Forecast:
    """What grading some transcripts will take, by estimate.

    Attributes:
        requests: Calls, if none is repeated.
        input_tokens: Tokens in, cached ones included.
        reply_tokens: Tokens out.
        least_usd: Price if what is the same for all is cached; ``None`` if a price isn't known.
        cost_usd: Price if nothing is ever cached; likewise.
        most_usd: Price if every reply takes all that it may; likewise.
        each_usd: What one transcript may cost at most; likewise.
    """

    requests: int
    input_tokens: int
    reply_tokens: int
    least_usd: float | None
    cost_usd: float | None
    most_usd: float | None
    each_usd: float | None

    def duration_s(self, in_flight: int, call_s: float = _CALL_S) -> float:
        """Return how long it takes with so many calls at once, if each takes so long."""
        return max(call_s, self.requests * call_s / in_flight)


@dataclass(frozen=True, slots=True)
class Known:
    """What was answered before, and needn't be paid for again.

    Attributes:
        answers: Where answers are kept.
        judge: Who gave them.
    """

    answers: AnswerStore
    judge: JudgeInfo


def forecast(
    sample: Sequence[Transcript],
    count: int,
    rubric: Rubric,
    estimate: Callable[[Case], Estimate],
    known: Known | None = None,
) -> Forecast:
    """Weigh a sample, and tell what so many transcripts like it will take."""
    if not sample:
        return Forecast(0, 0, 0, 0.0, 0.0, 0.0, 0.0)
    weighing = Weighing(estimate, known.judge if known else None)
    asyncio.run(_weigh(sample, rubric, Cached(weighing, known.answers) if known else weighing))
    total = weighing.total
    each = count / len(sample)

    def scaled(price: float | None) -> float | None:
        return None if price is None else price * each

    return Forecast(
        requests=round(total.requests * each),
        input_tokens=round((total.static_tokens + total.transcript_tokens) * each),
        reply_tokens=round(total.reply_tokens * each),
        least_usd=scaled(total.cached_cost_usd),
        cost_usd=scaled(total.cost_usd),
        most_usd=scaled(total.most_usd),
        each_usd=None if total.most_usd is None else total.most_usd / len(sample),
    )


async def _weigh(sample: Sequence[Transcript], rubric: Rubric, judge: Judge) -> None:
    for transcript in sample:
        await aevaluate(transcript, rubric, judge)
