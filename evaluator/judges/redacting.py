"""`Redacting`: a hosted judge that never sees names, e-mail addresses and phone numbers.

It gets the case with placeholders; what it says of them comes back in the candidate's own words, so that grounding
finds each quote where it was said. What stands behind this, the store of answers included, holds placeholders only.
What is found and what is missed, `redaction` tells.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from evaluator.judges.redaction.placeholders import Redaction, redact
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo, Vote
from evaluator.values.transcript import Flag

__all__ = ["Redacting"]

_METHOD: Final = "names and contacts redacted"


class Redacting:
    """Puts placeholders before a judge, and the words back after it."""

    def __init__(self, judge: Judge) -> None:
        """Wrap a judge."""
        self._judge = judge

    @property
    def languages(self) -> frozenset[str] | None:
        """Those of the judge."""
        return self._judge.languages

    def info(self, rubric: Rubric) -> JudgeInfo:
        """Return the judge's, marked as redacted: it reads other words than without."""
        info = self._judge.info(rubric)
        return info.model_copy(update={"method": f"{info.method}, {_METHOD}"})

    async def judge(self, case: Case) -> Judgement:
        """Judge the redacted case, and flag the judgement ``redacted`` with how much was taken out.

        Raises:
            JudgeError: As the judge.
        """
        redaction = await asyncio.to_thread(redact, case.transcript)
        judgement = await self._judge.judge(replace(case, transcript=redaction.transcript))
        better = judgement.better_answer
        summary = judgement.summary
        return replace(
            judgement,
            opinions=tuple(_opinion(opinion, redaction) for opinion in judgement.opinions),
            summary=None if summary is None else redaction.text(summary),
            better_answer=None if better is None else redaction.text(better),
            follow_ups=tuple(map(redaction.text, judgement.follow_ups)),
            flags=(_flag(redaction), *judgement.flags),
            votes={key: tuple(_vote(vote, redaction) for vote in votes) for key, votes in judgement.votes.items()},
        )


def _opinion(opinion: Opinion, redaction: Redaction) -> Opinion:
    quotes = tuple(redaction.quote(quote) for quote in opinion.quotes)
    return replace(opinion, quotes=quotes, reason=redaction.text(opinion.reason))


def _vote(vote: Vote, redaction: Redaction) -> Vote:
    return vote.model_copy(update={"reason": redaction.text(vote.reason)})


def _flag(redaction: Redaction) -> Flag:
    counts = redaction.counts
    told = (
        _counted(counts["NAME"], "word of a name", "words of names"),
        _counted(counts["EMAIL"], "e-mail address", "e-mail addresses"),
        _counted(counts["PHONE"], "phone number", "phone numbers"),
    )
    seen = f"The hosted judge saw placeholders for {told[0]}, {told[1]} and {told[2]}; others may have been missed."
    return Flag(code="redacted", message=seen)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
