"""What the operator of a service decides: one frozen value, from settings and the options of ``evaluator serve``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from evaluator.settings import Settings

__all__ = ["ServiceConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """How a service runs.

    Attributes:
        data: Folder of its database, queue and keys.
        settings: Who judges if a caller doesn't choose, with this machine's keys.
        judges: Backends, ``NAME`` or ``NAME:MODEL``, that callers may choose among; the first is the default.
        database_url: A Postgres that several machines share; ``None`` works in ``data`` alone.
        deadline_s: Longest time for one synchronous evaluation.
        in_flight: Most synchronous evaluations at once, of all tenants; those beyond are told to come again.
        max_body_bytes: Largest body of a request for one evaluation.
        max_bodies_bytes: Most bytes of the bodies of all requests that aren't answered yet.
        retention_days: How long what was stored is kept.
        drain_s: How long what is in work may take to end when the service stops; requests have half of it.
        body_s: Longest time in which a request's body must have come.
        private_webhooks: Whether webhooks may be sent to private addresses.
        webhook_networks: Networks that webhooks may be sent to beside the public internet.
        webhook_key: Key in base64 that seals the secrets of webhooks; ``None`` keeps one in ``data``.
    """

    data: Path
    settings: Settings
    judges: tuple[str, ...] = ("local",)
    database_url: str | None = None
    deadline_s: float = 60.0
    in_flight: int = 256
    max_body_bytes: int = 6 * 1024 * 1024
    max_bodies_bytes: int = 256 * 1024 * 1024
    retention_days: float = 30.0
    drain_s: float = 12.0
    body_s: float = 30.0
    private_webhooks: bool = False
    webhook_networks: tuple[str, ...] = ()
    webhook_key: SecretStr | None = None

    @property
    def database(self) -> Path | str:
        """Where what the service knows is kept: the file in its folder, or the address of its Postgres."""
        return self.database_url or self.data / "service.sqlite"
