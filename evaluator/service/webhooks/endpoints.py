"""The endpoints of a tenant: where its messages go, which events it wants told, and the secrets that sign them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Final

from evaluator.batch.database import Database, Transaction
from evaluator.errors import InputError
from evaluator.service.webhooks.endpoint import Endpoint, find_endpoint, find_endpoints, missing
from evaluator.service.webhooks.events import EventType
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.sealing import Sealer, new_secret

__all__ = ["OVERLAP_S", "Endpoints", "TooMany"]

OVERLAP_S: Final = 86_400.0  # for which a replaced secret goes on signing beside the new one
_MOST_ENDPOINTS: Final = 20


class TooMany(InputError):
    """This tenant has as many webhooks as it may."""


class Endpoints:
    """The endpoints of all tenants, each seen by its own alone. Safe to share between threads."""

    def __init__(
        self, database: Database, guard: Guard, sealer: Sealer, clock: Callable[[], float] = time.time
    ) -> None:
        """Hold what is needed.

        Args:
            database: With the tables of webhooks.
            guard: Says which urls may be called.
            sealer: Seals secrets.
            clock: Seconds of the epoch.
        """
        self._database = database
        self._guard = guard
        self._sealer = sealer
        self._clock = clock

    def create(
        self,
        tenant: str,
        url: str,
        events: Sequence[EventType] = (),
        description: str = "",
        *,
        id_: str | None = None,
    ) -> tuple[Endpoint, str]:
        """Make an endpoint; return it and its secret, which is never told again.

        Args:
            tenant: Whose it is.
            url: Of its receiver.
            events: Types that it is told; all if there are none.
            description: The tenant's own words.
            id_: Its id, so that what is begun twice is made once; a new one if ``None``.

        Raises:
            UrlRefused: Messages can't be sent there.
            TooMany: The tenant has enough.
            DatabaseFailed: It can't be kept.
        """
        target = self._guard.target(url)
        secret = new_secret()
        made = Endpoint(
            id_ or f"we_{secrets.token_hex(12)}",
            target.url,
            tuple(dict.fromkeys(events)),
            description,
            self._clock(),
            None,
            None,
            None,
        )

        before = {"tenant": tenant, "endpoint": made.id}

        def work(transaction: Transaction) -> None:
            transaction.run("DELETE FROM sv_webhooks WHERE tenant = :tenant AND endpoint = :endpoint", before)
            transaction.run("DELETE FROM sv_webhook_secrets WHERE tenant = :tenant AND endpoint = :endpoint", before)
            ((count,),) = transaction.rows(
                "SELECT count(*) FROM sv_webhooks WHERE tenant = :tenant", {"tenant": tenant}
            )
            if count >= _MOST_ENDPOINTS:
                raise TooMany(
                    f"there are {_MOST_ENDPOINTS} webhooks, which is the most", remedy="delete one that isn't used"
                )
            transaction.run(
                """INSERT INTO sv_webhooks (endpoint, tenant, url, events, description, created_s)
                VALUES (:endpoint, :tenant, :url, :events, :description, :now)""",
                {
                    "endpoint": made.id,
                    "tenant": tenant,
                    "url": made.url,
                    "events": json.dumps(made.events),
                    "description": description,
                    "now": made.created_s,
                },
            )
            self._add_secret(transaction, tenant, made.id, secret)

        self._database.write(work)
        return made, secret

    def all(self, tenant: str) -> list[Endpoint]:
        """Return a tenant's endpoints, the oldest first; there are never many."""
        return self._database.read(lambda transaction: find_endpoints(transaction, tenant))

    def get(self, tenant: str, endpoint: str) -> Endpoint:
        """Return one.

        Raises:
            EndpointMissing: The tenant has none of this id.
        """
        return self._database.read(lambda transaction: find_endpoint(transaction, tenant, endpoint))

    def change(  # noqa: PLR0913 - what can be changed
        self,
        tenant: str,
        endpoint: str,
        *,
        url: str | None = None,
        events: Sequence[EventType] | None = None,
        description: str | None = None,
        disabled: bool | None = None,
    ) -> Endpoint:
        """Change what is given and leave the rest; return the endpoint as it is then.

        What waited while it was disabled is sent once it is enabled again; events of the time between were not written.

        Raises:
            EndpointMissing: The tenant has none of this id.
            UrlRefused: Messages can't be sent there.
        """
        url = None if url is None else self._guard.target(url).url

        def work(transaction: Transaction) -> Endpoint:
            now = find_endpoint(transaction, tenant, endpoint)
            values: dict[str, object] = {
                "endpoint": endpoint,
                "tenant": tenant,
                "url": now.url if url is None else url,
                "events": json.dumps(now.events if events is None else list(dict.fromkeys(events))),
                "description": now.description if description is None else description,
                "disabled": now.disabled_s,
                "reason": now.disabled_reason,
                "failing": now.failing_since_s,
            }
            if disabled is False:
                values |= {"disabled": None, "reason": None, "failing": None}
            elif disabled and now.disabled_s is None:
                values |= {"disabled": self._clock(), "reason": "asked"}
            transaction.run(
                """UPDATE sv_webhooks SET url = :url, events = :events, description = :description,
                    disabled_s = :disabled, disabled_reason = :reason, failing_since_s = :failing
                WHERE endpoint = :endpoint AND tenant = :tenant""",
                values,
            )
            return find_endpoint(transaction, tenant, endpoint)

        return self._database.write(work)

    def delete(self, tenant: str, endpoint: str) -> None:
        """Delete an endpoint, its secrets, its deliveries, and messages that went nowhere else.

        Raises:
            EndpointMissing: The tenant has none of this id.
        """
        values = {"tenant": tenant, "endpoint": endpoint}

        def work(transaction: Transaction) -> None:
            if not transaction.run("DELETE FROM sv_webhooks WHERE endpoint = :endpoint AND tenant = :tenant", values):
                raise missing()
            transaction.run("DELETE FROM sv_webhook_secrets WHERE endpoint = :endpoint AND tenant = :tenant", values)
            transaction.run("DELETE FROM sv_webhook_attempts WHERE endpoint = :endpoint AND tenant = :tenant", values)
            transaction.run(
                """DELETE FROM sv_webhook_messages WHERE tenant = :tenant AND message IN
                    (SELECT message FROM sv_webhook_deliveries WHERE endpoint = :endpoint AND tenant = :tenant)
                    AND message NOT IN
                    (SELECT message FROM sv_webhook_deliveries WHERE endpoint <> :endpoint AND tenant = :tenant)""",
                values,
            )
            transaction.run("DELETE FROM sv_webhook_deliveries WHERE endpoint = :endpoint AND tenant = :tenant", values)

        self._database.write(work)

    def rotate(self, tenant: str, endpoint: str, overlap_s: float = OVERLAP_S) -> str:
        """Give an endpoint a new secret; return it, which is never told again.

        Args:
            tenant: Whose it is.
            endpoint: Its id.
            overlap_s: For how long those before it go on signing beside it; 0 if they became known.

        Raises:
            EndpointMissing: The tenant has none of this id.
        """
        secret = new_secret()

        def work(transaction: Transaction) -> None:
            find_endpoint(transaction, tenant, endpoint)
            now_s = self._clock()
            values = {"tenant": tenant, "endpoint": endpoint, "now": now_s, "ends": now_s + overlap_s}
            transaction.run(
                "DELETE FROM sv_webhook_secrets WHERE endpoint = :endpoint AND tenant = :tenant AND expires_s <= :now",
                values,
            )
            transaction.run(
                """UPDATE sv_webhook_secrets SET expires_s = :ends
                WHERE endpoint = :endpoint AND tenant = :tenant AND (expires_s IS NULL OR expires_s > :ends)""",
                values,
            )
            self._add_secret(transaction, tenant, endpoint, secret)

        self._database.write(work)
        return secret

    def _add_secret(self, transaction: Transaction, tenant: str, endpoint: str, secret: str) -> None:
        transaction.run(
            """INSERT INTO sv_webhook_secrets (secret, tenant, endpoint, sealed, created_s)
            VALUES (:secret, :tenant, :endpoint, :sealed, :now)""",
            {
                "secret": f"ws_{secrets.token_hex(12)}",
                "tenant": tenant,
                "endpoint": endpoint,
                "sealed": self._sealer.seal(secret, f"{tenant}/{endpoint}"),
                "now": self._clock(),
            },
        )
