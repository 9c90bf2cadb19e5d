"""Verdicts without training: likeness of the candidate's sentences to the exemplars of a criterion.

Weak, and says so: by the exemplars of the rubric netflix_pm_metrics it reaches a macro F1 of 0.55 on 192 labelled
transcripts and leaves a third of the criteria undecided. It is what a rubric has before anybody labels transcripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.features import Sentence
from evaluator.judging import Opinion, Quote
from evaluator.rubric import Criterion

__all__ = ["ExemplarVectors", "encode_exemplars", "judge_by_exemplars"]

# Found with six exemplars of either side for each criterion, taken from authors other than the one judged.
_NEAR: Final = 0.45
_NEARER: Final = 0.25
_DISCOUNT: Final = 0.5
_TOO_CLOSE: Final = 0.03
_QUOTES: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class ExemplarVectors:
    """Exemplars of one criterion, as unit rows.

    Attributes:
        commits: ``(a, d)``; ``a`` may be 0.
        avoids: ``(b, d)``; ``b`` may be 0.
    """

    commits: Vectors
    avoids: Vectors


def encode_exemplars(criterion: Criterion, encoder: Encoder) -> ExemplarVectors:
    """Encode the exemplars of a criterion.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: Its packages aren't installed.
    """
    commits, avoids = criterion.exemplars.commits, criterion.exemplars.avoids
    rows = encoder.encode([*commits, *avoids])
    return ExemplarVectors(rows[: len(commits)], rows[len(commits) :])


def judge_by_exemplars(
    criterion: Criterion, exemplars: ExemplarVectors, sentences: tuple[Sentence, ...], vectors: Vectors
) -> Opinion:
    """Judge one criterion by likeness alone.

    An omission is avoided by one sentence near enough to an exemplar that avoids it. A commission is there if one
    sentence is nearer to an exemplar that commits it than to those that avoid it. Close calls are ``unscored``. No
    confidence is given: nothing measured what it would be worth.

    Args:
        criterion: Of kind omission or commission; a measured one is left to its count.
        exemplars: Of this criterion.
        sentences: The candidate's; ``n``, at least one.
        vectors: ``(n, d)``, unit rows, of the same sentences.
    """
    if criterion.kind == "measured":
        return _unscored(criterion, "Nothing but the length of the answer was looked at.")
    omission = criterion.kind == "omission"
    decisive = exemplars.avoids if omission else exemplars.commits
    if not len(decisive):
        return _unscored(criterion, "The rubric has no exemplar to compare the answer with.")
    likeness = (vectors @ decisive.T).max(axis=1)
    if not omission and len(exemplars.avoids):
        likeness = likeness - _DISCOUNT * (vectors @ exemplars.avoids.T).max(axis=1)
    limit = _NEAR if omission else _NEARER
    margin = float(likeness.max()) - limit
    said = f"the nearest sentence reaches {margin + limit:.2f}, the mark is {limit:.2f}"
    if abs(margin) < _TOO_CLOSE:
        return _unscored(criterion, f"Likeness to the rubric's exemplars can't tell: {said}.")
    found = margin > 0
    order: list[int] = np.argsort(-likeness, kind="stable")[:_QUOTES].tolist()
    shown = [sentences[place] for place in order if float(likeness[place]) > limit]
    return Opinion(
        criterion=criterion.id,
        verdict="present" if found != omission else "absent",
        confidence=None,
        quotes=tuple(Quote(sentence.turn, sentence.text) for sentence in shown),
        reason=f"Estimated by likeness to the rubric's exemplars, not by reading: {said}.",
    )


def _unscored(criterion: Criterion, reason: str) -> Opinion:
    return Opinion(criterion=criterion.id, verdict="unscored", confidence=None, quotes=(), reason=reason)
