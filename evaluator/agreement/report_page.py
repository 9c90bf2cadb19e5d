"""The report on agreement as one self-contained page: `AgreementReport` in, HTML out; no script, no outside resource.

The template escapes everything; here only numbers become coordinates and disagreements find their criterion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluator.agreement.figures import AgreementFigures, CriterionFigures
from evaluator.agreement.report import AgreementReport, Disagreement
from evaluator.agreement.wording import (
    figure,
    interval_text,
    macro_rows,
    overall_rows,
    provenance,
    undefined_line,
)
from evaluator.reports.characters import one_line, visible

__all__ = ["render_page"]

_BAR_PX: Final = 200  # width of the F1 bar, from 0 to 1
_SHADES: Final = 5  # darkest cell of the confusion matrix is shade 4


@dataclass(frozen=True, slots=True)
class _Bar:
    """Coordinates of one F1 bar, pixels from its left end; interval ends are ``None`` where there is no interval."""

    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class _Line:
    """One criterion: figures, bar if F1 is defined, and the verdicts that differ from the labels."""

    figures: CriterionFigures
    bar: _Bar | None
    disagreements: Sequence[Disagreement]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One cell of the confusion matrix; ``shade`` is 0 for none."""

    count: int
    shade: int


def render_page(report: AgreementReport, *, by_author: bool = True) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(figure=figure, span=interval_text, visible=visible, one_line=one_line)
    return environment.get_template("agreement.html").render(
        report=report,
        figures=report.figures,
        provenance=provenance(report),
        macro=macro_rows(report.figures),
        overall=overall_rows(report.figures),
        undefined=undefined_line(report.figures),
        lines=_lines(report),
        confusion=_confusion(report.figures),
        by_author=by_author,
        bar_px=_BAR_PX,
    )


def _lines(report: AgreementReport) -> tuple[_Line, ...]:
    found: dict[str, list[Disagreement]] = {line.criterion: [] for line in report.figures.criteria}
    for disagreement in report.disagreements:
        found[disagreement.criterion].append(disagreement)
    return tuple(_Line(line, _bar(line), found[line.criterion]) for line in report.figures.criteria)


def _bar(line: CriterionFigures) -> _Bar | None:
    if line.f1 is None:
        return None
    low, high = line.f1_interval or (None, None)
    return _Bar(_px(line.f1), None if low is None else _px(low), None if high is None else _px(high))


def _px(share: float) -> float:
    return round(share * _BAR_PX, 1)


def _confusion(figures: AgreementFigures) -> tuple[tuple[str, tuple[_Cell, ...]], ...]:
    most = max((count for row in figures.band.confusion for count in row), default=0)
    return tuple(
        (band, tuple(_Cell(count, -(-count * (_SHADES - 1) // most) if most else 0) for count in row))
        for band, row in zip(figures.band.order, figures.band.confusion, strict=True)
    )
