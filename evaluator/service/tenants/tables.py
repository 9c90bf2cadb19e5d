"""The tables of tenants: who they are, their keys, and what they used."""

from __future__ import annotations

from typing import Final

from evaluator.batch.database import Database, Transaction

__all__ = ["TABLES", "lock", "waive_durability"]

TABLES: Final[tuple[str, ...]] = (
    """CREATE TABLE IF NOT EXISTS sv_tenants (
        tenant TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_s {real} NOT NULL,
        rate_per_minute BIGINT, concurrency BIGINT, budget_nano BIGINT)""",
    """CREATE TABLE IF NOT EXISTS sv_keys (
        key TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
        digest TEXT NOT NULL, former TEXT, former_until_s {real}, created_s {real} NOT NULL, expires_s {real},
        revoked_s {real}, used_s {real})""",
    "CREATE INDEX IF NOT EXISTS sv_keys_by_tenant ON sv_keys (tenant)",
    "CREATE TABLE IF NOT EXISTS sv_rates (tenant TEXT NOT NULL PRIMARY KEY, counts TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS sv_slots (
        slot TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, lapses_s {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sv_slots_by_tenant ON sv_slots (tenant)",
    """CREATE TABLE IF NOT EXISTS sv_months (
        tenant TEXT NOT NULL, month TEXT NOT NULL, requests BIGINT NOT NULL, evaluations BIGINT NOT NULL,
        spent_nano BIGINT NOT NULL, PRIMARY KEY (tenant, month))""",
    """CREATE TABLE IF NOT EXISTS sv_spend (
        reservation TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, month TEXT NOT NULL, nano BIGINT NOT NULL,
        held INTEGER NOT NULL, lapses_s {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sv_spend_by_tenant ON sv_spend (tenant, month, held)",
)
_LOCK: Final = 0x4556_5400
_AREAS: Final = {"rates": 1, "slots": 2, "spend": 3}


def lock(database: Database, transaction: Transaction, area: str, tenant: str) -> None:
    """Let no other change of a tenant's rows in this area begin until this transaction ends.

    A SQLite file is locked as a whole by whoever writes; Postgres locks by number, so that two tenants may now and then
    wait for each other.
    """
    if database.shared:
        statement = "SELECT pg_advisory_xact_lock(:area, hashtext(:tenant))"
        transaction.rows(statement, {"area": _LOCK + _AREAS[area], "tenant": tenant})


def waive_durability(database: Database, transaction: Transaction) -> None:
    """Let a transaction of counts end before a Postgres has it on disk: a crash of the server may forget the last ones.

    A SQLite file can't tell one transaction from another in this.
    """
    if database.shared:
        transaction.run("SET LOCAL synchronous_commit = off")
