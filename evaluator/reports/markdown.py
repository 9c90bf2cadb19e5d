r"""The report as Markdown, for a document or a comment: `Evaluation` in, text out.

Every word that isn't this file's own is escaped: it can't become markup, a link, a mention or HTML. Such words never
start a line, so that only marks within a line need escaping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from evaluator.reports.parts import Ballot, Failure, Plain, Quoted, ReportView, Strong, TurnView
from evaluator.reports.view import view
from evaluator.values.criterion import SEVERITIES
from evaluator.values.evaluation import Evaluation

__all__ = ["escape", "marked_turn", "render_markdown"]

_SPECIAL: Final = re.compile(
    r"[\\`*_{}\[\]<>&|~$]|(?<=[hH][tT][tT][pP]):|(?<=[sS]):(?=/)|(?<=[pP]):(?=/)|(?<=[wW]{3})\."
)
_MENTION: Final = re.compile(r"([@#])(?=\w)")
_JOINER: Final = "\u2060"


def render_markdown(evaluation: Evaluation) -> str:
    """Return the report: headline, transcript with evidence marked, findings, advice, and how the score came about."""
    shown = view(evaluation)
    blocks = [*_head(shown), *_transcript(shown), *_failures(shown), *_strengths(shown), *_next_steps(shown)]
    return "\n\n".join([*blocks, *_debrief(shown), *_account(shown)]) + "\n"


def escape(text: str) -> str:
    """Return ``text`` on one line as Markdown that shows exactly its characters.

    A joiner without width goes behind ``@`` and ``#``: sites link mentions after Markdown is done, and no backslash
    keeps them from it.
    """
    escaped = _SPECIAL.sub(lambda match: f"\\{match[0]}", " ".join(text.split()))
    return _MENTION.sub(rf"\1{_JOINER}", escaped)


def marked_turn(turn: TurnView) -> str:
    """Return the words of a turn, evidence as ``«**the words**»[1]``; guillemets let bold marks bind anywhere."""
    return "".join(_piece(segment.text, [mark.label for mark in segment.marks]) for segment in turn.segments).strip()


def _piece(text: str, labels: list[str]) -> str:
    words = text.strip()
    before, after = " " if text[:1].isspace() else "", " " if text[-1:].isspace() else ""
    if not words:
        return " "
    if not labels:
        return f"{before}{escape(words)}{after}"
    refs = "".join(f"\\[{label}\\]" for label in labels)
    return f"{before}«**{escape(words)}**»{refs}{after}"


def _head(shown: ReportView) -> Iterator[str]:
    score = "" if shown.score is None else f", {shown.score:g} of 100"
    yield f"# {escape(shown.title)}{score}"
    facts = {
        "Score": shown.spread,
        "Coverage": shown.coverage,
        "Rubric": shown.rubric,
        "Question type": shown.question_type,
        "Judge": shown.judge,
    }
    yield "\n".join(f"- {name}: {escape(fact)}" for name, fact in facts.items() if fact)
    for alert in shown.alerts:
        yield f"> **About the judge.** {escape(alert)}"
    for reason in shown.review_reasons:
        yield f"> **A person must look first.** {escape(reason)}"
    if shown.summary:
        yield f"**In short.** {escape(shown.summary)}"


def _transcript(shown: ReportView) -> Iterator[str]:
    yield "## Transcript"
    if shown.question and not shown.question_in_transcript:
        yield f"**Question.** {escape(shown.question)}"
    for turn in shown.turns:
        time = f" ({turn.time})" if turn.time else ""
        yield f"**{escape(turn.speaker)}**{time}: {marked_turn(turn)}"
        if turn.missing:
            missing = "; ".join(f"\\[{failure.label}\\] {escape(failure.title)}" for failure in turn.missing)
            yield f"*Missing here:* {missing}"


def _failures(shown: ReportView) -> Iterator[str]:
    yield "## What failed"
    if shown.nothing_failed:
        yield shown.nothing_failed
    for severity in SEVERITIES:
        for failure in shown.failures:
            if failure.severity == severity:
                yield from _failure(failure)
    yield from _titles("Could not tell", shown.unscored)
    yield from _titles("Does not apply", shown.not_applicable)


def _failure(failure: Failure) -> Iterator[str]:
    aside = ", ".join(part for part in (failure.severity, failure.confidence) if part)
    yield f"### \\[{failure.label}\\] {escape(failure.title)} ({aside})"
    yield from _quotes(failure.quotes)
    if failure.due is not None and not failure.quotes:
        yield f"Missing from turn {failure.due}."
    yield f"**Why.** {escape(failure.reason)}"
    yield f"**Why it matters.** {escape(failure.why_it_matters)}"


def _quotes(quotes: tuple[Quoted, ...]) -> Iterator[str]:
    for quote in quotes:
        place = f" ({quote.place})" if quote.place else ""
        yield f"> “{escape(quote.text)}”{place}"


def _titles(what: str, items: tuple[Plain, ...]) -> Iterator[str]:
    if items:
        yield f"*{what}:* {'; '.join(escape(item.title) for item in items)}"


def _strengths(shown: ReportView) -> Iterator[str]:
    if shown.strengths or shown.avoided:
        yield "## What went well"
    for strong in shown.strengths:
        yield from _strong(strong)
    yield from _titles("Not found", shown.avoided)


def _strong(strong: Strong) -> Iterator[str]:
    yield f"**\\[{strong.label}\\]** {escape(strong.note)}"
    yield from _quotes(strong.quotes)


def _next_steps(shown: ReportView) -> Iterator[str]:
    if shown.fixes:
        yield "## Mend first"
        yield "\n".join(_fix(number, fix, drill) for number, (fix, drill) in enumerate(shown.fixes, start=1))
    if shown.answer:
        yield f"## {shown.answer_title}"
        yield f"> “{escape(shown.answer)}”"
    if shown.questions:
        yield "## What they may ask next"
        yield "\n".join(f"- “{escape(question)}”" for question in shown.questions)


def _fix(number: int, fix: str, drill: str) -> str:
    practise = f" *Practise:* {escape(drill)}" if drill else ""
    return f"{number}. **Fix.** {escape(fix)}{practise}"


def _debrief(shown: ReportView) -> Iterator[str]:
    if shown.debrief:
        yield "## Debrief"
    for line in shown.debrief:
        yield escape(line)
    for item in shown.debated:
        yield f"**{escape(item.title)}** ({item.severity}): {item.outcome}"
        yield "\n".join(_ballot(ballot) for ballot in item.ballots)


def _ballot(ballot: Ballot) -> str:
    verdict = ", ".join(part for part in (ballot.verdict, ballot.confidence) if part)
    return f"- **{escape(ballot.voter)}**: {verdict}. “{escape(ballot.reason)}”"


def _account(shown: ReportView) -> Iterator[str]:
    yield "## How the score came about"
    yield f"**Sum.** {escape(shown.score_sum)}"
    for line in shown.band_lines:
        yield f"**Band.** {escape(line)}"
    rows = [
        f"| {escape(line.title)} | {line.severity} | {line.verdict} | {line.weight} | {line.lost} |"
        for line in shown.lines
    ]
    yield "\n".join(["| criterion | severity | verdict | weight | lost |", "| --- | --- | --- | ---: | ---: |", *rows])
    yield f"**Delivery.** {escape(shown.delivery)}."
    if shown.cost:
        yield f"**Cost.** {escape(shown.cost)}."
    for note in shown.notes:
        yield f"**Note.** {escape(note)}"
    yield f"*Evaluation {escape(shown.evaluation_id)}, evaluator {escape(shown.version)}.*"
