"""Training: examples in, two layers of linear heads and curves of confidence out.

The second layer learns from first-layer scores of examples that those heads had not seen (one fold held out in turn):
else it would trust them too much. The same input gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluator.backends.local.calibration import ConfidenceCurve
from evaluator.backends.local.counting import Floats
from evaluator.backends.local.features import Places
from evaluator.backends.local.heads import CriterionForm, SentenceHeads, SentenceScores, score_sentences
from evaluator.fitting.examples import Example
from evaluator.fitting.regression import fit_logistic

__all__ = ["HYPER_PARAMETERS", "RECIPE_VERSION", "TrainedHeads", "train_heads"]

RECIPE_VERSION: Final = 1
# One set for all criteria and rubrics. Found on the development labels by leave-one-author-out.
_RIDGE_SENTENCES: Final = 0.003
_RIDGE_POLARITY: Final = 0.03
_RIDGE_REPLIES: Final = 0.03
_RIDGE_DOCUMENT: Final = 0.01
_RIDGE_CONFIDENCE: Final = 1e-4
_UNMARKED: Final = 0.2  # weight of sentences outside the evidence, in an answer that does have what is looked for
_NEAR_MISS: Final = 3.0  # weight of evidence for the opposite
_INAPPLICABLE: Final = 0.5  # weight of sentences of answers to which the criterion doesn't apply
_UNDECIDED: Final = 0.6  # weight of sentences of answers without evidence, for the column that finds the deciding one
_POSITIVE_MASS: Final = 0.25  # share of all weight that positives get
_OWN_MIX: Final = 0.3  # share of the second layer's weights from a fit on the criterion's own columns alone
_ABSTAINED: Final = 0.10  # share of held-out verdicts absent that are given up as too close to call
HYPER_PARAMETERS: Final[dict[str, float]] = {
    "ridge_sentences": _RIDGE_SENTENCES,
    "ridge_polarity": _RIDGE_POLARITY,
    "ridge_replies": _RIDGE_REPLIES,
    "ridge_document": _RIDGE_DOCUMENT,
    "ridge_confidence": _RIDGE_CONFIDENCE,
    "unmarked": _UNMARKED,
    "near_miss": _NEAR_MISS,
    "inapplicable": _INAPPLICABLE,
    "undecided": _UNDECIDED,
    "positive_mass": _POSITIVE_MASS,
    "own_mix": _OWN_MIX,
    "abstained": _ABSTAINED,
}


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHeads:
    """What was learned.

    Attributes:
        sentences: The first layer, trained on all examples.
        documents: The second layer: weights and intercept for each criterion, in the order of the forms.
        present: Confidence of verdicts present.
        absent: Confidence of verdicts absent, and the margin below which they are given up.
    """

    sentences: SentenceHeads
    documents: tuple[Floats, ...]
    present: ConfidenceCurve
    absent: ConfidenceCurve


def train_heads(
    examples: Sequence[Example], folds: Mapping[str, str], forms: tuple[CriterionForm, ...]
) -> TrainedHeads:
    """Train both layers.

    Args:
        examples: At least two folds of them.
        folds: Fold of each row id; what resembles one another shares one.
        forms: The criteria to train; each has labels present and absent.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    fold_of = [folds[example.row_id] for example in examples]
    unseen: list[SentenceScores | None] = [None] * len(examples)
    for fold in sorted(set(fold_of)):
        heads = _sentence_heads([e for e, own in zip(examples, fold_of, strict=True) if own != fold], forms)
        for place, example in enumerate(examples):
            if fold_of[place] == fold:
                unseen[place] = score_sentences(example.features, heads)
    scores = [score for score in unseen if score is not None]
    documents: list[Floats] = []
    margins: list[Floats] = []
    labels: list[Floats] = []
    for place, form in enumerate(forms):
        known = [number for number, e in enumerate(examples) if e.labels[form.id] in ("present", "absent")]
        rows = [scores[number].document_row(place, examples[number].features) for number in known]
        columns, own = np.stack([row for row, _ in rows]), rows[0][1]
        wanted = np.array([examples[number].labels[form.id] == "present" for number in known], np.float64)
        documents.append(_document_head(columns, wanted, own))
        margins.append(_held_out_margins(columns, wanted, own, [fold_of[number] for number in known]))
        labels.append(wanted)
    margin, wanted = np.concatenate(margins), np.concatenate(labels)
    return TrainedHeads(
        sentences=_sentence_heads(examples, forms),
        documents=tuple(documents),
        present=_confidence(margin[margin >= 0], wanted[margin >= 0], given_up=0.0),
        absent=_confidence(-margin[margin < 0], 1 - wanted[margin < 0], given_up=_ABSTAINED),
    )


