"""Calendar months in UTC, by which use is counted and budgets begin anew."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["month_end_s", "month_of"]

_DECEMBER = 12


def month_of(now_s: float) -> str:
    """Return the month of a time, as in ``2026-11``."""
    return f"{datetime.fromtimestamp(now_s, UTC):%Y-%m}"


def month_end_s(now_s: float) -> float:
    """Return when the month of a time ends, in seconds since 1970."""
    now = datetime.fromtimestamp(now_s, UTC)
    year, month = (now.year + 1, 1) if now.month == _DECEMBER else (now.year, now.month + 1)
    return datetime(year, month, 1, tzinfo=UTC).timestamp()
