"""Every error answer, by RFC 9457: a stable code, what is wrong, where in the input, and what would put it right.

In: errors of ours, of the framework, and defects. Out: ``application/problem+json``. No answer holds a path, a
traceback, a key or a candidate's words.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.errors import (
    EvaluatorError,
    InputError,
    JudgeMisuse,
    JudgeUnavailable,
    MissingExtra,
    OptionError,
    RubricError,
    TranscriptError,
)
from evaluator.service.hygiene import PRIVATE, SAFE
from evaluator.service.methods import methods_of

__all__ = ["PROBLEM_ANSWERS", "Problem", "ProblemBody", "add_problem_handlers", "problem_of", "problem_response"]

_LOGGER: Final = logging.getLogger("evaluator.service")
_MEDIA_TYPE: Final = "application/problem+json"
_RETRY_S: Final = 5
_MOST_FAULTS: Final = 8
_CODES: Final[dict[int, str]] = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    413: "body_too_large",
    415: "media_type",
}


class ProblemBody(BaseModel):
    """An error, as RFC 9457 puts it, with where in the input it lies and what would mend it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:evaluator:problem:transcript",
                "title": "The transcript can't be read",
                "status": 422,
                "detail": "the transcript is empty",
                "code": "transcript",
                "where": "transcript, line 1",
                "remedy": "give a file with speech in it",
                "request_id": "req_5f0c6b1d9e2a4c3b8d7e6f50",
            }
        }
    )

    type: str = Field(description="`urn:evaluator:problem:` and the code.")
    title: str = Field(description="What kind of problem it is.")
    status: int = Field(description="HTTP status.", ge=400, le=599)
    detail: str | None = Field(default=None, description="What is wrong this time; left out if the title says it all.")
    code: str = Field(description="Stable name, to branch by.")
    where: str | None = Field(default=None, description="Place in the input; null if it has none.")
    remedy: str | None = Field(default=None, description="What would put it right; null if nothing is known.")
    request_id: str | None = Field(default=None, description="Id of the request, as in the header X-Request-Id.")


class Problem(Exception):
    """An answer that says what is wrong.

    Attributes:
        status: HTTP status.
        code: Stable name that programs branch by.
        title: The same for every problem of this code.
        detail: What is wrong this time, never a candidate's words; ``None`` if the title says it all.
        where: Place in the request; ``None`` if it has none.
        remedy: What would put it right; ``None`` if nothing would.
        headers: Sent with the answer, such as ``Retry-After``.
    """

    def __init__(  # noqa: PLR0913 - the members of RFC 9457 and the two of ours
        self,
        status: int,
        code: str,
        title: str,
        *,
        detail: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Hold the parts."""
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.where = where
        self.remedy = remedy
        self.headers = dict(headers or {})


PROBLEM_ANSWERS: Final[dict[int | str, dict[str, object]]] = {
    "default": {
        "description": "A problem: its `code` is stable, `where` and `remedy` tell what to mend.",
        "content": {_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
    }
}


_KINDS: Final[tuple[tuple[type[EvaluatorError], int, str, str], ...]] = (  # the first that fits
    (TranscriptError, 422, "transcript", "The transcript can't be read"),
    (RubricError, 422, "rubric", "The rubric can't be used"),
    (OptionError, 422, "option", "An option has no meaning here"),
    (InputError, 422, "input", "The input can't be used"),
    (JudgeUnavailable, 503, "judge_unavailable", "The judge can't answer now"),
    (JudgeMisuse, 502, "judge_refused", "The judge refuses to answer"),
    (MissingExtra, 501, "not_installed", "This service lacks a part"),
)


def problem_of(error: EvaluatorError) -> Problem:
    """Return the answer to an error of ours; of a database's nothing is told but that it failed."""
    if isinstance(error, DatabaseFailed):
        wait = {"Retry-After": str(_RETRY_S)}
        return Problem(503, "storage_unavailable", "What is stored can't be reached now", headers=wait)
    found = next((row for row in _KINDS if isinstance(error, row[0])), None)
    if found is None:
        return Problem(500, "defect", "The program failed")
    headers: dict[str, str] = {}
    if isinstance(error, JudgeUnavailable):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s or _RETRY_S))
    _, status, code, title = found
    return Problem(status, code, title, detail=error.message, where=error.where, remedy=error.remedy, headers=headers)


def problem_response(problem: Problem, request_id: str | None) -> JSONResponse:
    """Return a problem as a response."""
    body = ProblemBody(
        type=f"urn:evaluator:problem:{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        code=problem.code,
        where=problem.where,
        remedy=problem.remedy,
        request_id=request_id,
    )
    headers = SAFE | PRIVATE | problem.headers
    return JSONResponse(body.model_dump(exclude_none=True), problem.status, headers=headers, media_type=_MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Let an app answer every error with a problem."""

    async def of_ours(request: Request, error: Exception) -> JSONResponse:
        problem = error if isinstance(error, Problem) else problem_of(_as_ours(error))
        return problem_response(problem, _request_id(request))

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error.__cause__, Problem):  # raised while the framework read a body, and wrapped by it
            return problem_response(error.__cause__, _request_id(request))
        status = error.status_code if isinstance(error, HTTPException) else 500
        headers = dict((error.headers or {}) if isinstance(error, HTTPException) else {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            known = {name.strip() for name in headers.get("Allow", "").split(",") if name.strip()}
            headers["Allow"] = ", ".join(sorted(known | methods_of(app.openapi()["paths"], request.url.path)))
        if status == HTTPStatus.BAD_REQUEST:  # so the framework calls a body or form that it can't take apart
            return problem_response(_faults([(("body",), "it can't be parsed")]), _request_id(request))
        phrase = HTTPStatus(status).phrase
        problem = Problem(status, _CODES.get(status, "http"), phrase, headers=headers)
        return problem_response(problem, _request_id(request))

    async def of_validation(request: Request, error: Exception) -> JSONResponse:
        faults: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else ()
        return problem_response(_faults([(tuple(f["loc"]), str(f["msg"])) for f in faults]), _request_id(request))

    async def of_defect(request: Request, error: Exception) -> JSONResponse:
        _LOGGER.error("a request failed: %s", type(error).__name__, extra={"request_id": _request_id(request)})
        return problem_response(Problem(500, "defect", "The program failed"), _request_id(request))

    app.add_exception_handler(Problem, of_ours)
    app.add_exception_handler(EvaluatorError, of_ours)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(Exception, of_defect)


def _faults(faults: list[tuple[tuple[int | str, ...], str]]) -> Problem:
    """Return the problem of a request that breaks its schema; what was sent is not repeated."""
    told = [f"{_place(place)}: {message}" for place, message in faults[:_MOST_FAULTS]]
    first = _place(faults[0][0]) if faults else None
    return Problem(
        422,
        "invalid_request",
        "The request breaks its schema",
        detail="; ".join(told) or None,
        where=first,
        remedy="send what /openapi.json describes",
    )


def _place(parts: tuple[int | str, ...]) -> str:
    """Return a place as a path of keys; keys that a caller made up are cut."""
    told = [str(part)[:60] for part in parts if part not in ("body", "query", "path", "header")]
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in told).removeprefix(".") or "body"


def _as_ours(error: Exception) -> EvaluatorError:
    return error if isinstance(error, EvaluatorError) else EvaluatorError("the program failed")


def _request_id(request: Request) -> str | None:
    return getattr(request.state, "request_id", None)
