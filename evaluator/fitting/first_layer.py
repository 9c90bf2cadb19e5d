"""The first layer of the local judge's heads: sentences with what they are known to be in, linear heads out.

Sentences come from labelled answers, where the evidence is marked and the rest is not, and from files and lists of made
sentences, of which one thing is known each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluator.backends.encoder import Vectors
from evaluator.backends.local.counting import Floats
from evaluator.backends.local.features import OWN_PLACE_COLUMNS, Places
from evaluator.backends.local.heads import CriterionForm, SentenceHeads
from evaluator.fitting.examples import Example
from evaluator.fitting.made_sentences import MadeRow
from evaluator.fitting.regression import fit_logistic

__all__ = ["FIRST_LAYER", "train_sentence_heads"]

# One set for all criteria and rubrics. Found on the development labels by leave-one-author-out.
_RIDGE_SENTENCES: Final = 0.005
_RIDGE_HOLLOW: Final = 0.0005
_RIDGE_POLARITY: Final = 0.03
_RIDGE_REPLIES: Final = 0.03
_UNMARKED: Final = 0.2  # weight of sentences outside the evidence, in an answer that does have what is looked for
_NEAR_MISS: Final = 3.0  # weight of evidence for the opposite
_INAPPLICABLE: Final = 0.5  # weight of sentences of answers to which the criterion doesn't apply
_UNDECIDED: Final = 0.6  # weight of sentences of answers without evidence, for the column that finds the deciding one
_POSITIVE_MASS: Final = 0.25  # share of all weight that positives get
_MADE: Final = 1.0  # weight of a made sentence beside one that was said
FIRST_LAYER: Final[dict[str, float]] = {
    "ridge_sentences": _RIDGE_SENTENCES,
    "ridge_hollow": _RIDGE_HOLLOW,
    "ridge_polarity": _RIDGE_POLARITY,
    "ridge_replies": _RIDGE_REPLIES,
    "unmarked": _UNMARKED,
    "near_miss": _NEAR_MISS,
    "inapplicable": _INAPPLICABLE,
    "undecided": _UNDECIDED,
    "positive_mass": _POSITIVE_MASS,
    "made": _MADE,
}


@dataclass(frozen=True, slots=True, eq=False)
class _Targets:
    """What is wanted of each sentence, and how much it counts; ``n`` sentences, ``m`` criteria.

    Attributes:
        wanted: ``(n, 3 m + 1)``: commits, avoids, decides, hollow.
        weights: Of the same.
        points: ``(n, m)``: which way it points, if it decides.
        point_weights: Of the same.
    """

    wanted: Floats
    weights: Floats
    points: Floats
    point_weights: Floats

    @classmethod
    def blank(cls, n: int, m: int) -> _Targets:
        return cls(*np.zeros((2, n, 3 * m + 1)), *np.zeros((2, n, m)))

    def part(self, rows: slice) -> _Targets:
        """Return views of some rows."""
        return _Targets(self.wanted[rows], self.weights[rows], self.points[rows], self.point_weights[rows])


def train_sentence_heads(
    examples: Sequence[Example],
    forms: tuple[CriterionForm, ...],
    made: Sequence[MadeRow],
) -> SentenceHeads:
    """Train the first layer.

    Args:
        examples: Labelled answers.
        forms: The criteria; ``m``.
        made: Made sentences; hollow ones teach what is hollow, and nothing of any criterion.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    said = [example.features.rows for example in examples]
    rows: Vectors = np.vstack([*said, *(one.row[None] for one in made)])
    starts = np.cumsum([0, *map(len, said)]).tolist()
    targets = _Targets.blank(len(rows), len(forms))
    for example, start in zip(examples, starts, strict=False):
        here = targets.part(slice(start, start + len(example.features.sentences)))
        here.weights[:, 2 * len(forms) :] = 1.0
        _mark(example, forms, here)
        _mark_polarity(example, forms, here)
    for number, one in enumerate(made, start=starts[-1]):
        _mark_made(one, forms, targets.part(slice(number, number + 1)))
    _balance(targets.points, targets.point_weights)
    marked = targets.point_weights.sum(axis=1) > 0
    polarity = fit_logistic(rows[marked], targets.points[marked], targets.point_weights[marked], ridge=_RIDGE_POLARITY)
    _give_positives_mass(targets.wanted, targets.weights)
    told = fit_logistic(rows, targets.wanted[:, :-1], targets.weights[:, :-1], ridge=_RIDGE_SENTENCES)
    hollow = fit_logistic(
        _by_itself(rows, examples[0]), targets.wanted[:, -1:], targets.weights[:, -1:], ridge=_RIDGE_HOLLOW
    )
    return SentenceHeads(
        forms=forms,
        sentences=np.hstack([told, hollow]),
        polarity=polarity,
        replies=_reply_heads(examples, forms),
    )


