"""Tests of the log: one line of JSON an event, whatever is in it, and nothing in it that nobody chose to tell."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.telemetry.logs import FIELDS, JsonLines, start_logs

_SAID = "words that only the candidate said"


def _record(event: str, *arguments: object, name: str = "evaluator.service", **extra: object) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.INFO, "/some/path.py", 1, event, arguments, None)
    for key, value in extra.items():
        setattr(record, key, value)
    return record


@pytest.fixture
def stream() -> Generator[io.StringIO]:
    """Start the logs on a stream, and leave the loggers as they were."""
    names = ("evaluator", "uvicorn", "uvicorn.error", "uvicorn.access", "dbos", "alembic")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    stream = io.StringIO()
    start_logs(stream)
    yield stream
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


@given(event=st.text(), tenant=st.text(), status=st.integers())
def test_any_text_makes_one_line_that_reads_back(event: str, tenant: str, status: int) -> None:
    """Line breaks, escapes and marks of direction are escaped: no input can end a line, colour it or forge another."""
    line = JsonLines().format(_record(event, tenant=tenant, status=status))
    assert line.isascii()
    assert line.isprintable()
    read: dict[str, Any] = json.loads(line)
    assert read["status"] == status
    assert event.startswith(read["event"].removesuffix("…"))
    assert tenant.startswith(read["tenant"].removesuffix("…"))


def test_only_chosen_fields_are_told() -> None:
    """What else hangs on a record, its file and arguments among it, stays out."""
    line = json.loads(JsonLines().format(_record("request", request_id="req_1", body=_SAID, transcript=_SAID)))
    assert set(line) == {"time", "level", "logger", "event", "request_id"}
    assert line["time"].endswith("Z")
    assert not {"body", "query", "path", "message", "transcript"} & set(FIELDS)


def test_an_exception_is_its_class_and_its_place() -> None:
    """Neither its message nor its traceback is told: both may hold what was said."""
    try:
        raise ValueError(_SAID)  # noqa: TRY301 - it is the exception that is looked at
    except ValueError:
        record = _record("defect")
        record.exc_info = sys.exc_info()
    line = JsonLines().format(record)
    assert _SAID not in line
    assert json.loads(line)["code"] == "ValueError"
    assert json.loads(line)["at"].startswith("test_an_exception_is_its_class_and_its_place:")


def test_libraries_are_told_without_their_arguments(stream: io.StringIO) -> None:
    """A record of the server's shows what it says of itself, never what it was given; requests are no news from it."""
    logging.getLogger("uvicorn.error").warning("could not read %s", _SAID)
    logging.getLogger("uvicorn.access").warning('"GET /v1/evaluations?text=%s"', _SAID)
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("evaluator.service.requests").info("request", extra={"status": 200})
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["logger"], line["event"]) for line in lines] == [
        ("uvicorn.error", "could not read %s"),
        ("evaluator.service.requests", "request"),
    ]
    assert _SAID not in stream.getvalue()
