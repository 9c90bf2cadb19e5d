"""The report for a terminal: `Evaluation`, width and colour in, text out.

Styles are the sixteen colours that a terminal's theme defines, so that it reads on light and dark grounds. Without
colour nothing is lost: guillemets show where evidence starts and ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from evaluator.reports.page import Page, Part
from evaluator.reports.parts import Failure, Plain, Quoted, ReportView, TurnView
from evaluator.reports.view import view
from evaluator.values.criterion import SEVERITIES
from evaluator.values.evaluation import Evaluation

__all__ = ["marked_turn", "render_text"]

_TONES: Final = {"critical": "bold red", "major": "yellow", "minor": "cyan", "strength": "green"}
_BAR_CELLS: Final = 20
_HANG: Final = 4


def render_text(evaluation: Evaluation, *, width: int = 100, color: bool = False) -> str:
    """Return the report, lines at most ``width`` cells wide, with ANSI styles if ``color``."""
    page = Page(width, color=color)
    shown = view(evaluation)
    _head(page, shown)
    _transcript(page, shown)
    _failures(page, shown)
    _strengths(page, shown)
    _next_steps(page, shown)
    _debrief(page, shown)
    _account(page, shown)
    return page.text()


def marked_turn(turn: TurnView, *, color: bool) -> Text:
    """Return the words of a turn, evidence as ``«the words»[1]``, or styled without guillemets if ``color``.

    Where evidence overlaps, each piece names every finding that it proves.
    """
    text = Text()
    for segment in turn.segments:
        if not segment.marks:
            text.append(segment.text)
            continue
        style = f"{_TONES[segment.marks[0].tone]} underline"
        text.append(segment.text if color else f"«{segment.text}»", style=style)
        for mark in segment.marks:
            text.append(f"[{mark.label}]", style=_TONES[mark.tone])
    return text


def _head(page: Page, shown: ReportView) -> None:
    headline: list[Part] = [(shown.title, "bold yellow" if shown.needs_review else "bold")]
    if shown.score is not None:
        headline += ["   ", (f"{shown.score:g}", "bold"), " of 100   ", _bar(shown)]
    page.paragraph(*headline)
    page.paragraph((f"{shown.spread}{' · ' if shown.spread else ''}{shown.coverage}", "dim"))
    page.paragraph((f"{shown.rubric} · question type {shown.question_type}", "dim"))
    page.paragraph((shown.judge, "dim"))
    for alert in shown.alerts:
        page.paragraph((alert, "yellow"), indent=2, first=("!", "bold yellow"))
    for reason in shown.review_reasons:
        page.paragraph((reason, "yellow"), indent=2, first=("!", "bold yellow"))
    if shown.summary:
        page.gap()
        page.paragraph(shown.summary)


def _bar(shown: ReportView) -> Text:
    """Return the score as a bar; its light part is what the undecided criteria could still change."""
    low, high = shown.score_range or (0.0, 0.0)
    sure, reach = round(low / 100 * _BAR_CELLS), round(high / 100 * _BAR_CELLS)
    return Text.assemble("█" * sure, ("▒" * (reach - sure), "dim"), ("░" * (_BAR_CELLS - reach), "dim"))


def _transcript(page: Page, shown: ReportView) -> None:
    page.heading("Transcript")
    if shown.question and not shown.question_in_transcript:
        page.paragraph((f"Question: {shown.question}", "dim"))
        page.gap()
    for turn in shown.turns:
        candidate = turn.role == "candidate"
        page.paragraph((turn.speaker, "bold" if candidate else "dim"), (f"  {turn.time}" if turn.time else "", "dim"))
        words = marked_turn(turn, color=page.color)
        if not candidate:
            words.stylize("dim")
        page.paragraph(words, indent=2)
        if turn.missing:
            page.paragraph(*_missing(turn), indent=2)
        page.gap()


def _missing(turn: TurnView) -> Iterator[Part]:
    yield ("missing here: ", "dim")
    for number, failure in enumerate(turn.missing):
        yield ("" if number == 0 else "; ", "dim")
        yield (f"[{failure.label}]", _TONES[failure.severity])
        yield (f" {failure.title}", "dim")


def _failures(page: Page, shown: ReportView) -> None:
    page.heading("What failed")
    if shown.nothing_failed:
        page.paragraph(shown.nothing_failed)
    for severity in SEVERITIES:
        for failure in shown.failures:
            if failure.severity == severity:
                _failure(page, failure)
                page.gap()
    _titles(page, "Could not tell", shown.unscored)
    _titles(page, "Does not apply", shown.not_applicable)


def _failure(page: Page, failure: Failure) -> None:
    aside = ", ".join(part for part in (failure.severity, failure.confidence) if part)
    title: tuple[Part, Part] = (failure.title, "bold"), (f"  {aside}", "dim")
    page.paragraph(*title, indent=_indent(failure.label), first=(f"[{failure.label}]", _TONES[failure.severity]))
    for quote in failure.quotes:
        _quote(page, quote)
    if failure.due is not None and not failure.quotes:
        page.paragraph((f"missing from turn {failure.due}", "dim"), indent=_HANG)
    page.paragraph(failure.reason, indent=_HANG)
    page.paragraph(("Why it matters: ", "dim"), failure.why_it_matters, indent=_HANG)


def _quote(page: Page, quote: Quoted) -> None:
    page.paragraph(f"“{quote.text}”", (f"  {quote.place}" if quote.place else "", "dim"), indent=_HANG)


def _titles(page: Page, what: str, items: tuple[Plain, ...]) -> None:
    if items:
        page.paragraph((f"{what}: {'; '.join(item.title for item in items)}", "dim"))


def _strengths(page: Page, shown: ReportView) -> None:
    if shown.strengths or shown.avoided:
        page.heading("What went well")
    for strong in shown.strengths:
        page.paragraph(strong.note, indent=_indent(strong.label), first=(f"[{strong.label}]", _TONES["strength"]))
        for quote in strong.quotes:
            _quote(page, quote)
    _titles(page, "Not found", shown.avoided)


def _next_steps(page: Page, shown: ReportView) -> None:
    if shown.fixes:
        page.heading("Mend first")
    for number, (fix, drill) in enumerate(shown.fixes, start=1):
        page.paragraph(fix, indent=_HANG, first=(f" {number}.", "bold"))
        if drill:
            page.paragraph(("Practise: ", "dim"), drill, indent=_HANG)
    if shown.answer:
        page.heading(shown.answer_title)
        page.paragraph(shown.answer)
    if shown.questions:
        page.heading("What they may ask next")
    for question in shown.questions:
        page.paragraph(question, indent=3, first=(" -", ""))


def _debrief(page: Page, shown: ReportView) -> None:
    if shown.debrief:
        page.heading("Debrief")
    for line in shown.debrief:
        page.paragraph(line)
    for item in shown.debated:
        page.gap()
        page.paragraph((item.title, "bold"), (f"  {item.severity}, {item.outcome}", "dim"))
        for ballot in item.ballots:
            verdict = ", ".join(part for part in (ballot.verdict, ballot.confidence) if part)
            page.paragraph(f"{ballot.voter}: {verdict}", (f"  {ballot.reason}", "dim"), indent=3, first=(" -", ""))


def _account(page: Page, shown: ReportView) -> None:
    page.heading("How the score came about")
    page.paragraph(shown.score_sum)
    for line in shown.band_lines:
        page.paragraph(line)
    page.paragraph((f"Delivery: {shown.delivery}.", "dim"))
    if shown.cost:
        page.paragraph((f"Cost: {shown.cost}.", "dim"))
    for note in shown.notes:
        page.paragraph((f"Note: {note}", "dim"))


def _indent(label: str) -> int:
    return max(_HANG, len(label) + 3)
