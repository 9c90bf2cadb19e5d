"""A recording made by hand, for tests of what is done with one."""

from __future__ import annotations

import datetime as dt

from pydantic import JsonValue

from evaluator.backends.recording_file import RecordedAnswer, RecordedRequest, Recording

__all__ = ["make_recording"]


def make_recording(body: JsonValue, *, status: int = 200, origin: str = "live", answer: JsonValue = None) -> Recording:
    """Return a recording of a body and its answer."""
    return Recording.model_validate(
        {
            "origin": origin,
            "provider": "openai-compatible",
            "model": "m",
            "recorded": dt.date(2026, 11, 23),
            "request": RecordedRequest(method="POST", path="/v1/chat/completions", body=body),
            "response": RecordedAnswer(status=status, body=answer),
        }
    )
