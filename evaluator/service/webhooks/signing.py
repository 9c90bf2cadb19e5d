"""The headers by which a receiver knows a message as ours: Standard Webhooks, a signature for each live secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from standardwebhooks import Webhook

from evaluator.version import __version__

__all__ = ["signed_headers"]


def signed_headers(message: str, body: str, at_s: float, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of one attempt.

    Args:
        message: Its id, the same at every attempt.
        body: As it is sent.
        at_s: When this attempt is made: a receiver refuses what is older than some minutes.
        secrets: Those that are valid, the newest first; any of them verifies.
    """
    moment = dt.datetime.fromtimestamp(int(at_s), tz=dt.UTC)
    return {
        "content-type": "application/json",
        "user-agent": f"evaluator/{__version__}",
        "webhook-id": message,
        "webhook-timestamp": str(int(at_s)),
        "webhook-signature": " ".join(Webhook(secret).sign(message, moment, body) for secret in secrets),
    }
