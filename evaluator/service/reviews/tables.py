"""The table of reviews: one row for each time that a person said what a verdict should be."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS sv_reviews (
        number {number}, tenant TEXT NOT NULL, evaluation TEXT NOT NULL, rubric TEXT NOT NULL, judge TEXT NOT NULL,
        criterion TEXT NOT NULL, judged TEXT NOT NULL, reviewer TEXT NOT NULL, verdict TEXT NOT NULL,
        reason TEXT NOT NULL, created_s {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sv_reviews_by_evaluation ON sv_reviews (tenant, evaluation, number)",
    "CREATE INDEX IF NOT EXISTS sv_reviews_by_rubric ON sv_reviews (tenant, rubric, evaluation)",
)