def _by_itself(rows: Vectors, like: Example) -> Vectors:
    """Return the rows of `Features` without what tells of a sentence's place and neighbours.

    Whether a sentence is hollow depends on its own words alone; columns of zeros get weights of zero.
    """
    d, g = int(like.features.vectors.shape[1]), int(like.features.phrases.shape[1])
    alone = rows.copy()
    alone[:, d : 2 * d] = 0
    alone[:, 2 * d + g : 2 * d + 3 * g] = 0
    alone[:, -OWN_PLACE_COLUMNS:] = 0
    return alone


def _mark(example: Example, forms: tuple[CriterionForm, ...], here: _Targets) -> None:
    """Fill in what one example's sentences are."""
    m, wanted, weights = len(forms), here.wanted, here.weights
    for place, form in enumerate(forms):
        decisive, label = _decisive(example, form), example.labels[form.id]
        if len(decisive):
            wanted[decisive, 2 * m + place] = 1
        else:
            weights[:, 2 * m + place] = _UNDECIDED
        for column, shown in ((place, "present"), (m + place, "absent")):
            if label == "na":
                weights[:, column] = _INAPPLICABLE
            elif label == shown:
                weights[:, column] = _UNMARKED
                wanted[decisive, column] = 1
                weights[decisive, column] = 1
            elif label is not None:
                weights[:, column] = 1
                weights[decisive, column] = _NEAR_MISS


def _mark_polarity(example: Example, forms: tuple[CriterionForm, ...], here: _Targets) -> None:
    """Fill in which way deciding sentences point; those of one example weigh one together."""
    for place, form in enumerate(forms):
        label, marked = example.labels[form.id], _decisive(example, form)
        if label in ("present", "absent") and len(marked):
            here.points[marked, place] = label == "present"
            here.point_weights[marked, place] = 1 / len(marked)


def _mark_made(one: MadeRow, forms: tuple[CriterionForm, ...], here: _Targets) -> None:
    """Fill in the one thing that is known of a made sentence."""
    m = len(forms)
    if one.criterion is None:
        here.wanted[0, -1] = here.weights[0, -1] = _MADE
        return
    here.weights[0, -1] = _MADE * _NEAR_MISS
    for place, form in enumerate(forms):
        if form.id == one.criterion:
            commits, avoids = (place, m + place) if one.commits else (m + place, place)
            here.wanted[0, [commits, 2 * m + place]] = 1
            here.weights[0, [commits, 2 * m + place]] = _MADE
            here.weights[0, avoids] = _MADE * _NEAR_MISS
            here.points[0, place] = one.commits
            here.point_weights[0, place] = _MADE


def _decisive(example: Example, form: CriterionForm) -> Places:
    return example.decisive.get(form.id, np.array([], np.intp))


def _balance(targets: Floats, weights: Floats) -> None:
    """Raise the weight of positives by the root of what would balance them, column by column."""
    positive, negative = (targets * weights).sum(axis=0), ((1 - targets) * weights).sum(axis=0)
    factor = np.sqrt(np.maximum(negative, 1) / np.maximum(positive, 1))
    weights *= np.where(targets > 0, factor, 1)


def _give_positives_mass(targets: Floats, weights: Floats) -> None:
    """Scale positives so that they hold their share of each column's weight; a column without any stays as it is."""
    positive, negative = (targets * weights).sum(axis=0), ((1 - targets) * weights).sum(axis=0)
    factor = _POSITIVE_MASS / (1 - _POSITIVE_MASS) * negative / np.maximum(positive, 1e-9)
    weights *= np.where((targets > 0) & (positive > 0), factor, 1)


def _reply_heads(examples: Sequence[Example], forms: tuple[CriterionForm, ...]) -> Floats:
    width = len(examples[0].features.reply_vectors)
    columns = [_reply_head(examples, form) for form in forms if form.answers_follow_up]
    return np.hstack(columns) if columns else np.zeros((width + 1, 0))


def _reply_head(examples: Sequence[Example], form: CriterionForm) -> Floats:
    known = [e for e in examples if e.labels[form.id] in ("present", "absent")]
    if not known:
        return np.zeros((len(examples[0].features.reply_vectors) + 1, 1))
    wanted = np.array([[float(e.labels[form.id] == "present")] for e in known])
    weights = np.where(wanted > 0, np.sqrt((1 - wanted).sum() / max(1.0, wanted.sum())), 1.0)
    return fit_logistic(np.stack([e.features.reply_vectors for e in known]), wanted, weights, ridge=_RIDGE_REPLIES)
