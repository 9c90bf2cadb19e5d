"""The sentences and numbers of a report on agreement, the same in the terminal and on the page.

Everything returned is one harmless line; none of it has been escaped for a format yet.
"""

from __future__ import annotations

from typing import Final

from evaluator.agreement.figures import AgreementFigures, MacroFigure
from evaluator.agreement.report import AgreementReport
from evaluator.reports.characters import one_line

__all__ = ["UNDEFINED", "figure", "interval_text", "macro_rows", "overall_rows", "provenance", "undefined_line"]

UNDEFINED: Final = "–"
_UNSAID: Final = "Nothing is said about who labelled them; say it with --labels-note or in NAME.note.txt."


def figure(value: float | None) -> str:
    """Return two decimals, or a dash if undefined."""
    return UNDEFINED if value is None else f"{value:.2f}"


def interval_text(interval: tuple[float, float] | None) -> str:
    """Return ``0.61 to 0.80``, or a dash if undefined."""
    return UNDEFINED if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def provenance(report: AgreementReport) -> tuple[tuple[str, str], ...]:
    """Return what the figures stand on, as name and sentence."""
    judge, labels, figures = report.judge, report.labels, report.figures
    calibration = f"calibration {judge.calibration}" if judge.calibration else "no calibration"
    asked = f"{figures.transcripts} of {labels.asked}" if report.failures else str(figures.transcripts)
    return (
        ("Judge", one_line(f"{judge.backend}, {judge.method}, model {judge.model}, {calibration}")),
        ("Rubric", one_line(f"{report.rubric.id} {report.rubric.version}")),
        ("Labels", one_line(f"{labels.name}, {asked} transcripts, SHA-256 {labels.sha256[:12]}…")),
        ("Labelled by", one_line(labels.note or _UNSAID)),
    )


def macro_rows(figures: AgreementFigures) -> tuple[tuple[str, MacroFigure], ...]:
    """Return the macro figures in the order of reading."""
    return (
        ("F1 (present)", figures.f1),
        ("precision", figures.precision),
        ("recall", figures.recall),
        ("recall, decided", figures.recall_decided),
        ("Cohen's kappa", figures.kappa),
        ("coverage", figures.coverage),
    )


def overall_rows(figures: AgreementFigures) -> tuple[tuple[str, str, str], ...]:
    """Return the figures over all criteria at once: name, value, and what it was counted on."""
    confidence, spans, na, band = figures.confidence, figures.spans, figures.na, figures.band
    return (
        ("Brier score", figure(confidence.brier), f"confidence of {confidence.n} verdicts; 0 is best"),
        ("calibration error", figure(confidence.ece), "ECE, ten bins; 0 is best"),
        ("span check", figure(spans.share), f"{spans.overlapping} of {spans.quotes} quotes overlap the labelled words"),
        ("precision of na", figure(na.precision), f"{na.both} of {na.judged} verdicts na are labelled so"),
        ("recall of na", figure(na.recall), f"{na.both} of {na.labelled} labels na were found"),
        ("band kappa", figure(band.kappa), f"quadratic weights, {band.n} transcripts; {_without_band(figures)}"),
    )


def undefined_line(figures: AgreementFigures) -> str | None:
    """Return which criteria macro F1 leaves out, if any."""
    if not figures.f1_undefined:
        return None
    names = ", ".join(figures.f1_undefined)
    return f"Left out of macro F1, since nothing is labelled or judged present: {names}."


def _without_band(figures: AgreementFigures) -> str:
    return f"{figures.band.needs_review} more need review and have no band"
