"""Held-out figures: train without one author, judge that author through the whole pipeline, each author in turn.

Grounding, applicability, counts and bands are the product's, so the figures are those that a user would get on
transcripts of people the judge has never read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.agreement.comparison import agreement_of
from evaluator.agreement.figures import AgreementFigures, CriterionFigures
from evaluator.agreement.labels import LabelledRow
from evaluator.agreement.measure import Failure, Measurement, measure
from evaluator.agreement.predictions import predictions_of
from evaluator.agreement.report import AgreementReport, report_of
from evaluator.backends.local.calibration import Calibration, CriterionHeldOut, HeldOutFigures
from evaluator.backends.similarity_judge import SimilarityJudge
from evaluator.errors import LabelsError
from evaluator.fitting.bare_speech import bare_row
from evaluator.fitting.calibrating import LEAST_LABELS, TrainingSet, calibrate, check_trainable, too_few
from evaluator.reports.characters import one_line
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation

__all__ = ["HELD_OUT", "LEAST_RELIABLE", "HeldOut", "cross_validate", "summarise"]

HELD_OUT: Final = "trained without the author judged"
_OF_ONE_AUTHOR: Final = "trained without the transcripts judged"
_FLATTERING: Final = (
    "All transcripts are one author's: groups of them were held out in turn, and the judge had learned from others by "
    "the same author. Expect less of it on people whom it has not met."
)
LEAST_RELIABLE: Final = 0.7  # precision, and recall where decided; below, a verdict is a hint
_NAME_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What judges said about rows that they had not learned from.

    Attributes:
        folds: What was left out in turn, sorted.
        measurement: On the rows as they stand.
        bare: On the same rows without case and punctuation.
    """

    folds: tuple[str, ...]
    measurement: Measurement
    bare: Measurement

    def report(self, training: TrainingSet) -> AgreementReport:
        """Return the report on the rows as they stand; its judge names no calibration, for each fold had its own."""
        info = SimilarityJudge(training.encoder, calibration=None).info(training.rubric)
        held_out = info.model_copy(update={"calibration": _OF_ONE_AUTHOR if len(training.authors) == 1 else HELD_OUT})
        warnings = [_FLATTERING] if len(training.authors) == 1 else []
        return report_of(training.labels, training.rubric, held_out, self.measurement, warnings=warnings)


def cross_validate(training: TrainingSet, *, on_fold: Callable[[str], None] = lambda _fold: None) -> HeldOut:
    """Train and judge once for each fold that is held out.

    Args:
        training: All examples.
        on_fold: Called with the name of each fold before it is held out.

    Raises:
        LabelsError: No criterion has labels enough, or none has without some fold.
        MissingExtra: A package isn't installed.
    """
    check_trainable(training)
    folds = tuple(sorted(set(training.held_out.values())))
    plain = Measurement({}, ())
    bare = Measurement({}, ())
    for fold in folds:
        on_fold(fold)
        judge = SimilarityJudge(training.encoder, calibration=_heads_without(fold, training))
        rows = [row for row in training.labels.rows if training.held_out[row.id] == fold]
        plain = _joined(plain, asyncio.run(measure(rows, training.rubric, judge, concurrency=1)))
        bare = _joined(bare, asyncio.run(measure(_bare(rows), training.rubric, judge, concurrency=1)))
    return HeldOut(folds, plain, bare)


def _heads_without(fold: str, training: TrainingSet) -> Calibration:
    try:
        rest = training.without(fold)
        check_trainable(rest)
    except LabelsError as error:
        who = f"author {one_line(fold, _NAME_CHARS)!r}" if fold in training.authors else f"group {fold}"
        raise LabelsError(
            f"there are labels enough with {who}, and too few without: no criterion has {LEAST_LABELS} present and "
            f"{LEAST_LABELS} absent when it is held out",
            where=training.labels.name,
            remedy="label more transcripts, of other authors too",
        ) from error
    return calibrate(rest)


def summarise(held_out: HeldOut, training: TrainingSet) -> HeldOutFigures:
    """Return the figures that a calibration carries with it."""
    rows = training.labels.rows
    figures = _figures(training.rubric, rows, held_out.measurement)
    bare = _figures(training.rubric, tuple(_bare(rows)), held_out.bare)
    untrained = too_few(training)
    return HeldOutFigures(
        folds=held_out.folds,
        macro_f1=_rounded(figures.f1.value),
        macro_f1_interval=_rounded_pair(figures.f1.interval),
        macro_f1_bare=_rounded(bare.f1.value),
        coverage=_rounded(figures.coverage.value),
        ece=_rounded(figures.confidence.ece),
        brier=_rounded(figures.confidence.brier),
        band_kappa=_rounded(figures.band.kappa),
        span_overlap=_rounded(figures.spans.share),
        precision=_rounded(figures.precision.value),
        recall_decided=_rounded(figures.recall_decided.value),
        by_author={group.name: _rounded(group.macro_f1) for group in figures.authors},
        by_criterion={line.criterion: _held_out_of(line) for line in figures.criteria},
        weak=tuple(
            line.criterion
            for line in figures.criteria
            if line.n and line.criterion not in untrained and not _reliable(line)
        ),
    )


def _held_out_of(line: CriterionFigures) -> CriterionHeldOut:
    return CriterionHeldOut(
        f1=_rounded(line.f1),
        precision=_rounded(line.precision),
        recall_decided=_rounded(line.recall_decided),
        coverage=_rounded(line.coverage),
    )


def _reliable(line: CriterionFigures) -> bool:
    """Return whether verdicts on a criterion are more than hints."""
    return all(figure is not None and figure >= LEAST_RELIABLE for figure in (line.precision, line.recall_decided))


def _bare(rows: list[LabelledRow] | tuple[LabelledRow, ...]) -> list[LabelledRow]:
    return [bare_row(row) for row in rows]


def _joined(first: Measurement, second: Measurement) -> Measurement:
    evaluations: dict[str, Evaluation] = {**first.evaluations, **second.evaluations}
    failures: tuple[Failure, ...] = (*first.failures, *second.failures)
    return Measurement(evaluations, failures)


def _figures(rubric: Rubric, rows: tuple[LabelledRow, ...], measurement: Measurement) -> AgreementFigures:
    evaluations = measurement.evaluations
    return agreement_of(
        rubric,
        rows,
        {row_id: predictions_of(evaluation) for row_id, evaluation in evaluations.items()},
        bands={row_id: evaluation.scorecard.band for row_id, evaluation in evaluations.items()},
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _rounded_pair(pair: tuple[float, float] | None) -> tuple[float, float] | None:
    return None if pair is None else (round(pair[0], 4), round(pair[1], 4))
