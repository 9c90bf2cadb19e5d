"""What people say of verdicts, as values: each review, and what several of them say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from evaluator.agreement.labels import Label
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict

__all__ = ["Consensus", "Outcome", "Review", "Reviewed", "consensus", "latest"]

Outcome: TypeAlias = Literal["confirmed", "overridden"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What one person said of one verdict, once.

    Attributes:
        criterion: Id of the criterion.
        judged: The judge's verdict, which stays as it is.
        verdict: What it should be.
        reason: Why, in the reviewer's words.
        reviewer: Who says so.
        created_s: When, seconds since 1970.
        current: Whether it counts: it is the reviewer's latest on this criterion.
    """

    criterion: str
    judged: Verdict
    verdict: Label
    reason: str
    reviewer: str
    created_s: float
    current: bool = True

    @property
    def outcome(self) -> Outcome:
        """Whether the judge was right by this review."""
        return "confirmed" if self.verdict == self.judged else "overridden"


@dataclass(frozen=True, slots=True)
class Consensus:
    """What all reviewers together say of one verdict.

    Attributes:
        verdict: What most say; of as many, what was said last.
        disputed: Whether they differ.
    """

    verdict: Label
    disputed: bool


@dataclass(frozen=True, slots=True)
class Reviewed:
    """An evaluation with its reviews.

    Attributes:
        id: Id of the stored evaluation.
        candidate: The caller's id of the candidate, if any.
        evaluation: The evaluation.
        settled_s: When it was judged, seconds since 1970.
        reviews: Those that count, oldest first.
    """

    id: str
    candidate: str | None
    evaluation: Evaluation
    settled_s: float
    reviews: tuple[Review, ...]


def latest(reviews: Sequence[Review]) -> tuple[Review, ...]:
    """Return the reviews that count, in their order."""
    return tuple(review for review in reviews if review.current)


def consensus(reviews: Sequence[Review]) -> dict[str, Consensus]:
    """Return what reviews, oldest first, say together of each criterion; those that don't count are left out."""
    said: dict[str, list[Label]] = defaultdict(list)
    for review in latest(reviews):
        said[review.criterion].append(review.verdict)
    return {criterion: _consensus(verdicts) for criterion, verdicts in said.items()}


def _consensus(verdicts: Sequence[Label]) -> Consensus:
    most = max(verdicts.count(verdict) for verdict in verdicts)
    last = max(place for place, verdict in enumerate(verdicts) if verdicts.count(verdict) == most)
    return Consensus(verdicts[last], disputed=len(set(verdicts)) > 1)
