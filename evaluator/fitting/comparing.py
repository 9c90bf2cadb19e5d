"""What new heads are held against: the judge as it was before them, on the same rows.

Before there is a calibration, that is the judge with the rubric's exemplars alone. A calibration that learned from the
same labels remembers them, so it stands by the figures that it was measured at when it was made; if those are of other
labels, nothing fair can be said of it, and the exemplars stand for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from evaluator.agreement.comparison import agreement_of
from evaluator.agreement.labels import LabelSet
from evaluator.agreement.measure import measure
from evaluator.agreement.predictions import predictions_of
from evaluator.backends.local.calibration import Calibration, HeldOutFigures
from evaluator.backends.similarity_judge import SimilarityJudge
from evaluator.fitting.calibrating import TrainingSet

__all__ = ["Before", "measure_before"]


@dataclass(frozen=True, slots=True)
class Before:
    """How the judge did without the new heads.

    Attributes:
        name: What it is, for a message.
        macro_f1: ``None`` if undefined.
        by_criterion: F1 of each.
    """

    name: str
    macro_f1: float | None
    by_criterion: Mapping[str, float | None]

    def betters(self, after: HeldOutFigures) -> bool:
        """Return whether it did better than new heads do on authors that they had not seen."""
        return self.macro_f1 is not None and (after.macro_f1 is None or after.macro_f1 < round(self.macro_f1, 4))

    def lost(self, after: HeldOutFigures) -> dict[str, tuple[float, float]]:
        """Return the criteria on which new heads do worse, each with F1 before and after."""
        found: dict[str, tuple[float, float]] = {}
        for criterion, figures in after.by_criterion.items():
            old = self.by_criterion.get(criterion)
            if old is not None and figures.f1 is not None and figures.f1 < round(old, 4):
                found[criterion] = (old, figures.f1)
        return found


def measure_before(training: TrainingSet, replaced: Calibration | None) -> Before:
    """Measure the judge without the new heads.

    Args:
        training: Rows, rubric and encoder.
        replaced: The calibration that would be overwritten; ``None`` if there is none that fits.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: A package isn't installed.
    """
    if replaced is not None and (replaced.rubric != training.rubric.id or _only_remembers(replaced, training.labels)):
        replaced = None
    if replaced is not None and replaced.labels.sha256 == training.labels.sha256 and replaced.held_out is not None:
        known = replaced.held_out
        remembered = {criterion: figures.f1 for criterion, figures in known.by_criterion.items()}
        return Before("the calibration that is there, held out likewise", known.macro_f1, remembered)
    judge = SimilarityJudge(training.encoder, calibration=replaced)
    measured = asyncio.run(measure(training.labels.rows, training.rubric, judge, concurrency=1)).evaluations
    figures = agreement_of(
        training.rubric,
        training.labels.rows,
        {row_id: predictions_of(evaluation) for row_id, evaluation in measured.items()},
        bands={row_id: evaluation.scorecard.band for row_id, evaluation in measured.items()},
    )
    name = "the calibration that is there" if replaced is not None else "the rubric's exemplars alone"
    return Before(name, figures.f1.value, {line.criterion: line.f1 for line in figures.criteria})


def _only_remembers(calibration: Calibration, labels: LabelSet) -> bool:
    """Return whether a calibration learned from labels and has no figures of them that were held out."""
    learned = labels.sha256 in {used.sha256 for used in (calibration.labels, *calibration.also)}
    return learned and (calibration.held_out is None or calibration.labels.sha256 != labels.sha256)
