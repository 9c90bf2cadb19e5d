"""The report on a judge: figures, what they stand on, and where judge and labels differ; one frozen model.

In: labels and a `Measurement`. Out: `AgreementReport`, which `report_text` and `report_page` show, and whose JSON is a
wire form of its own with a ``schema_version``. No figure travels without who labelled, who judged and what to beware.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from evaluator.agreement.comparison import Applied, agreement_of, compared
from evaluator.agreement.figures import AgreementFigures
from evaluator.agreement.labels import LabelledRow, LabelSet, Span
from evaluator.agreement.measure import Failure, Measurement
from evaluator.agreement.predictions import predictions_of
from evaluator.rubric import Rubric
from evaluator.values.evaluation import Evaluation, RubricRef
from evaluator.values.judge import JudgeInfo, Verdict
from evaluator.values.usage import Usage
from evaluator.version import __version__

__all__ = ["AgreementReport", "Disagreement", "LabelsRef", "calibration_warnings", "report_of"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LabelsRef(_Part):
    """Which labels were measured against."""

    name: str = Field(description="File name.")
    sha256: str = Field(description="Hash of the file.")
    rows: int = Field(ge=0, description="Rows of the file.")
    asked: int = Field(ge=0, description="Rows that the judge was to be measured on.")
    note: str | None = Field(description="Who labelled them, in a few sentences; null if nobody said.")


class Disagreement(_Part):
    """One verdict that differs from its label."""

    id: str = Field(description="Row id.")
    criterion: str
    label: Applied
    verdict: Verdict
    confidence: float | None
    labelled_quote: str | None = Field(description="The words that decide it, by the labels.")
    judged_quotes: tuple[str, ...] = Field(description="The words that decide it, by the judge.")
    reason: str = Field(description="The judge's.")


class AgreementReport(_Part):
    """How far one judge agrees with one set of labels."""

    schema_version: Literal["1.0"] = "1.0"
    evaluator_version: str
    labels: LabelsRef
    rubric: RubricRef
    judge: JudgeInfo
    warnings: tuple[str, ...] = Field(description="What to know before believing a figure; most serious first.")
    failures: tuple[Failure, ...] = Field(description="Rows that no figure counts.")
    usage: Usage = Field(description="Sum over the rows; `duration_ms` too, although rows run side by side.")
    figures: AgreementFigures
    disagreements: tuple[Disagreement, ...] = Field(description="By criterion in the rubric's order, then by row id.")


def report_of(
    labels: LabelSet,
    rubric: Rubric,
    judge: JudgeInfo,
    measurement: Measurement,
    *,
    warnings: Iterable[str] = (),
) -> AgreementReport:
    """Compute the figures of a measurement and put together what they stand on.

    Args:
        labels: The rows that were measured.
        rubric: What was judged by.
        judge: Who judged.
        measurement: What the judge said about them.
        warnings: What the caller knows, such as `calibration_warnings`; warnings on the rows are added.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    rows, evaluations = labels.rows, measurement.evaluations
    return AgreementReport(
        evaluator_version=__version__,
        labels=LabelsRef(name=labels.name, sha256=labels.sha256, rows=labels.total, asked=len(rows), note=labels.note),
        rubric=RubricRef(id=rubric.id, version=rubric.version, title=rubric.title, sha256=rubric.sha256),
        judge=judge,
        warnings=(*warnings, *_row_warnings(labels, rubric, measurement)),
        failures=measurement.failures,
        usage=_sum_usage(evaluations.values()),
        figures=agreement_of(
            rubric,
            rows,
            {row_id: predictions_of(evaluation) for row_id, evaluation in evaluations.items()},
            bands={row_id: evaluation.scorecard.band for row_id, evaluation in evaluations.items()},
        ),
        disagreements=tuple(_disagreements(rubric, rows, measurement)),
    )


def calibration_warnings(judge: JudgeInfo, trained_on: Collection[str] | None, labels: LabelSet) -> tuple[str, ...]:
    """Return what to say about a trained judge.

    Args:
        judge: Its ``calibration`` is ``None`` if it was not trained; then there is nothing to say.
        trained_on: SHA-256 of each file of labels that the calibration was trained on; ``None`` if unknown.
        labels: What it is measured against.
    """
    if judge.calibration is None:
        return ()
    if trained_on is None:
        return (
            f"Nothing says on which labels calibration {judge.calibration} was trained; figures on those flatter it.",
        )
    if labels.sha256 in trained_on:
        warning = (
            f"TRAINED ON THESE ROWS: calibration {judge.calibration} learned from this very file, so the figures say "
            "how well it remembers, not how well it judges. Quote held-out figures (leave one author out) instead."
        )
        return (warning,)
    return ()


def _row_warnings(labels: LabelSet, rubric: Rubric, measurement: Measurement) -> tuple[str, ...]:
    found: list[str] = []
    rows = labels.rows
    if measurement.failures:
        found.append(f"Transcripts that failed and count in no figure: {len(measurement.failures)} of {len(rows)}.")
    if len(rows) < labels.total:
        found.append(f"Only {len(rows)} of {labels.total} rows were measured; a part may not stand for the whole.")
    others = sum(e.rubric.sha256 != rubric.sha256 for e in measurement.evaluations.values())
    if others:
        found.append(f"Evaluations made with another version of the rubric: {others}.")
    lost = [f"line {row.line}, {criterion}" for row in rows for criterion in row.lost_evidence]
    if lost:
        told = "Labelled quotes that no candidate turn holds, and that training and the span check leave out"
        found.append(f"{told}: {len(lost)}; the first: {lost[0]}.")
    return tuple(found)


def _disagreements(rubric: Rubric, rows: Sequence[LabelledRow], measurement: Measurement) -> Iterable[Disagreement]:
    ordered = sorted((row for row in rows if row.id in measurement.evaluations), key=lambda row: row.id)
    findings = {row.id: {f.criterion: f for f in measurement.evaluations[row.id].findings} for row in ordered}
    for criterion in rubric.by_id:
        for row in ordered:
            finding, label = findings[row.id].get(criterion), compared(row, criterion)
            if finding is None or label is None or finding.verdict == label:
                continue
            yield Disagreement(
                id=row.id,
                criterion=criterion,
                label=label,
                verdict=finding.verdict,
                confidence=finding.confidence,
                labelled_quote=_quote(row, row.evidence.get(criterion)),
                judged_quotes=tuple(item.quote for item in finding.evidence),
                reason=finding.reason,
            )


def _quote(row: LabelledRow, span: Span | None) -> str | None:
    if span is None or row.transcript is None:
        return None
    return row.transcript.turns[span.turn].text[span.start : span.end]


def _sum_usage(evaluations: Iterable[Evaluation]) -> Usage:
    parts = [evaluation.usage for evaluation in evaluations]
    return Usage(
        requests=sum(part.requests for part in parts),
        input_tokens=sum(part.input_tokens for part in parts),
        cached_tokens=sum(part.cached_tokens for part in parts),
        output_tokens=sum(part.output_tokens for part in parts),
        cost_usd=sum(part.cost_usd for part in parts),
        priced=all(part.priced for part in parts),
        duration_ms=round(sum(part.duration_ms for part in parts), 2),
    )
