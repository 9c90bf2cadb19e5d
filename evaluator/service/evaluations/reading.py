"""From a request's body to a transcript to judge: JSON with text or turns, or a form with a file."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from evaluator.errors import TranscriptError
from evaluator.service.evaluations.wire import Asked, EvaluationRequest
from evaluator.service.forms import open_form
from evaluator.service.problems import Problem
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript

__all__ = ["REQUEST_BODY", "Submission", "read_submission"]

_Form = TypeVar("_Form", bound=Asked)
_FIELDS: Final = 24
_FIELD_BYTES: Final = 20_000
_FILE_NAME: Final = 120
REQUEST_BODY: Final = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/EvaluationRequest"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "The transcript, in any form."},
                    "options": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "description": "What else the JSON form takes, as JSON.",
                    },
                },
                "additionalProperties": False,
            }
        },
    },
}


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller wants judged.

    Attributes:
        asked: How.
        transcript: What.
        body: The bytes that were sent, for whoever compares requests.
    """

    asked: Asked
    transcript: Transcript
    body: bytes


async def read_submission(request: Request) -> Submission:
    """Read a request for one evaluation.

    Raises:
        Problem: The body isn't what `REQUEST_BODY` describes.
        RequestValidationError: Likewise, with the places.
        TranscriptError: What it holds is no transcript.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            422, "content_encoding", "Compressed bodies aren't read", where="Content-Encoding", remedy="send it plain"
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _from_form(request)
    if kind != "application/json":
        raise Problem(
            415,
            "media_type",
            "The body's type isn't read here",
            where="Content-Type",
            remedy="send application/json, or multipart/form-data with a file",
        )
    body = await request.body()
    return await asyncio.to_thread(_from_json, body)


def _from_json(body: bytes) -> Submission:
    asked = _validated(EvaluationRequest, body)
    told = {"candidate": asked.speaker, "question": asked.question, "question_type": asked.question_type}
    try:
        if asked.turns is not None:
            return Submission(asked, parse_turns_row({"turns": asked.turns}, "turns", **told), body)
        return Submission(asked, parse_transcript(asked.transcript or "", format=asked.format, **told), body)
    except TranscriptError as error:
        raise error.located("transcript") if asked.turns is None else error from error


async def _from_form(request: Request) -> Submission:
    async with open_form(request, files=1, fields=_FIELDS, field_bytes=_FIELD_BYTES) as form:
        strange = sorted(set(form) - {"file", "options"})
        file = form.get("file")
        if strange or not isinstance(file, UploadFile):
            raise Problem(
                422,
                "invalid_request",
                "The request breaks its schema",
                detail="a form holds a `file`, and `options` as JSON" + (", nothing else" if strange else ""),
                where="file",
                remedy="send what /openapi.json describes",
            )
        options = form.get("options") or "{}"
        data, name = await file.read(), (file.filename or "file")[-_FILE_NAME:]
    if isinstance(options, UploadFile):
        raise Problem(
            422, "invalid_request", "The request breaks its schema", detail="`options` is text", where="options"
        )
    return await asyncio.to_thread(_from_file, options, data, name)


def _from_file(options: str, data: bytes, name: str) -> Submission:
    asked = _validated(Asked, options.encode("utf-8", "replace"))
    transcript = parse_transcript(
        data,
        format=asked.format,
        candidate=asked.speaker,
        question=asked.question,
        question_type=asked.question_type,
        name=name,
    )
    body = json.dumps([asked.model_dump(mode="json"), name]).encode() + b"\n" + data
    return Submission(asked, transcript, body)


def _validated(model: type[_Form], data: bytes) -> _Form:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from None
