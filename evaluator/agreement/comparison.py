"""Labels against verdicts: rows and predictions in, `AgreementFigures` out; no judge, no clock, no file.

What counts: a criterion of a row is compared if its label is ``present`` or ``absent`` and nobody disputes it. A
verdict ``na`` or ``unscored``, or none at all, is a miss where the label says present. Labels and verdicts ``na`` are
counted apart. A row without predictions is left out; the caller says why it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

from evaluator.agreement import scikit
from evaluator.agreement.figures import (
    AgreementFigures,
    BandFigures,
    ConfidenceFigures,
    CriterionFigures,
    GroupFigures,
    MacroFigure,
    NaFigures,
    SpanFigures,
)
from evaluator.agreement.labels import LabelledRow, Span
from evaluator.agreement.predictions import Predicted, Predictions
from evaluator.agreement.selective import Decided, risk_curve
from evaluator.agreement.statistics import (
    LABEL_ORDER,
    RESAMPLES,
    VERDICT_ORDER,
    Cells,
    Floats,
    brier,
    cell_figures,
    defined,
    expected_calibration_error,
    interval,
    macro,
    resample,
)
from evaluator.rubric import Criterion, Rubric
from evaluator.scoring import score
from evaluator.values.judge import Verdict
from evaluator.values.transcript import Transcript

__all__ = ["Applied", "agreement_of", "compared", "spans_overlap"]

Applied: TypeAlias = Literal["present", "absent"]
"""A label that a verdict can be compared with."""

SEED: Final = 20251123
_NOTHING: Final = Predicted("unscored")


def agreement_of(
    rubric: Rubric,
    rows: Iterable[LabelledRow],
    predictions: Predictions,
    *,
    bands: Mapping[str, str | None] | None = None,
    seed: int = SEED,
) -> AgreementFigures:
    """Compute every figure; the order of rows does not matter.

    Args:
        rubric: Gives the criteria, and bands where ``bands`` is not given.
        rows: Labelled rows; those without predictions are left out.
        predictions: By row id, then by criterion; ids without a row are ignored.
        bands: By row id, the band that was given, ``None`` if a person must look first. If left out, bands are
            computed from the predicted verdicts by the rubric's rules.
        seed: Of the resampling behind the intervals.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    pairs = tuple(
        _Pair(row, predictions[row.id]) for row in sorted(rows, key=lambda row: row.id) if row.id in predictions
    )
    cells = _cells(rubric, pairs)
    drawn = cell_figures(resample(cells, seed=seed))
    tallies = tuple(_tally(criterion.id, pairs) for criterion in rubric.criteria)
    intervals = [interval(drawn.f1[:, place]) for place in range(len(rubric.criteria))]
    criteria = tuple(map(_criterion, rubric.criteria, tallies, intervals))
    given = {pair.row.id: _band(rubric, pair) for pair in pairs} if bands is None else bands
    return AgreementFigures(
        transcripts=len(pairs),
        resamples=RESAMPLES,
        seed=seed,
        precision=_macro([c.precision for c in criteria], drawn.precision),
        recall=_macro([c.recall for c in criteria], drawn.recall),
        recall_decided=_macro([c.recall_decided for c in criteria], drawn.recall_decided),
        f1=_macro([c.f1 for c in criteria], drawn.f1),
        kappa=_macro([c.kappa for c in criteria], drawn.kappa),
        coverage=_macro([c.coverage for c in criteria], drawn.coverage),
        f1_undefined=tuple(c.criterion for c in criteria if c.f1 is None),
        confidence=_confidence([item for tally in tallies for item in tally.confidences]),
        spans=_spans([hit for tally in tallies for hit in tally.quotes]),
        na=_na(tallies),
        band=_band_figures(rubric, pairs, given),
        risk=risk_curve([item for place, tally in enumerate(tallies) for item in tally.decided(place)]),
        authors=_groups(pairs, cells, sorted({p.row.author for p in pairs}), "author"),
        gold_bands=_groups(pairs, cells, [band.id for band in rubric.scoring.bands], "band"),
        criteria=criteria,
    )


