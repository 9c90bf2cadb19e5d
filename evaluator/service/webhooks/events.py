"""What a receiver can be told: the types of events, and the body of a message.

A body is made once, when the event happens, and sent unchanged at every attempt: its signature and its id are its own.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Final, Literal

from pydantic import JsonValue

__all__ = ["TEST_EVENT", "EventType", "message_body", "wire_time"]

EventType = Literal["evaluation.completed", "evaluation.failed", "batch.completed", "batch.failed"]
TEST_EVENT: Final = "webhook.test"


def message_body(event: str, data: Mapping[str, JsonValue], at_s: float) -> str:
    """Return the JSON of a message: ``type``, ``timestamp`` of the event and ``data``, in ASCII."""
    told = {"type": event, "timestamp": wire_time(at_s), "data": dict(data)}
    return json.dumps(told, separators=(",", ":"), allow_nan=False)


def wire_time(at_s: float) -> str:
    """Return a moment in seconds of the epoch as ISO 8601 in UTC, to the millisecond, with a Z."""
    moment = dt.datetime.fromtimestamp(at_s, tz=dt.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
