"""What new heads are held against: the judge as it was before them, on the same rows.

Before there is a calibration, that is the judge with the rubric's exemplars alone. A calibration that learned from the
same labels remembers them, so it stands by the figures that it was measured at when it was made; if those are of other
labels, as when a file has grown, the exemplars stand for it, and its figures count only if the new ones lie below them
by more than chance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

from evaluator.agreement.comparison import agreement_of
from evaluator.agreement.labels import LabelSet
from evaluator.agreement.measure import measure
from evaluator.agreement.predictions import predictions_of
from evaluator.backends.local.calibration import Calibration, HeldOutFigures
from evaluator.backends.local.freshness import fresh_criteria
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
        elsewhere: What the calibration that is replaced was held out at, if it can't be measured on these rows and its
            figures are of others.
    """

    name: str
    macro_f1: float | None
    by_criterion: Mapping[str, float | None]
    elsewhere: HeldOutFigures | None = None

    def betters(self, after: HeldOutFigures) -> bool:
        """Return whether it did better than new heads do on authors that they had not seen.

        Figures of other rows are better if the intervals, 95 % each, lie apart.
        """
        if _less(after.macro_f1, self.macro_f1):
            return True
        once = self.elsewhere
        if once is None or once.macro_f1_interval is None or after.macro_f1_interval is None:
            return False
        return _less(after.macro_f1_interval[1], once.macro_f1_interval[0])

    def lost(self, after: HeldOutFigures) -> dict[str, tuple[float, float]]:
        """Return the criteria on which new heads do worse, each with F1 before (of other rows, if need be) and now."""
        found: dict[str, tuple[float, float]] = {}
        for criterion, figures in after.by_criterion.items():
            once = self.elsewhere.by_criterion.get(criterion) if self.elsewhere else None
            old = self.by_criterion.get(criterion) if once is None else once.f1
            if old is not None and figures.f1 is not None and figures.f1 < round(old, 4):
                found[criterion] = (old, figures.f1)
        return found


def _less(new: float | None, old: float | None) -> bool:
    return old is not None and (new is None or new < round(old, 4))


def measure_before(training: TrainingSet, replaced: Calibration | None) -> Before:
    """Measure the judge without the new heads.

    Args:
        training: Rows, rubric and encoder.
        replaced: The calibration that would be overwritten; ``None`` if there is none that fits.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: A package isn't installed.
    """
    fresh = frozenset[str]() if replaced is None else fresh_criteria(replaced, training.rubric, training.lexicon)
    if replaced is None or replaced.rubric != training.rubric.id or not fresh:
        return _measured("the rubric's exemplars alone", training, None)
    if replaced.labels.sha256 == training.labels.sha256 and replaced.held_out is not None:
        return _remembered(training, replaced, replaced.held_out, fresh)
    if _learned_from(replaced, training.labels):
        return replace(_measured("the rubric's exemplars alone", training, None), elsewhere=replaced.held_out)
    return _measured("the calibration that is there", training, replaced)


def _measured(name: str, training: TrainingSet, calibration: Calibration | None) -> Before:
    judge = SimilarityJudge(training.encoder, calibration=calibration)
    measured = asyncio.run(measure(training.labels.rows, training.rubric, judge, concurrency=1)).evaluations
    figures = agreement_of(
        training.rubric,
        training.labels.rows,
        {row_id: predictions_of(evaluation) for row_id, evaluation in measured.items()},
        bands={row_id: evaluation.scorecard.band for row_id, evaluation in measured.items()},
    )
    return Before(name, figures.f1.value, {line.criterion: line.f1 for line in figures.criteria})


def _remembered(training: TrainingSet, replaced: Calibration, known: HeldOutFigures, fresh: frozenset[str]) -> Before:
    """Return the figures that a calibration came with, and those of the exemplars where its heads are stale."""
    name = "the calibration that is there, held out likewise"
    f1 = {criterion: figures.f1 for criterion, figures in known.by_criterion.items()}
    if fresh == replaced.places.keys() and f1.keys() == training.rubric.by_id.keys():
        return Before(name, known.macro_f1, f1)
    exemplars = _measured(name, training, None).by_criterion
    mixed = {criterion: f1.get(criterion, old) if criterion in fresh else old for criterion, old in exemplars.items()}
    defined = [value for value in mixed.values() if value is not None]
    return Before(name, sum(defined) / len(defined) if defined else None, mixed)


def _learned_from(calibration: Calibration, labels: LabelSet) -> bool:
    """Return whether a calibration learned from any author of these labels: a file that grew has another hash."""
    learned = {author for used in (calibration.labels, *calibration.also) for author in used.authors}
    return any(row.author in learned for row in labels.rows)
