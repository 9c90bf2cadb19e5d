"""The report on agreement for a terminal: `AgreementReport`, width and colour in, text out.

Criteria stand in the rubric's order. Below `_WIDE` cells the table keeps what decides and drops the rest, which the
page and JSON hold. Nothing is parsed as markup, and nothing of a transcript is shown but ids.
"""

from __future__ import annotations

import io
from typing import Final

from rich.table import Table
from rich.text import Text

from evaluator.agreement.figures import AgreementFigures, CriterionFigures, GroupFigures
from evaluator.agreement.report import AgreementReport
from evaluator.agreement.wording import (
    UNDEFINED,
    figure,
    interval_text,
    macro_rows,
    overall_rows,
    provenance,
    undefined_line,
)
from evaluator.reports.characters import one_line
from evaluator.reports.console import make_console, print_section, trimmed

__all__ = ["render_text"]

_WIDE: Final = 100
_SHORT: Final = {"critical": "crit", "major": "maj", "minor": "min"}
_TONES: Final = {"critical": "bold red", "major": "yellow", "minor": "cyan"}
_FAILURES_SHOWN: Final = 10
_NAME_CHARS: Final = 40


def render_text(report: AgreementReport, *, width: int = 100, color: bool = False, by_author: bool = True) -> str:
    """Return the report; lines are at most ``width`` cells wide if that is at least 80."""
    out = io.StringIO()
    console = make_console(out, width, color=color)
    console.print(Text("Agreement with labels", style="bold"))
    console.print(_pairs(provenance(report)))
    for warning in report.warnings:
        console.print(Text(f"\nWARNING  {one_line(warning)}", style="bold yellow"))
    print_section(console, "Over all criteria", _macro(report.figures))
    console.print(_overall(report.figures))
    if line := undefined_line(report.figures):
        console.print(Text(line))
    print_section(console, "By criterion", _criteria(report.figures, wide=width >= _WIDE))
    if by_author:
        print_section(console, "Macro F1 by author", _groups(report.figures.authors))
    print_section(console, "Macro F1 within labelled bands", _groups(report.figures.gold_bands))
    if report.figures.risk:
        print_section(console, "The surest verdicts: what is right among them", _risk(report.figures))
    if report.figures.band.n:
        print_section(console, "Bands: labelled (rows) and judged (columns)", _confusion(report.figures))
    if report.failures:
        print_section(console, "Failed", _failures(report))
    return trimmed(out.getvalue())


def _plain_table(*, header: bool = True) -> Table:
    return Table(box=None, show_header=header, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")


def _pairs(pairs: tuple[tuple[str, str], ...]) -> Table:
    table = _plain_table(header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, sentence in pairs:
        table.add_row(Text(name), Text(sentence))
    return table


def _macro(figures: AgreementFigures) -> Table:
    table = _plain_table()
    table.add_column("macro mean", no_wrap=True, min_width=17)
    table.add_column("value", justify="right")
    table.add_column("95 % interval", no_wrap=True)
    table.add_column("criteria", justify="right")
    for name, macro in macro_rows(figures):
        table.add_row(name, figure(macro.value), interval_text(macro.interval), str(macro.criteria))
    return table


def _overall(figures: AgreementFigures) -> Table:
    table = _plain_table(header=False)
    table.add_column(no_wrap=True, min_width=17)
    table.add_column(justify="right", min_width=5)
    table.add_column(style="dim")
    for row in overall_rows(figures):
        table.add_row(*row)
    return table


def _criteria(figures: AgreementFigures, *, wide: bool) -> Table:
    table = _plain_table()
    table.add_column("criterion", no_wrap=True, overflow="ellipsis", max_width=28)
    table.add_column("sev.", no_wrap=True)
    for heading in ("n", "pres", "prec", "rec", "F1"):
        table.add_column(heading, justify="right", no_wrap=True)
    if wide:
        table.add_column("95 %", no_wrap=True)
    for heading in ("kappa", "cov", *(("Brier", "ECE") if wide else ()), "span", *(("disp",) if wide else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in figures.criteria:
        table.add_row(
            Text(line.criterion), Text(_SHORT[line.severity], _TONES[line.severity]), *_cells(line, wide=wide)
        )
    return table


def _cells(line: CriterionFigures, *, wide: bool) -> list[str]:
    low_high = UNDEFINED if line.f1_interval is None else "{:.2f}-{:.2f}".format(*line.f1_interval)
    decided = [str(line.n), str(line.present), figure(line.precision), figure(line.recall), figure(line.f1)]
    more = [figure(line.kappa), figure(line.coverage)]
    if not wide:
        return [*decided, *more, figure(line.spans.share)]
    trust = [figure(line.confidence.brier), figure(line.confidence.ece)]
    return [*decided, low_high, *more, *trust, figure(line.spans.share), str(line.disputed)]


def _groups(groups: tuple[GroupFigures, ...]) -> Table:
    table = _plain_table()
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=_NAME_CHARS, min_width=17)
    table.add_column("F1", justify="right", min_width=5)
    table.add_column("transcripts", justify="right")
    table.add_column("criteria", justify="right")
    for group in groups:
        table.add_row(
            Text(one_line(group.name, _NAME_CHARS)), figure(group.macro_f1), str(group.transcripts), str(group.criteria)
        )
    return table


def _risk(figures: AgreementFigures) -> Table:
    table = _plain_table()
    table.add_column("coverage", no_wrap=True, min_width=17)
    for heading in ("sure at least", "wrong", "prec", "rec"):
        table.add_column(heading, justify="right", no_wrap=True)
    for point in figures.risk:
        told = (point.coverage, point.least_confidence, point.risk, point.precision, point.recall)
        table.add_row(*map(figure, told))
    return table


def _confusion(figures: AgreementFigures) -> Table:
    table = _plain_table()
    table.add_column("", no_wrap=True, min_width=17)
    for band in figures.band.order:
        table.add_column(Text(band), justify="right", no_wrap=True)
    for band, counts in zip(figures.band.order, figures.band.confusion, strict=True):
        table.add_row(Text(band), *map(str, counts))
    return table


def _failures(report: AgreementReport) -> Table:
    shown = report.failures[:_FAILURES_SHOWN]
    table = _plain_table(header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=_NAME_CHARS)
    table.add_column(overflow="fold")
    for failure in shown:
        table.add_row(
            f"line {failure.line}",
            Text(one_line(failure.id, _NAME_CHARS)),
            Text(one_line(f"{failure.error}: {failure.message}")),
        )
    if len(report.failures) > len(shown):
        table.add_row("", "", f"and {len(report.failures) - len(shown)} more; the JSON report lists all")
    return table
