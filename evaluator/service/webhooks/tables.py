"""The tables of webhooks: endpoints with their secrets, messages, and what became of each message at each endpoint."""

from __future__ import annotations

from typing import Final

__all__ = ["TABLES"]

TABLES: Final[tuple[str, ...]] = (
    """CREATE TABLE IF NOT EXISTS sv_webhooks (
        endpoint TEXT PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL, events TEXT NOT NULL,
        description TEXT NOT NULL, created_s {real} NOT NULL, disabled_s {real}, disabled_reason TEXT,
        failing_since_s {real})""",
    "CREATE INDEX IF NOT EXISTS sv_webhooks_by_tenant ON sv_webhooks (tenant, created_s)",
    """CREATE TABLE IF NOT EXISTS sv_webhook_secrets (
        secret TEXT PRIMARY KEY, tenant TEXT NOT NULL, endpoint TEXT NOT NULL, sealed {bytes} NOT NULL,
        created_s {real} NOT NULL, expires_s {real})""",
    "CREATE INDEX IF NOT EXISTS sv_webhook_secrets_by_endpoint ON sv_webhook_secrets (endpoint, created_s)",
    """CREATE TABLE IF NOT EXISTS sv_webhook_messages (
        message TEXT PRIMARY KEY, tenant TEXT NOT NULL, type TEXT NOT NULL, subject TEXT, body TEXT NOT NULL,
        created_s {real} NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS sv_webhook_messages_by_subject ON sv_webhook_messages (tenant, subject)",
    "CREATE INDEX IF NOT EXISTS sv_webhook_messages_by_time ON sv_webhook_messages (created_s)",
    """CREATE TABLE IF NOT EXISTS sv_webhook_deliveries (
        number {number}, delivery TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, message TEXT NOT NULL,
        endpoint TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
        step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL, due_s {real} NOT NULL, lease TEXT,
        created_s {real} NOT NULL, finished_s {real}, UNIQUE (message, endpoint))""",
    "CREATE INDEX IF NOT EXISTS sv_webhook_deliveries_due ON sv_webhook_deliveries (endpoint, status, due_s)",
    "CREATE INDEX IF NOT EXISTS sv_webhook_deliveries_by_number ON sv_webhook_deliveries (endpoint, number)",
    """CREATE TABLE IF NOT EXISTS sv_webhook_attempts (
        delivery TEXT NOT NULL, number INTEGER NOT NULL, tenant TEXT NOT NULL, endpoint TEXT NOT NULL,
        at_s {real} NOT NULL, duration_s {real} NOT NULL, code INTEGER, error TEXT, PRIMARY KEY (delivery, number))""",
    "CREATE INDEX IF NOT EXISTS sv_webhook_attempts_by_endpoint ON sv_webhook_attempts (endpoint)",
)
