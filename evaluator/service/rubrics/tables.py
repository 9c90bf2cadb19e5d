"""The table of tenants' own rubrics."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS sv_rubrics (
        number {number}, tenant TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT NOT NULL,
        title TEXT NOT NULL, criteria INTEGER NOT NULL, text TEXT NOT NULL, created_s {real} NOT NULL,
        UNIQUE (tenant, id, version))""",
)