def _sentence_heads(examples: Sequence[Example], forms: tuple[CriterionForm, ...]) -> SentenceHeads:
    rows = np.vstack([example.features.rows for example in examples])
    starts = np.cumsum([0, *(len(example.features.sentences) for example in examples)])
    targets, weights = np.zeros((2, len(rows), 3 * len(forms) + 1))
    weights[:, 2 * len(forms) :] = 1.0
    points, point_weights = np.zeros((2, len(rows), 2 * len(forms)))
    for example, start in zip(examples, starts, strict=False):
        here = slice(start, start + len(example.features.sentences))
        _mark(example, forms, targets[here], weights[here])
        _mark_polarity(example, forms, points[here], point_weights[here])
    _balance(points, point_weights)
    marked = point_weights.sum(axis=1) > 0
    polarity = fit_logistic(rows[marked], points[marked], point_weights[marked], ridge=_RIDGE_POLARITY)
    _give_positives_mass(targets, weights)
    return SentenceHeads(
        forms=forms,
        sentences=fit_logistic(rows, targets, weights, ridge=_RIDGE_SENTENCES),
        polarity=polarity,
        replies=_reply_heads(examples, forms),
    )


def _mark(example: Example, forms: tuple[CriterionForm, ...], targets: Floats, weights: Floats) -> None:
    """Fill in what one example's sentences are, in views of the arrays of all: commits, avoids, decides, primary."""
    m = len(forms)
    targets[example.primary, 3 * m] = 1
    for place, form in enumerate(forms):
        decisive, label = _decisive(example, form), example.labels[form.id]
        if len(decisive):
            targets[decisive, 2 * m + place] = 1
        else:
            weights[:, 2 * m + place] = _UNDECIDED
        for column, shown in ((place, "present"), (m + place, "absent")):
            if label == "na":
                weights[:, column] = _INAPPLICABLE
            elif label == shown:
                weights[:, column] = _UNMARKED
                targets[decisive, column] = 1
                weights[decisive, column] = 1
            elif label is not None:
                weights[:, column] = 1
                weights[decisive, column] = _NEAR_MISS


def _mark_polarity(example: Example, forms: tuple[CriterionForm, ...], points: Floats, weights: Floats) -> None:
    """Fill in which way deciding sentences point; those of one example weigh one together."""
    for place, form in enumerate(forms):
        label = example.labels[form.id]
        if label not in ("present", "absent"):
            continue
        for column, marked in ((place, _decisive(example, form)), (len(forms) + place, example.primary)):
            if len(marked):
                points[marked, column] = label == "present"
                weights[marked, column] = 1 / len(marked)


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


def _document_head(columns: Floats, wanted: Floats, own: int) -> Floats:
    """Fit one criterion's second layer: a mix of a fit on all columns and one on its own alone."""
    centre = columns.mean(axis=0)
    weights = np.where(wanted > 0, np.sqrt((1 - wanted).sum() / max(1.0, wanted.sum())), 1.0)[:, None]
    mask = np.zeros(columns.shape[1])
    mask[:own] = 1.0
    everything = fit_logistic(columns - centre, wanted[:, None], weights, ridge=_RIDGE_DOCUMENT)[:, 0]
    alone = fit_logistic((columns - centre) * mask, wanted[:, None], weights, ridge=_RIDGE_DOCUMENT)[:, 0]
    mixed = (1 - _OWN_MIX) * everything + _OWN_MIX * alone * np.append(mask, 1.0)
    mixed[-1] -= centre @ mixed[:-1]
    return mixed


def _held_out_margins(columns: Floats, wanted: Floats, own: int, folds: Sequence[str]) -> Floats:
    """Return margins of each row from a fit without its fold; 0 where the others hold no two positives."""
    margins = np.zeros(len(wanted))
    fold_of = np.array(folds)
    for fold in sorted(set(folds)):
        held, rest = fold_of == fold, fold_of != fold
        if wanted[rest].sum() > 1:
            head = _document_head(columns[rest], wanted[rest], own)
            margins[held] = columns[held] @ head[:-1] + head[-1]
    return margins


def _confidence(margins: Floats, right: Floats, *, given_up: float) -> ConfidenceCurve:
    """Fit how often verdicts of a margin are right."""
    if not len(margins):
        return ConfidenceCurve(slope=0.0, intercept=0.0, least_margin=0.0)
    slope, intercept = fit_logistic(
        margins[:, None], right[:, None], np.ones((len(margins), 1)), ridge=_RIDGE_CONFIDENCE
    )[:, 0]
    return ConfidenceCurve(
        slope=round(float(slope), 6),
        intercept=round(float(intercept), 6),
        least_margin=round(float(np.quantile(margins, given_up)), 6),
    )
