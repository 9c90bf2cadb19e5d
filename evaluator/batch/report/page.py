"""The page itself: `Summary`, heat map and packed items in, HTML out piece by piece, so that no page stands in memory.

One file without an outside request: a content policy allows the one style sheet and the one script, each by its hash.
Jinja escapes every value; items travel as packed data that only the script reads, and it writes text, never markup.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluator.batch.records import FailedItem
from evaluator.batch.report.details import Json, pack
from evaluator.batch.report.heat import HeatMap
from evaluator.batch.report.wording import (
    cost,
    difference_line,
    failure_code,
    figure,
    join_judges,
    marks,
    percent,
    points,
    shade,
    slice_title,
    slice_value,
    teaching_reason,
)
from evaluator.batch.summary import BandCount, Summary
from evaluator.reports.characters import one_line
from evaluator.reports.html import page_style
from evaluator.rubric import Rubric
from evaluator.version import __version__

__all__ = ["FAILED_SHOWN", "FILTER_COLUMNS", "Embedded", "filter_columns", "render_page"]

FAILED_SHOWN: Final = 100
"""Failed items that the page lists in words; the table holds all."""
FILTER_COLUMNS: Final = 6
_TAUGHT: Final = 5
_TONES: Final = ("strength", "minor", "major", "critical")
_TEMPLATES: Final = Path(__file__).resolve().with_name("templates")


@dataclass(frozen=True, slots=True)
class Embedded:
    """The items for the script.

    Attributes:
        rows: Packed rows of all items.
        details: Packed details of those that fit.
        together: Details in each chunk but the last.
        count: Details that fit.
        left_out: Details that don't.
        columns: Input columns in the rows.
    """

    rows: Iterable[str]
    details: Iterable[str]
    together: int
    count: int
    left_out: int
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Share:
    """One piece of a stacked bar, in percent from its left end."""

    band: BandCount
    tone: str
    start: float
    width: float


def filter_columns(summary: Summary) -> tuple[str, ...]:
    """Return the input columns that are worth filtering by, the first few."""
    return tuple(cut.column for cut in summary.slices if cut.source == "input")[:FILTER_COLUMNS]


def render_page(
    summary: Summary, rubric: Rubric, heat: HeatMap, failed: Sequence[FailedItem], embedded: Embedded
) -> Iterator[str]:
    """Return the page in pieces.

    Args:
        summary: All figures.
        rubric: Gives words and order.
        heat: Failure modes by candidate.
        failed: The first `FAILED_SHOWN` failed items.
        embedded: What the script draws; its parts are read once, rows before details.
    """
    style, script = _file("batch.css", base=page_style()), _file("batch.js")
    criteria = {line.criterion: line for line in summary.criteria}
    tones = _band_tones(summary)
    return (
        _environment()
        .get_template("batch.html")
        .generate(
            summary=summary,
            rubric=rubric,
            criteria=criteria,
            titles={name: line.title for name, line in criteria.items()},
            commonest=sorted(summary.criteria, key=lambda line: (-(line.rate or 0), -line.present)),
            taught=[criteria[name] for name in summary.teach_next[:_TAUGHT]],
            shares=_shares(summary, tones),
            tones=tones,
            heat=heat,
            failed=failed,
            embedded=embedded,
            together=embedded.together,
            meta=pack([_meta(summary, rubric, tones, embedded.columns)]),
            version=__version__,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_sha256=_sha256(style),
            script_sha256=_sha256(script),
        )
    )


def _meta(summary: Summary, rubric: Rubric, tones: dict[str, str], columns: Sequence[str]) -> Json:
    """Return what the script needs once: criteria with the rubric's words, bands, headings of the columns."""
    return {
        "criteria": [
            [one_line(c.title), c.severity, one_line(c.why_it_matters), one_line(c.fix), one_line(c.drill)]
            for c in rubric.criteria
        ],
        "bands": [[one_line(band.title), tones[band.band]] for band in summary.bands],
        "columns": [one_line(name, 60) for name in columns],
    }


def _band_tones(summary: Summary) -> dict[str, str]:
    """Give bands the colours from good to bad, spread over as many as there are."""
    last = max(1, len(summary.bands) - 1)
    return {line.band: _TONES[round(place * (len(_TONES) - 1) / last)] for place, line in enumerate(summary.bands)}


def _shares(summary: Summary, tones: dict[str, str]) -> tuple[_Share, ...]:
    shares: list[_Share] = []
    start = 0.0
    for line in summary.bands:
        shares.append(_Share(line, tones[line.band], round(start, 2), round(100 * line.share, 2)))
        start += 100 * line.share
    return tuple(shares)


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache(maxsize=2)
def _file(name: str, *, base: str = "") -> str:
    return f"{base}\n{(_TEMPLATES / name).read_text(encoding='utf-8')}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for word in (
        one_line,
        percent,
        figure,
        points,
        cost,
        shade,
        slice_title,
        slice_value,
        difference_line,
        teaching_reason,
        join_judges,
        marks,
        failure_code,
    ):
        environment.filters[word.__name__] = cast("Callable[[str], str]", word)  # each takes what the template gives it
    return environment