def compared(row: LabelledRow, criterion: str) -> Applied | None:
    """Return the label that a verdict on ``criterion`` is compared with; ``None`` if there is none to compare with."""
    label = row.labels.get(criterion)
    return None if label is None or label == "na" or criterion in row.disputed else label


def spans_overlap(first: Span, second: Span, transcript: Transcript) -> bool:
    """Return whether two spans lie in one turn and share at least one letter or digit of it."""
    if first.turn != second.turn:
        return False
    shared = transcript.turns[first.turn].text[max(first.start, second.start) : min(first.end, second.end)]
    return any(char.isalnum() for char in shared)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row and what was said about it."""

    row: LabelledRow
    predicted: Mapping[str, Predicted]

    def verdict(self, criterion: str) -> Predicted:
        return self.predicted.get(criterion, _NOTHING)


@dataclass(slots=True)
class _Tally:
    """Everything about one criterion that is counted label by label."""

    labels: list[Applied] = field(default_factory=list["Applied"])
    verdicts: list[Verdict] = field(default_factory=list["Verdict"])
    said: list[float | None] = field(default_factory=list["float | None"])
    confidences: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])
    quotes: list[bool] = field(default_factory=list[bool])
    na_labelled: int = 0
    na_judged: int = 0
    na_both: int = 0
    disputed: int = 0

    def decided(self, criterion: int) -> list[Decided]:
        compared = zip(self.labels, self.verdicts, self.said, strict=True)
        return [Decided(criterion, label, verdict, confidence) for label, verdict, confidence in compared]


def _tally(criterion: str, pairs: Sequence[_Pair]) -> _Tally:
    tally = _Tally()
    for pair in pairs:
        label = pair.row.labels.get(criterion)
        if criterion in pair.row.disputed:
            tally.disputed += 1
        elif label is not None:
            predicted = pair.verdict(criterion)
            tally.na_labelled += label == "na"
            tally.na_judged += predicted.verdict == "na"
            tally.na_both += label == predicted.verdict == "na"
            if label != "na":
                _count(tally, pair.row, criterion, label, predicted)
    return tally


def _count(tally: _Tally, row: LabelledRow, criterion: str, label: Applied, predicted: Predicted) -> None:
    tally.labels.append(label)
    tally.verdicts.append(predicted.verdict)
    tally.said.append(predicted.confidence)
    right = predicted.verdict == label
    if predicted.confidence is not None and predicted.verdict in LABEL_ORDER:
        tally.confidences.append((predicted.confidence, right))
    labelled = row.evidence.get(criterion)
    if right and labelled is not None and row.transcript is not None:
        tally.quotes.extend(spans_overlap(span, labelled, row.transcript) for span in predicted.evidence)


def _criterion(criterion: Criterion, tally: _Tally, f1_interval: tuple[float, float] | None) -> CriterionFigures:
    labelled = [label == "present" for label in tally.labels]
    judged = [verdict == "present" for verdict in tally.verdicts]
    hits = sum(a and b for a, b in zip(labelled, judged, strict=True))
    precision, recall, f1 = scikit.precision_recall_f1(labelled, judged)
    unscored = tally.verdicts.count("unscored")
    undecided = sum(a and verdict == "unscored" for a, verdict in zip(labelled, tally.verdicts, strict=True))
    return CriterionFigures(
        criterion=criterion.id,
        title=criterion.title,
        kind=criterion.kind,
        severity=criterion.severity,
        n=len(labelled),
        present=sum(labelled),
        hits=hits,
        false_alarms=sum(judged) - hits,
        misses=sum(labelled) - hits,
        unscored=unscored,
        precision=precision,
        recall=recall,
        recall_decided=_share(hits, sum(labelled) - undecided),
        f1=f1,
        f1_interval=None if f1 is None else f1_interval,
        kappa=scikit.kappa(tally.labels, tally.verdicts, VERDICT_ORDER),
        coverage=_share(len(labelled) - unscored, len(labelled)),
        confidence=_confidence(tally.confidences),
        spans=_spans(tally.quotes),
        na=_na([tally]),
        disputed=tally.disputed,
    )


def _cells(rubric: Rubric, pairs: Sequence[_Pair]) -> Cells:
    """Return which cell each label falls into: ``(transcripts, criteria, 2, 4)``, at most one 1 per criterion."""
    cells = np.zeros((len(pairs), len(rubric.criteria), len(LABEL_ORDER), len(VERDICT_ORDER)), dtype=np.int64)
    for number, pair in enumerate(pairs):
        for place, criterion in enumerate(rubric.criteria):
            label = compared(pair.row, criterion.id)
            if label is not None:
                verdict = pair.verdict(criterion.id).verdict
                cells[number, place, LABEL_ORDER.index(label), VERDICT_ORDER.index(verdict)] = 1
    return cells


def _macro(values: Sequence[float | None], drawn: Floats) -> MacroFigure:
    known = [value for value in values if value is not None]
    return MacroFigure(
        value=_share(sum(known), len(known)),
        interval=interval(macro(drawn)) if known else None,
        criteria=len(known),
    )


def _groups(pairs: Sequence[_Pair], cells: Cells, names: Sequence[str], key: str) -> tuple[GroupFigures, ...]:
    """Return macro F1 within each author's or labelled band's transcripts; a group without any is left out."""
    groups: list[GroupFigures] = []
    for name in names:
        members = [place for place, pair in enumerate(pairs) if getattr(pair.row, key) == name]
        f1 = cell_figures(cells[members].sum(axis=0)).f1
        if members:
            groups.append(
                GroupFigures(
                    name=name,
                    transcripts=len(members),
                    macro_f1=defined(macro(f1).item()),
                    criteria=int((~np.isnan(f1)).sum()),
                )
            )
    return tuple(groups)


def _band(rubric: Rubric, pair: _Pair) -> str | None:
    verdicts: dict[str, Verdict] = {criterion.id: pair.verdict(criterion.id).verdict for criterion in rubric.criteria}
    return score(rubric, verdicts).band


def _band_figures(rubric: Rubric, pairs: Sequence[_Pair], given: Mapping[str, str | None]) -> BandFigures:
    order = tuple(band.id for band in rubric.scoring.bands)
    labelled = [(pair.row.band, given.get(pair.row.id)) for pair in pairs if pair.row.band is not None]
    both = [(label, band) for label, band in labelled if band is not None]
    labels, bands = [label for label, _ in both], [band for _, band in both]
    return BandFigures(
        n=len(both),
        kappa=scikit.kappa(labels, bands, order, quadratic=True),
        order=order,
        confusion=scikit.confusion(labels, bands, order),
        needs_review=len(labelled) - len(both),
        unlabelled=len(pairs) - len(labelled),
    )


def _confidence(items: Sequence[tuple[float, bool]]) -> ConfidenceFigures:
    said, right = [confidence for confidence, _ in items], [correct for _, correct in items]
    return ConfidenceFigures(n=len(items), brier=brier(said, right), ece=expected_calibration_error(said, right))


def _spans(hits: Sequence[bool]) -> SpanFigures:
    return SpanFigures(quotes=len(hits), overlapping=sum(hits), share=_share(sum(hits), len(hits)))


def _na(tallies: Sequence[_Tally]) -> NaFigures:
    labelled, judged = sum(tally.na_labelled for tally in tallies), sum(tally.na_judged for tally in tallies)
    both = sum(tally.na_both for tally in tallies)
    return NaFigures(
        labelled=labelled, judged=judged, both=both, precision=_share(both, judged), recall=_share(both, labelled)
    )


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
