"""Where events are sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluator.client.operations import webhooks as calls
from evaluator.client.resources.webhooks import (
    DeliveryResource,
    WebhookResource,
    WebhookSecret,
    WebhookWithSecret,
)
from evaluator.client.synchronous.connection import Connection

__all__ = ["Webhooks"]


class Webhooks:
    """Webhooks of one service."""

    def __init__(self, connection: Connection) -> None:
        """Ask over a connection."""
        self._connection = connection

    def create(
        self, url: str, *, events: Sequence[str] = (), description: str = "", idempotency_key: str | None = None
    ) -> WebhookWithSecret:
        """Make a webhook; its secret is told this once. All events are sent if none are named."""
        return self._connection.send(calls.create_webhook(url, events, description, key=idempotency_key))

    def list(self) -> Iterator[WebhookResource]:
        """Yield all webhooks, oldest first."""
        yield from self._connection.send(calls.list_webhooks()).data

    def get(self, id_: str) -> WebhookResource:
        """Return a webhook, without its secret."""
        return self._connection.send(calls.get_webhook(id_))

    def change(
        self,
        id_: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        disabled: bool | None = None,
    ) -> WebhookResource:
        """Change what is given."""
        return self._connection.send(calls.change_webhook(id_, url, events, description, disabled=disabled))

    def delete(self, id_: str) -> None:
        """Delete a webhook; what waited for it isn't sent."""
        self._connection.send(calls.delete_webhook(id_))

    def rotate_secret(self, id_: str, *, overlap_s: int | None = None) -> WebhookSecret:
        """Replace the secret; the one of before signs beside it for so long, a day if not given."""
        return self._connection.send(calls.rotate_secret(id_, overlap_s))

    def test(self, id_: str) -> DeliveryResource:
        """Send a test event."""
        return self._connection.send(calls.test_webhook(id_))

    def deliveries(self, id_: str, *, status: str | None = None) -> Iterator[DeliveryResource]:
        """Yield what was sent, newest first."""
        return self._connection.pages(lambda cursor: calls.list_deliveries(id_, cursor, status=status))

    def replay(self, id_: str, delivery: str) -> DeliveryResource:
        """Send an event again."""
        return self._connection.send(calls.replay_delivery(id_, delivery))
