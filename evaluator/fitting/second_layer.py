"""The second layer of the local judge's heads: columns of whole answers and labels in, linear heads out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.local.counting import Floats
from evaluator.backends.local.heads import SentenceScores
from evaluator.fitting.examples import Example
from evaluator.fitting.regression import fit_logistic

__all__ = ["SECOND_LAYER", "Answers", "answers_of", "held_out_margins", "train_document_head"]

_RIDGE_DOCUMENT: Final = 0.01
_OWN_MIX: Final = 0.3  # share of the weights from a fit on the criterion's own columns alone
SECOND_LAYER: Final[dict[str, float]] = {
    "ridge_document": _RIDGE_DOCUMENT,
    "own_mix": _OWN_MIX,
}


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the second layer learns one criterion from; ``n`` answers.

    Attributes:
        columns: ``(n, width)``, as `SentenceScores.document_row`.
        own: How many of the columns are the criterion's own.
        wanted: ``(n,)``, 1 for present.
        folds: ``(n,)``, by number.
    """

    columns: Floats
    own: int
    wanted: Floats
    folds: NDArray[np.intp]

    def some(self, chosen: NDArray[np.bool_]) -> Answers:
        """Return those that are chosen."""
        return Answers(
            self.columns[chosen],
            self.own,
            self.wanted[chosen],
            self.folds[chosen],
        )


def answers_of(
    place: int,
    examples: Sequence[Example],
    scores: Sequence[SentenceScores],
    folds: Sequence[int],
) -> Answers:
    """Return what is known of criterion number ``place``.

    Args:
        place: Number of the criterion among the forms.
        examples: Labelled answers.
        scores: What a first layer that has not seen them says of each.
        folds: Number of the fold of each.
    """
    criterion = scores[0].forms[place].id
    chosen = [number for number, example in enumerate(examples) if example.labels[criterion] in ("present", "absent")]
    rows = [scores[number].document_row(place, examples[number].features) for number in chosen]
    return Answers(
        columns=np.stack([row for row, _ in rows]),
        own=rows[0][1],
        wanted=np.array([examples[number].labels[criterion] == "present" for number in chosen], np.float64),
        folds=np.array([folds[number] for number in chosen], np.intp),
    )


def train_document_head(answers: Answers) -> Floats:
    """Return weights and intercept: a mix of a fit on all columns and one on the criterion's own alone.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    present, centre = answers.wanted > 0, answers.columns.mean(axis=0)
    balance = np.sqrt((~present).sum() / max(1, int(present.sum())))
    balanced = np.where(present, balance, 1.0)[:, None]
    mask = np.zeros(answers.columns.shape[1])
    mask[: answers.own] = 1.0
    centred, wanted = answers.columns - centre, answers.wanted[:, None]
    everything = fit_logistic(centred, wanted, balanced, ridge=_RIDGE_DOCUMENT)[:, 0]
    alone = fit_logistic(centred * mask, wanted, balanced, ridge=_RIDGE_DOCUMENT)[:, 0]
    mixed = (1 - _OWN_MIX) * everything + _OWN_MIX * alone * np.append(mask, 1.0)
    mixed[-1] -= centre @ mixed[:-1]
    return mixed


def held_out_margins(answers: Answers) -> tuple[Floats, Floats]:
    """Return the margins of the answers, each from a fit without its fold, and what is wanted of them.

    Margins are 0 where the other folds hold no two positives.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    margins = np.zeros(len(answers.wanted))
    for fold in sorted(set(answers.folds.tolist())):
        held, rest = answers.folds == fold, answers.folds != fold
        if answers.wanted[rest].sum() > 1:
            head = train_document_head(answers.some(rest))
            margins[held] = answers.columns[held] @ head[:-1] + head[-1]
    return margins, answers.wanted
