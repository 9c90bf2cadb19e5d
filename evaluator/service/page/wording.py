"""How the page says times, figures and verdicts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

__all__ = ["ago", "day", "moment", "points", "ticked", "verdict_word"]

_VERDICTS: Final = {"present": "failed", "absent": "avoided", "na": "doesn't apply", "unscored": "can't tell"}
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400


def verdict_word(verdict: str) -> str:
    """Return a verdict as the page says it."""
    return _VERDICTS.get(verdict, verdict)


def points(score: float | None) -> str:
    """Return a score; a dash where there is none."""
    return "–" if score is None else f"{score:.4g}"


def day(when: datetime) -> str:
    """Return a date: ``23 Nov 2026``."""
    when = when.astimezone(UTC)
    return f"{when.day} {when:%b %Y}"


def moment(when: datetime) -> str:
    """Return a date with its time: ``23 Nov 2026, 10:15 UTC``."""
    return f"{day(when)}, {when.astimezone(UTC):%H:%M} UTC"


def ago(when: datetime, now_s: float) -> str:
    """Return how long ago a time was, roughly; its date after a week."""
    passed_s = now_s - when.timestamp()
    if passed_s < _MINUTE_S:
        return "just now"
    if passed_s < _HOUR_S:
        return f"{passed_s // _MINUTE_S:.0f} min ago"
    if passed_s < _DAY_S:
        return f"{passed_s // _HOUR_S:.0f} h ago"
    days = int(passed_s // _DAY_S)
    return ("yesterday" if days == 1 else f"{days} days ago") if days < 7 else day(when)  # noqa: PLR2004 - a week


def ticked(text: str) -> Markup:
    """Return text with what stands between backticks as code, everything escaped."""
    parts = text.split("`")
    made = [escape(part) if place % 2 == 0 else Markup("<code>%s</code>") % part for place, part in enumerate(parts)]
    return Markup("").join(made)
