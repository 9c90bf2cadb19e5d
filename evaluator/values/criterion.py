"""How a criterion is classed: what counts as its proof, and what it costs to fall into it."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["SEVERITIES", "Kind", "Severity"]

Kind = Literal["commission", "omission", "measured"]
Severity = Literal["critical", "major", "minor"]
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "major", "minor")
