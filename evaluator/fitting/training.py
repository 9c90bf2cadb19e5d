"""Training: examples in, two layers of linear heads and curves of confidence out.

The second layer learns from first-layer scores of examples that those heads had not seen (one fold held out in turn):
else it would trust them too much. The same input gives the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from evaluator.backends.local.calibration import ConfidenceCurve
from evaluator.backends.local.counting import Floats
from evaluator.backends.local.heads import CriterionForm, SentenceHeads, SentenceScores, score_sentences
from evaluator.fitting.examples import Example
from evaluator.fitting.first_layer import FIRST_LAYER, train_sentence_heads
from evaluator.fitting.made_sentences import MadeRow
from evaluator.fitting.regression import fit_logistic
from evaluator.fitting.second_layer import SECOND_LAYER, answers_of, held_out_margins, train_document_head

__all__ = ["HYPER_PARAMETERS", "RECIPE_VERSION", "TrainedHeads", "train_heads"]

RECIPE_VERSION: Final = 4
_RIDGE_CONFIDENCE: Final = 1e-4
_LEAST_SLOPE: Final = 1e-3
# How likely a verdict must be right for it to be given, by what an error costs. Most labels say absent, so that one in
# four verdicts absent that is wrong would hide half of all failures; a doubtful verdict present is at least a hint.
_SURE_PRESENT: Final = 0.55
_SURE_ABSENT: Final = 0.75
HYPER_PARAMETERS: Final[dict[str, float]] = {
    **FIRST_LAYER,
    **SECOND_LAYER,
    "ridge_confidence": _RIDGE_CONFIDENCE,
    "sure_present": _SURE_PRESENT,
    "sure_absent": _SURE_ABSENT,
}


@dataclass(frozen=True, slots=True, eq=False)
class TrainedHeads:
    """What was learned.

    Attributes:
        sentences: The first layer, trained on all examples.
        documents: The second layer: weights and intercept for each criterion, in the order of the forms.
        present: Confidence of verdicts present, and the margin below which they are given up.
        absent: The same of verdicts absent.
    """

    sentences: SentenceHeads
    documents: tuple[Floats, ...]
    present: ConfidenceCurve
    absent: ConfidenceCurve


def train_heads(
    examples: Sequence[Example],
    folds: Mapping[str, str],
    forms: tuple[CriterionForm, ...],
    *,
    made: Sequence[MadeRow] = (),
) -> TrainedHeads:
    """Train both layers.

    Args:
        examples: At least two folds of them.
        folds: Fold of each row id; what resembles one another shares one.
        forms: The criteria to train; each has labels present and absent.
        made: Sentences that nobody said; every fold learns from them.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    names = sorted(set(folds.values()))
    fold_of = [names.index(folds[example.row_id]) for example in examples]
    scores = _unseen_scores(examples, fold_of, lambda kept: train_sentence_heads(kept, forms, made))
    documents: list[Floats] = []
    held_out: list[tuple[Floats, Floats]] = []
    for place in range(len(forms)):
        answers = answers_of(place, examples, scores, fold_of)
        documents.append(train_document_head(answers))
        held_out.append(held_out_margins(answers))
    margin, wanted = (np.concatenate(parts) for parts in zip(*held_out, strict=True))
    return TrainedHeads(
        sentences=train_sentence_heads(examples, forms, made),
        documents=tuple(documents),
        present=_confidence(margin[margin >= 0], wanted[margin >= 0], sure=_SURE_PRESENT),
        absent=_confidence(-margin[margin < 0], 1 - wanted[margin < 0], sure=_SURE_ABSENT),
    )


def _unseen_scores(
    examples: Sequence[Example], fold_of: Sequence[int], train: Callable[[list[Example]], SentenceHeads]
) -> list[SentenceScores]:
    """Return what heads say of each example that learned from the other folds."""
    scores: dict[int, SentenceScores] = {}
    for fold in sorted(set(fold_of)):
        heads = train([e for e, own in zip(examples, fold_of, strict=True) if own != fold])
        for number, example in enumerate(examples):
            if fold_of[number] == fold:
                scores[number] = score_sentences(example.features, heads)
    return [scores[number] for number in range(len(examples))]


def _confidence(margins: Floats, right: Floats, *, sure: float) -> ConfidenceCurve:
    """Fit how often verdicts of a margin are right, and find the margin from which on they are right so often.

    A curve that falls means that margins say nothing: then all verdicts are given, or only the clearest.
    """
    if not len(margins):
        return ConfidenceCurve(slope=0.0, intercept=0.0, least_margin=0.0)
    slope, intercept = fit_logistic(
        margins[:, None], right[:, None], np.ones((len(margins), 1)), ridge=_RIDGE_CONFIDENCE
    )[:, 0]
    due = math.log(sure / (1 - sure)) - float(intercept)
    least = due / float(slope) if slope > _LEAST_SLOPE else float(margins.max()) * (due > 0)
    return ConfidenceCurve(
        slope=round(float(slope), 6),
        intercept=round(float(intercept), 6),
        least_margin=round(max(0.0, least), 6),
    )
