"""The table of batches; their items are evaluations."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS sv_batches (
        number {number}, tenant TEXT NOT NULL, id TEXT NOT NULL, title TEXT, rubric TEXT NOT NULL, judge TEXT NOT NULL,
        created_s {real} NOT NULL, expires_s {real} NOT NULL, ready INTEGER NOT NULL DEFAULT 0, cancelled_s {real},
        settled_s {real}, UNIQUE (tenant, id))""",
)
