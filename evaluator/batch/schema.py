"""The tables of durable runs, in the SQL that SQLite and Postgres both read.

Transcripts and results stand by content key, so that runs which share words and grading share results; what belongs to
one run (its items in their order, its shards) names the run.
"""

from __future__ import annotations

from typing import Final

from evaluator.batch.database import Database, Transaction

__all__ = ["create_tables"]

_TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS ev_runs (
        run TEXT PRIMARY KEY, spec TEXT NOT NULL, grading TEXT NOT NULL, attempt INTEGER NOT NULL,
        stopped TEXT, at_risk_usd {real} NOT NULL DEFAULT 0, lost_usd {real} NOT NULL DEFAULT 0)""",
    """CREATE TABLE IF NOT EXISTS ev_gradings (grading TEXT PRIMARY KEY, dictionary {bytes} NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS ev_transcripts (key TEXT PRIMARY KEY, packed {bytes} NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS ev_items (
        run TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, columns TEXT NOT NULL,
        key TEXT, problem TEXT, PRIMARY KEY (run, position))""",
    "CREATE INDEX IF NOT EXISTS ev_items_by_key ON ev_items (run, key, position)",
    """CREATE TABLE IF NOT EXISTS ev_results (
        grading TEXT NOT NULL, key TEXT NOT NULL, graded INTEGER NOT NULL, review INTEGER NOT NULL,
        again INTEGER NOT NULL, shard TEXT NOT NULL, packed {bytes} NOT NULL, PRIMARY KEY (grading, key))""",
    """CREATE TABLE IF NOT EXISTS ev_shards (
        shard TEXT PRIMARY KEY, run TEXT NOT NULL, attempt INTEGER NOT NULL, grading TEXT NOT NULL, keys TEXT NOT NULL,
        epoch INTEGER NOT NULL DEFAULT 0, owner TEXT, finished INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS ev_shards_by_run ON ev_shards (run, finished)",
    """CREATE TABLE IF NOT EXISTS ev_progress (
        run TEXT NOT NULL, attempt INTEGER NOT NULL, owner TEXT NOT NULL, graded INTEGER NOT NULL,
        review INTEGER NOT NULL, failed INTEGER NOT NULL, requests INTEGER NOT NULL, cost_usd {real} NOT NULL,
        unpriced INTEGER NOT NULL, PRIMARY KEY (run, attempt, owner))""",
    """CREATE TABLE IF NOT EXISTS ev_answers (number {number}, head TEXT NOT NULL, packed {bytes} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ev_answers_by_head ON ev_answers (head)",
    """CREATE TABLE IF NOT EXISTS ev_allotments (
        run TEXT NOT NULL, owner TEXT NOT NULL, granted_usd {real} NOT NULL, PRIMARY KEY (run, owner))""",
    """CREATE TABLE IF NOT EXISTS ev_workers (
        name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, seen_s {real} NOT NULL)""",
)
_SQLITE: Final = {"bytes": "BLOB", "real": "REAL", "number": "INTEGER PRIMARY KEY"}
_POSTGRES: Final = {"bytes": "BYTEA", "real": "DOUBLE PRECISION", "number": "BIGSERIAL PRIMARY KEY"}
_LOCK: Final = 0x4556_414C  # two machines that make the same tables at once would trip over each other


def create_tables(database: Database) -> None:
    """Make the tables that aren't there yet.

    Raises:
        DatabaseFailed: They can't be made.
    """

    def work(transaction: Transaction) -> None:
        if database.shared:
            transaction.rows("SELECT pg_advisory_xact_lock(:lock)", {"lock": _LOCK})
        for statement in _TABLES:
            transaction.run(statement.format(**(_POSTGRES if database.shared else _SQLITE)))

    database.write(work)
