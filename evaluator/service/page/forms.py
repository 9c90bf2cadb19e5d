"""From a form of the page to what the API would have been asked: the same request, the same limits, the same errors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from evaluator.service.context import service_of
from evaluator.service.evaluations.reading import Submission
from evaluator.service.evaluations.wire import Asked
from evaluator.service.forms import open_form
from evaluator.service.problems import Problem
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript

__all__ = ["EvaluateForm", "read_evaluate_form", "read_fields", "submission_of"]

_FIELDS: Final = 24
_FIELD_BYTES: Final = 20_000
_FILE_NAME: Final = 120
_SHORTEST_TAKE_S: Final = 1.0
_LONGEST_TAKE_S: Final = 3600.0
_NAMES: Final = {
    "question": "the question",
    "question_type": "the question type",
    "candidate": "the candidate's id",
    "rubric": "the rubric",
    "judge": "the judge",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateForm:
    """What was filled in, as it was; the page shows it again if something is wrong.

    Attributes:
        text: The transcript that was pasted.
        file: Name and bytes of the one that was chosen instead.
        rubric: Name of the rubric.
        judge: Name of the judge.
        question: The question, if told.
        question_type: Its type, if told.
        keep: Whether the attempt is to be kept.
        candidate: Whose attempt it is.
        practice: Whether it was said into the practice timer.
        taken_s: Seconds that it took there.
        aloud: Whether it was spoken, so that these are its speaking time.
    """

    text: str = ""
    file: tuple[str, bytes] | None = None
    rubric: str = ""
    judge: str = ""
    question: str = ""
    question_type: str = ""
    keep: bool = False
    candidate: str = ""
    practice: bool = False
    taken_s: float = 0.0
    aloud: bool = False


async def read_fields(request: Request) -> dict[str, str]:
    """Return the text fields of a small form.

    Raises:
        Problem: It isn't in UTF-8.
        HTTPException: It can't be read as one.
    """
    async with open_form(request, files=0, fields=_FIELDS, field_bytes=_FIELD_BYTES) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def read_evaluate_form(request: Request) -> EvaluateForm:
    """Return the form of the first page or of the practice timer.

    Raises:
        Problem: It isn't in UTF-8.
        HTTPException: It can't be read as one.
    """
    largest = service_of(request).config.max_body_bytes
    async with open_form(request, files=1, fields=_FIELDS, field_bytes=largest) as form:
        upload = form.get("file")
        file = None
        if isinstance(upload, UploadFile) and upload.filename:
            file = (upload.filename[-_FILE_NAME:], await upload.read())
        return EvaluateForm(
            text=_text(form, "text"),
            file=file,
            rubric=_text(form, "rubric"),
            judge=_text(form, "judge"),
            question=_text(form, "question"),
            question_type=_text(form, "question_type"),
            keep=bool(_text(form, "keep")),
            candidate=_text(form, "candidate").strip(),
            practice=bool(_text(form, "practice")),
            taken_s=_seconds(_text(form, "taken_s")),
            aloud=bool(_text(form, "aloud")),
        )


async def submission_of(form: EvaluateForm) -> Submission:
    """Return what the form asks to judge.

    Raises:
        Problem: A field is too long.
        TranscriptError: What was given is no transcript.
    """
    told: dict[str, Any] = {
        "question": form.question.strip() or None,
        "question_type": form.question_type or None,
        "judge": form.judge or None,
        "store": form.keep,
        "candidate": (form.candidate or None) if form.keep else None,
    }
    if form.rubric:
        told["rubric"] = form.rubric
    try:
        asked = Asked.model_validate(told)
    except ValidationError as error:
        place = str(error.errors()[0]["loc"][0])
        detail = str(error.errors()[0]["msg"]).lower()
        raise Problem(
            422, "invalid_request", "A field can't be used", detail=f"{_NAMES.get(place, place)}: {detail}", where=place
        ) from None
    return Submission(asked, await asyncio.to_thread(_transcript, form, asked), b"")


def _transcript(form: EvaluateForm, asked: Asked) -> Transcript:
    told = {"question": asked.question, "question_type": asked.question_type}
    if form.practice and form.text.strip():
        answer: dict[str, Any] = {"role": "candidate", "text": form.text.strip()}
        if form.aloud and form.taken_s:
            answer |= {"start_s": 0.0, "end_s": form.taken_s}
        return parse_turns_row({"turns": [answer]}, "answer", **told)
    if form.file is not None:
        name, data = form.file
        return parse_transcript(data, name=name, **told)
    if not form.text.strip():
        raise Problem(
            422,
            "transcript",
            "There is nothing to judge yet",
            where="transcript",
            remedy="paste a transcript, choose a file, or pick a sample",
        )
    return parse_transcript(form.text, **told)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


def _seconds(text: str) -> float:
    """Return what the timer counted; 0 if it didn't, or says something absurd."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if _SHORTEST_TAKE_S <= seconds <= _LONGEST_TAKE_S else 0.0
