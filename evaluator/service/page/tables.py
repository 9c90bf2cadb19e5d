"""The table of sign-ins."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS sv_sessions (
        number {number}, tenant TEXT NOT NULL, mark TEXT NOT NULL UNIQUE, sealed {bytes} NOT NULL,
        created_s {real} NOT NULL, expires_s {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sv_sessions_by_expiry ON sv_sessions (expires_s)",
)
