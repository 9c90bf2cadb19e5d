"""The table of evaluations, those in work among them."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS sv_evaluations (
        number {number}, tenant TEXT NOT NULL, id TEXT NOT NULL, batch TEXT, name TEXT, candidate TEXT,
        metadata TEXT NOT NULL, status TEXT NOT NULL, created_s {real} NOT NULL, settled_s {real}, expires_s {real},
        rubric TEXT NOT NULL, judge TEXT NOT NULL, run TEXT, grading TEXT, key TEXT, shard TEXT,
        tries INTEGER NOT NULL DEFAULT 0, retry_s {real}, code TEXT, message TEXT, again INTEGER NOT NULL DEFAULT 0,
        score {real}, band TEXT, review INTEGER NOT NULL DEFAULT 0, cost_usd {real} NOT NULL DEFAULT 0,
        packed {bytes}, UNIQUE (tenant, id))""",
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_status ON sv_evaluations (status, number)",
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_batch ON sv_evaluations (tenant, batch, number)",
    # What a batch has come to is counted out of this alone, twice a second for whoever follows: rows hold transcripts.
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_state ON sv_evaluations (tenant, batch, status, review, cost_usd)",
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_candidate ON sv_evaluations (tenant, candidate, number)",
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_work ON sv_evaluations (run, key)",
    "CREATE INDEX IF NOT EXISTS sv_evaluations_by_expiry ON sv_evaluations (expires_s)",
    "CREATE INDEX IF NOT EXISTS ev_items_by_words ON ev_items (key)",
    "CREATE INDEX IF NOT EXISTS ev_results_of_lanes ON ev_results (shard) WHERE shard LIKE 'lane-%'",
)
