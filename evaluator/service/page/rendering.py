"""Templates in, answers out. Jinja escapes every value; nothing is marked safe but what `wording.ticked` builds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluator.reports.characters import one_line
from evaluator.reports.html import PAGE_TEMPLATES
from evaluator.reports.wording import clock, spoken
from evaluator.service.page.assets import assets
from evaluator.service.page.wording import ago, day, moment, points, ticked, verdict_word
from evaluator.version import __version__

__all__ = ["respond"]

_TEMPLATES: Final = Path(__file__).resolve().with_name("templates")
_FILTERS: Final = (ago, clock, day, moment, one_line, points, spoken, ticked, verdict_word)


async def respond(
    request: Request, template: str, values: Mapping[str, object] | None = None, *, status: int = 200
) -> HTMLResponse:
    """Return a page, made off the event loop; no cache keeps it."""
    told = {
        "signed_in": getattr(request.state, "signed_in", False),
        "path": request.url.path,
        "now_s": _now_s(request),
        **(values or {}),
    }
    html = await asyncio.to_thread(_environment().get_template(template).render, told)
    return HTMLResponse(html, status, headers={"Cache-Control": "no-store"})


def _now_s(request: Request) -> float:
    return cast("Callable[[], float]", request.app.state.service.clock)()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader([_TEMPLATES, PAGE_TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for word in _FILTERS:
        environment.filters[word.__name__] = cast("Callable[[str], str]", word)  # each takes what the template gives it
    environment.globals["asset"] = {name: asset.address for name, asset in assets().items()}  # pyright: ignore[reportArgumentType] - typed as what Jinja ships
    environment.globals["version"] = __version__  # pyright: ignore[reportArgumentType] - likewise
    return environment
