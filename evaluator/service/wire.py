"""What every model of the wire shares: frozen, no unknown keys, times in ISO 8601; and pages with cursors."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Annotated, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, WithJsonSchema

from evaluator.service.problems import Problem

__all__ = [
    "LINE",
    "MOST_BYTES",
    "TEXT",
    "Cursor",
    "Label",
    "Page",
    "Time",
    "Wire",
    "read_cursor",
    "time_of",
    "write_cursor",
]

_Thing = TypeVar("_Thing")
_LONGEST_CURSOR: Final = 200
_HIGHEST: Final = 2**62  # above every row's number
LINE: Final = r"^[^\x00-\x1f\x7f]*$"  # a control character in a name has no use but to mislead who reads it
MOST_BYTES: Final = 64 * 1024  # of a body that the framework reads, which it does before a key is asked for
TEXT: Final = r"^[^\x00]*$"  # no database that we keep texts in takes a null character

Label = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)]

Time = Annotated[
    datetime,
    PlainSerializer(lambda value: value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T10:15:00.000Z"]}),
]


class Wire(BaseModel):
    """Base of what goes over the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Page(Wire, Generic[_Thing]):
    """Some of a list, newest first."""

    data: list[_Thing] = Field(description="These, newest first.")
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows; null at the end.")


Cursor = Annotated[str | None, Field(description="`next_cursor` of the page before.", max_length=_LONGEST_CURSOR)]


def write_cursor(number: int) -> str:
    """Return a cursor that stands behind the row of a number."""
    return base64.urlsafe_b64encode(json.dumps([number]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int:
    """Return the number that a cursor stands behind; one above all without a cursor.

    Raises:
        Problem: It is none of ours.
    """
    if cursor is None:
        return _HIGHEST
    try:
        (number,) = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        number = None
    if type(number) is not int or not 0 <= number <= _HIGHEST:
        raise Problem(
            422, "cursor", "This is no cursor", where="cursor", remedy="take `next_cursor` from the page before"
        )
    return number


def time_of(seconds: float) -> datetime:
    """Return a time from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
