"""What schemathesis must know of this service: bodies of lines, and three promises of ours. Its command loads it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import schemathesis

_LEAKS: Final = re.compile(
    r"Traceback \(most recent|\.py\b|File \"|/(?:home|root|usr|opt|tmp|work|var|site-packages|srv)/|sqlite3?\.|psycopg|"
    r"0x[0-9a-f]{8,}"
)
_FAILED: Final = 400


@schemathesis.serializer("application/jsonl", "text/csv")
def lines(_ctx: object, value: Any) -> bytes:  # noqa: ANN401 - whatever was made up
    """Send text as it is, and anything else as one line of JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")


@schemathesis.check
def tells_nothing_of_itself(_ctx: object, response: Any, case: Any) -> None:  # noqa: ANN401, ARG001 - as checks are called
    """No error holds a path, a trace or a name of a module, unless the request held it."""
    if response.status_code < _FAILED:
        return
    leak = _LEAKS.search(response.text)
    if leak and leak.group() not in (response.request.url or "") + str(response.request.body or ""):
        raise AssertionError(f"an answer tells of the inside: {leak.group()!r}")


@schemathesis.check
def refuses_for_meaning_alone(_ctx: object, response: Any, case: Any) -> None:  # noqa: ANN401 - as checks are called
    """What the schema allows is never refused for its form: only for what no schema can say, by a code of its own.

    Which rubrics and judges exist, what a transcript is or which addresses may be called can't be said in a schema, so
    that this stands in for schemathesis's own check, which takes any 422 for a fault.
    """
    mode = case.meta.generation.mode if case.meta else None
    if mode is None or not mode.is_positive or response.status_code != 422:
        return
    if case.media_type == "multipart/form-data":  # nor can be said what JSON a part of a form holds
        return
    if response.json().get("code") == "invalid_request":
        raise AssertionError("a request that fits the schema was refused as one that doesn't")


@schemathesis.check
def is_kept_nowhere(_ctx: object, response: Any, case: Any) -> None:  # noqa: ANN401, ARG001 - as checks are called
    """Every answer names its type for good, and no cache may keep it."""
    assert response.headers.get("x-content-type-options") == ["nosniff"], "nosniff is missing"
    if "/v1/" in (response.request.url or ""):
        assert response.headers.get("cache-control") == ["no-store"], "a cache may keep it"
