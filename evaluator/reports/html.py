"""The report as one HTML file that needs nothing else: `Evaluation` in, text out.

No script, no request, no style but its own: a content policy in the page allows the one style sheet, by its hash, and
forbids the rest. Jinja escapes every value.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluator.reports.view import view
from evaluator.values.evaluation import Evaluation

__all__ = ["PAGE_TEMPLATES", "page_style", "render_html", "report_values"]

PAGE_TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
"""Folder of the templates that all pages share."""


def render_html(evaluation: Evaluation) -> str:
    """Return the page: verdict, what to mend first, transcript beside the findings, and how the score came about."""
    style = page_style()
    return (
        _environment()
        .get_template("report.html")
        .render(
            **report_values(evaluation),
            style=Markup(style),  # noqa: S704 - our own file
            style_sha256=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
    )


def report_values(evaluation: Evaluation) -> dict[str, object]:
    """Return what ``report.html``, and any page that extends it, shows of an evaluation."""
    card = evaluation.scorecard
    low, high = card.score_range or (card.score or 0.0,) * 2
    return {
        "shown": view(evaluation),
        "score": card.score,
        "low": low,
        "high": high,
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(PAGE_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@lru_cache(maxsize=1)
def page_style() -> str:
    """Return the style sheet that all pages share: colours for light, dark and paper, type, cards, marks."""
    return f"\n{(PAGE_TEMPLATES / 'report.css').read_text(encoding='utf-8')}"
