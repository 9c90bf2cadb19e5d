"""One opinion out of several on the same criterion: majority, with everything that was said kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluator.judging import Opinion
from evaluator.types import Vote

__all__ = ["majority", "votes_of"]


def majority(criterion_id: str, opinions: Mapping[str, Opinion]) -> Opinion:
    """Return what more than half of those that could tell say; without such a majority ``unscored``.

    Its confidence is the share that agrees times the mean of what they gave (1.0 where one gave none); its quotes are
    those of the surest that agree.

    Args:
        criterion_id: What they are opinions on.
        opinions: By who said it; at least one.
    """
    decided = {voter: opinion for voter, opinion in opinions.items() if opinion.verdict != "unscored"}
    told = ", ".join(f"{voter}: {opinion.verdict}" for voter, opinion in opinions.items())
    for verdict in ("present", "absent"):
        agree = [opinion for opinion in decided.values() if opinion.verdict == verdict]
        if 2 * len(agree) <= len(decided):
            continue
        agree.sort(key=lambda opinion: (bool(opinion.quotes), opinion.confidence or 0.0), reverse=True)
        sure = sum(1.0 if o.confidence is None else o.confidence for o in agree) / len(agree)
        return Opinion(
            criterion=criterion_id,
            verdict=verdict,
            confidence=round(len(agree) / len(opinions) * sure, 4),
            quotes=tuple(dict.fromkeys(quote for opinion in agree for quote in opinion.quotes))[:4],
            reason=agree[0].reason if len(opinions) == 1 else f"{agree[0].reason} ({told})",
        )
    why = f"No majority ({told})." if decided else f"None could tell ({told})."
    return Opinion(criterion=criterion_id, verdict="unscored", confidence=None, quotes=(), reason=why)


def votes_of(opinions: Mapping[str, Opinion]) -> tuple[Vote, ...]:
    """Return who said what, for the debrief."""
    return tuple(
        Vote(voter=voter, verdict=o.verdict, confidence=o.confidence, reason=o.reason) for voter, o in opinions.items()
    )


def by_criterion(opinions: Sequence[Opinion]) -> dict[str, Opinion]:
    """Return opinions by criterion; of two on the same, neither counts."""
    ids = [opinion.criterion for opinion in opinions]
    return {opinion.criterion: opinion for opinion in opinions if ids.count(opinion.criterion) == 1}
