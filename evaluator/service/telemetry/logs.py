"""Logs of the service: one line of JSON for each event, which no input can break or add to.

What may be told is chosen by name (`FIELDS`); everything else about a record is left out, messages of exceptions above
all: they may hold what a candidate said.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Final, TextIO

__all__ = ["FIELDS", "JsonLines", "place_of", "start_logs"]

FIELDS: Final = (
    *("request_id", "method", "route", "status", "duration_ms", "tenant", "key"),
    *(
        "job",
        "batch",
        "evaluation",
        "webhook",
        "delivery",
        "backend",
        "rubric",
        "code",
        "attempt",
        "count",
        "wait_s",
        "at",
    ),
)
"""What a record may carry beside its event, as ``extra={...}``: ids, figures and codes."""

_LOGGERS: Final = ("evaluator", "uvicorn", "uvicorn.error", "dbos", "alembic")
_MOST_CHARS: Final = 300


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON in plain ASCII: no control character, no mark of direction, no line break."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line.

        The event is what the program wrote; of a library's own records the first line, since more of it may be a
        trace, and no arguments, which may be anybody's. Of an exception its class and the place of the program where it
        was raised are told.
        """
        ours = record.name.partition(".")[0] == "evaluator"
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _cut(record.getMessage() if ours else str(record.msg).partition("\n")[0]),
        }
        for name in FIELDS:
            value = getattr(record, name, None)
            if value is not None:
                line[name] = value if isinstance(value, bool | int | float) else _cut(str(value))
        if record.exc_info and record.exc_info[1] is not None:
            line["code"] = type(record.exc_info[1]).__name__
            line["at"] = place_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True)


def place_of(error: BaseException) -> str | None:
    """Return function and line where an exception was raised; without its message, and without the path of a file."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else None


def start_logs(stream: TextIO, level: int = logging.INFO) -> None:
    """Send the logs of the service, and of what it stands on, to a stream as JSON lines; to nowhere else.

    The access log of the server is off: it would hold query strings.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler] if "." not in name else []
        logger.propagate = "." in name
        logger.setLevel(level if name == "evaluator" else max(level, logging.WARNING))
    access = logging.getLogger("uvicorn.access")
    access.handlers[:] = []
    access.propagate = False


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}…"
