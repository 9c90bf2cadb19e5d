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
from evaluator.types import SEVERITIES, Evaluation

__all__ = ["page_style", "render_html"]

_TEMPLATES: Final = Path(__file__).resolve().parent / "templates"


def render_html(evaluation: Evaluation) -> str:
    """Return the page: verdict, what to mend first, transcript beside the findings, and how the score came about."""
    shown, card = view(evaluation), evaluation.scorecard
    style = page_style()
    return (
        _environment()
        .get_template("report.html")
        .render(
            shown=shown,
            score=card.score,
            low=(card.score_range or (card.score or 0.0,) * 2)[0],
            high=(card.score_range or (card.score or 0.0,) * 2)[1],
            severities=SEVERITIES,
            language=evaluation.transcript.language,
            style=Markup(style),  # noqa: S704 - our own file
            style_sha256=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@lru_cache(maxsize=1)
def page_style() -> str:
    """Return the style sheet that all pages share: colours for light, dark and paper, type, cards, marks."""
    return f"\n{(_TEMPLATES / 'report.css').read_text(encoding='utf-8')}"
