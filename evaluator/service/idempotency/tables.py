"""The table of requests that may come again."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final[tuple[str, ...]] = (
    """CREATE TABLE IF NOT EXISTS sv_requests (
        tenant TEXT NOT NULL, name TEXT NOT NULL, salt {bytes} NOT NULL, mark {bytes} NOT NULL, id TEXT NOT NULL,
        claim TEXT, lapses_s {real} NOT NULL, until_s {real} NOT NULL, sealed {bytes}, PRIMARY KEY (tenant, name))""",
    "CREATE INDEX IF NOT EXISTS sv_requests_by_end ON sv_requests (until_s)",
)
