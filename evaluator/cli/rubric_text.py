"""How a rubric looks in a terminal, and as YAML and JSON.

A rubric's text is a stranger's: it is printed as plain text, never as markup, with harmful characters made visible.
Apart from the commands so that their help loads neither rich nor the rubric.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Final

import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from evaluator.cli.rubric_trust import trust_of
from evaluator.reports.characters import escape_json, visible
from evaluator.rubric import Applicability, Criterion, Rubric
from evaluator.values.criterion import Severity

__all__ = ["as_json", "as_yaml", "print_list", "print_part", "summarise"]

_STYLES: Final[dict[Severity, str]] = {"critical": "bold red", "major": "yellow", "minor": "cyan"}


def print_list(rubrics: Sequence[Rubric]) -> None:
    """Print a table of shipped rubrics."""
    table = _table("id", "version", "criteria", "source", "title")
    for rubric in rubrics:
        table.add_row(rubric.id, rubric.version, str(len(rubric.criteria)), "shipped", _text(rubric.title))
    _console().print(table)


def print_part(part: Rubric | Criterion) -> None:
    """Print a rubric's overview, or everything about one criterion."""
    console = _console()
    for line in _overview(part) if isinstance(part, Rubric) else _criterion_in_full(part):
        console.print(line)


def as_json(part: Rubric | Criterion) -> str:
    """Return it as JSON, every key written out."""
    return escape_json(json.dumps(part.model_dump(mode="json"), indent=2, ensure_ascii=False)) + "\n"


def as_yaml(part: Rubric | Criterion) -> str:
    """Return it as YAML that can be read again; a rubric's own file says the same with comments."""
    data = part.model_dump(mode="json", exclude_none=True)
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def summarise(rubric: Rubric) -> str:
    """Return what a rubric holds, in one line."""
    severities = [criterion.severity for criterion in rubric.criteria]
    counts = ", ".join(f"{severities.count(name)} {name}" for name in _STYLES if name in severities)
    parts = [
        f"{_count(len(rubric.criteria), 'criterion', 'criteria')} ({counts})",
        _count(len(rubric.question_types), "question type", "question types"),
        _count(len(rubric.scoring.bands), "band", "bands"),
        _count(len(rubric.scoring.vetoes), "veto", "vetoes"),
        _count(len(rubric.cues), "cue group", "cue groups"),
        f"sha256 {rubric.sha256[:12]}",
    ]
    return f"valid; {rubric.id} {rubric.version}: {', '.join(parts)}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _overview(rubric: Rubric) -> list[RenderableType]:
    criteria = _table("criterion", "severity", "kind", "what it is")
    for criterion in rubric.criteria:
        when = "" if criterion.applies == Applicability() else f" ({_applies(criterion.applies)})"
        criteria.add_row(
            Text(criterion.id, no_wrap=True),
            Text(criterion.severity, style=_STYLES[criterion.severity]),
            criterion.kind,
            _text(criterion.title + when),
        )
    scoring = rubric.scoring
    weights = ", ".join(f"{severity} {weight:g}" for severity, weight in scoring.weights.items())
    bands = [_text(f"{place}. {band.title}: {band.meaning}") for place, band in enumerate(scoring.bands, start=1)]
    vetoes = [_text(f"veto {veto.id}: {veto.reason}") for veto in scoring.vetoes]
    return [
        _text(f"{rubric.title} ({rubric.id} {rubric.version})", "bold"),
        _text(rubric.description),
        _text(f"Source: {rubric.source}"),
        *_section("Reading rules", [_text(f"- {rule}") for rule in rubric.reading_rules]),
        *_section("Criteria", [criteria]),
        *_section("Question types", [_text(f"{kind.title}: {kind.example}") for kind in rubric.question_types]),
        *_section(f"Bands, best first (weights: {weights})", [*bands, *vetoes]),
        *_section("A strong answer, to fill in", [_text(rubric.answer_frame)]),
        *_section("The local judge", [_text(line) for line in trust_of(rubric)]),
    ]


def _criterion_in_full(criterion: Criterion) -> list[RenderableType]:
    applies = "always" if criterion.applies == Applicability() else _applies(criterion.applies)
    sections = {
        "Present when": [criterion.definition],
        "A close call": [criterion.clarification] if criterion.clarification else [],
        "Why it matters": [criterion.why_it_matters],
        "Instead": [criterion.fix],
        "Exercise": [criterion.drill],
        "Asked next": [f"- {probe}" for probe in criterion.probes],
        "Sentences that fall into it": [f"- {sentence}" for sentence in criterion.exemplars.commits],
        "Sentences that stay clear of it": [f"- {sentence}" for sentence in criterion.exemplars.avoids],
    }
    lines: list[RenderableType] = [
        _text(f"{criterion.title} ({criterion.id})", _STYLES[criterion.severity]),
        _text(f"{criterion.kind}, {criterion.severity}; applies: {applies}"),
        _text(f"Source: {criterion.source}"),
    ]
    for title, texts in sections.items():
        lines += _section(title, [_text(text) for text in texts])
    return lines


def _applies(rule: Applicability) -> str:
    conditions = [
        f"questions of type {', '.join(rule.question_types)}" if rule.question_types else "",
        f"if the question mentions {rule.question_mentions}" if rule.question_mentions else "",
        f"if the answer mentions {rule.candidate_mentions}" if rule.candidate_mentions else "",
        "if the interviewer follows up" if rule.interviewer_follows_up else "",
    ]
    text = " or ".join(condition for condition in conditions if condition) or "always"
    unless = rule.unless_question_mentions
    return f"{text}, unless the question mentions {unless}" if unless else text


def _section(title: str, lines: Sequence[RenderableType]) -> list[RenderableType]:
    return [_text(""), _text(title, "bold"), *lines] if lines else []


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _text(text: str, style: str = "") -> Text:
    return Text(visible(text), style=style)
