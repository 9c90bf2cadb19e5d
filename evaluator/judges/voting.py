"""Several answers to the same questions: one opinion on each by majority, and everything that was said beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evaluator.errors import JudgeError
from evaluator.judging import Case, Judge, Judgement, Opinion
from evaluator.rubric import Criterion
from evaluator.values.judge import Confirmation, Vote

__all__ = ["Tally", "Texts", "asked_again", "attempt", "by_criterion", "count", "majority", "texts_of"]

_MOST_QUOTES = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """What several answers come to.

    Attributes:
        opinions: One for each criterion that anybody gave an opinion on, in the rubric's order.
        votes: By criterion, who said what.
    """

    opinions: tuple[Opinion, ...]
    votes: dict[str, tuple[Vote, ...]]


@dataclass(frozen=True, slots=True)
class Texts:
    """What a model wrote for the candidate; as in `Judgement`."""

    summary: str | None = None
    better_answer: str | None = None
    follow_ups: tuple[str, ...] = ()


def count(criteria: Sequence[Criterion], said: Mapping[str, Mapping[str, Opinion]]) -> Tally:
    """Count the votes on each criterion.

    Args:
        criteria: What was asked.
        said: By voter and criterion, as from `by_criterion`.
    """
    opinions: list[Opinion] = []
    votes: dict[str, tuple[Vote, ...]] = {}
    for criterion in criteria:
        given = {voter: one[criterion.id] for voter, one in said.items() if criterion.id in one}
        if given:
            opinions.append(majority(criterion.id, given))
            votes[criterion.id] = _votes_of(given)
    return Tally(tuple(opinions), votes)


def majority(criterion_id: str, opinions: Mapping[str, Opinion]) -> Opinion:
    """Return what more than half of the usable answers say; without such a majority, as in a tie, ``unscored``.

    That it can't be told is an answer and counts; an answer that could not be used (``unscored`` without a confidence)
    doesn't. The confidence is the share of all voters who agree, times the mean of what they gave (1.0 where one gave
    none); the quotes are those of the surest that agree.

    Args:
        criterion_id: What they are opinions on.
        opinions: By who said it; at least one.
    """
    usable = [opinion for opinion in opinions.values() if _is_usable(opinion)]
    told = ", ".join(f"{voter}: {opinion.verdict}" for voter, opinion in opinions.items())
    for verdict in ("present", "absent"):
        agree = [opinion for opinion in usable if opinion.verdict == verdict]
        if 2 * len(agree) <= len(usable):
            continue
        agree.sort(key=lambda opinion: (bool(opinion.quotes), opinion.confidence or 0.0), reverse=True)
        return Opinion(
            criterion=criterion_id,
            verdict=verdict,
            confidence=_confidence(agree, len(opinions)),
            quotes=tuple(dict.fromkeys(quote for opinion in agree for quote in opinion.quotes))[:_MOST_QUOTES],
            reason=agree[0].reason if len(agree) == len(opinions) else f"{agree[0].reason} ({told})",
        )
    told_nothing = all(opinion.verdict == "unscored" for opinion in opinions.values())
    unsure = [opinion for opinion in usable if opinion.verdict == "unscored"]
    return Opinion(
        criterion=criterion_id,
        verdict="unscored",
        confidence=_confidence(unsure, len(opinions)) if len(usable) == len(opinions) else None,
        quotes=(),
        reason=f"{'None could tell' if told_nothing else 'No majority'} ({told}).",
    )


def by_criterion(opinions: Sequence[Opinion]) -> dict[str, Opinion]:
    """Return opinions by criterion; of two on the same, neither counts."""
    ids = [opinion.criterion for opinion in opinions]
    return {opinion.criterion: opinion for opinion in opinions if ids.count(opinion.criterion) == 1}


def asked_again(votes: Mapping[str, Sequence[Vote]]) -> Confirmation:
    """Return how many criteria were asked about more than once, and on how many of them usable answers differ."""
    verdicts = [
        {vote.verdict for vote in given if vote.verdict != "unscored" or vote.confidence is not None}
        for given in votes.values()
        if len(given) > 1
    ]
    return Confirmation(asked=len(verdicts), flipped=sum(len(different) > 1 for different in verdicts))


async def attempt(judge: Judge, case: Case) -> Judgement | JudgeError:
    """Ask a judge; return its error rather than raise it, so that others who are asked beside it go on."""
    try:
        return await judge.judge(case)
    except JudgeError as error:
        return error


def texts_of(judgements: Sequence[Judgement], opinions: Sequence[Opinion]) -> Texts:
    """Return what the one wrote who agrees most with the outcome; of equals, the first.

    Its summary is left out unless it agrees with every verdict: it may tell of one that was outvoted.
    """
    outcome = {opinion.criterion: opinion.verdict for opinion in opinions}
    best, most = Texts(), -1
    for judgement in judgements:
        texts = Texts(judgement.summary, judgement.better_answer, judgement.follow_ups)
        said = by_criterion(judgement.opinions)
        agreed = sum(key in said and said[key].verdict == verdict for key, verdict in outcome.items())
        if texts != Texts() and agreed > most:
            best, most = texts, agreed
    return best if most == len(outcome) else replace(best, summary=None)


def _votes_of(opinions: Mapping[str, Opinion]) -> tuple[Vote, ...]:
    return tuple(
        Vote(voter=voter, verdict=o.verdict, confidence=o.confidence, reason=o.reason) for voter, o in opinions.items()
    )


def _is_usable(opinion: Opinion) -> bool:
    return opinion.verdict != "unscored" or opinion.confidence is not None


def _confidence(agree: Sequence[Opinion], voters: int) -> float:
    return round(sum(1.0 if o.confidence is None else o.confidence for o in agree) / voters, 4)
