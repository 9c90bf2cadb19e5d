"""From a request's body to the text of a rubric, and from a text to its faults."""

from __future__ import annotations

import re
from typing import Final

from fastapi import Request

from evaluator.errors import RubricError
from evaluator.rubric import find_rubric_faults
from evaluator.service.problems import Problem
from evaluator.service.rubrics.wire import RubricFault

__all__ = ["ANY_BODY", "MOST_BYTES", "RUBRIC_BODY", "YAML", "faults_in", "read_text"]

MOST_BYTES: Final = 512 * 1024  # five times the largest that is shipped
YAML: Final = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
_WHERE: Final = re.compile(r"line (?P<line>\d+)(?:, column \d+)?(?:, `(?P<path>.*)`)?", re.DOTALL)
_EXAMPLE: Final = "schema_version: 1\nid: sales_discovery\nversion: 1.0.0\ntitle: Sales discovery\n# …\n"
_DOCUMENT: Final = {
    "schema": {"type": "string", "description": "The rubric's document, as `evaluator rubric new` begins one."},
    "example": _EXAMPLE,
}
_AS_JSON: Final = {"type": "object", "description": "The same as JSON: `rubric` of a rubric that was fetched."}
RUBRIC_BODY: Final = {
    "required": True,
    "content": {"application/yaml": _DOCUMENT, "application/json": {"schema": _AS_JSON}},
}
ANY_BODY: Final = {  # to be checked: whatever is sent as JSON gets an answer
    "required": True,
    "content": {
        "application/yaml": _DOCUMENT,
        "application/json": {"schema": {"description": "The same as JSON, right or wrong."}},
    },
}


async def read_text(request: Request) -> str:
    """Return the document that a request holds.

    Raises:
        Problem: 415, it is sent as something else; 422, it isn't UTF-8 text, or compressed.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            422, "content_encoding", "Compressed bodies aren't read", where="Content-Encoding", remedy="send it plain"
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (*YAML, "application/json"):
        raise Problem(
            415,
            "media_type",
            "The body's type isn't read here",
            where="Content-Type",
            remedy="send application/yaml, text/yaml or application/json",
        )
    try:
        return (await request.body()).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem(422, "rubric", "The rubric can't be used", detail="it isn't UTF-8 text") from None


def faults_in(text: str) -> tuple[RubricFault, ...]:
    """Return everything that keeps a text from being a rubric, by line."""
    return tuple(map(_fault, find_rubric_faults(text)))


def _fault(error: RubricError) -> RubricFault:
    place = _WHERE.match(error.where or "")
    return RubricFault(
        line=int(place["line"]) if place else 1,
        path=place["path"] if place else None,
        message=error.message,
        remedy=error.remedy,
    )
