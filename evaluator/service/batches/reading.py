"""From a request's body to the items of a batch: JSON lines as they are, or a form with any file that batches read.

What is sent goes through a file of the data folder, which is deleted when it has been read, or by `forget_incoming`.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from evaluator.service.batches.wire import BatchOptions
from evaluator.service.forms import open_form
from evaluator.service.problems import Problem

__all__ = ["BATCH_BODY", "Sent", "forget_incoming", "receive_batch"]

_JSONL: Final = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
_KINDS: Final = (".jsonl", ".csv", ".parquet", ".zip", ".ndjson", ".tsv")
_FIELD_BYTES: Final = 20_000
_INCOMING: Final = "incoming-"
_ABANDONED_S: Final = 3600.0  # far more than it takes to read the largest file
BATCH_BODY: Final = {
    "required": True,
    "content": {
        "application/jsonl": {
            "schema": {"type": "string", "description": "One object a line, with `transcript`, `text` or `turns`."},
            "example": '{"name": "anna-1", "text": "Candidate: The goal is …"}\n',
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "JSONL, CSV, Parquet, or a zip of transcripts in any form.",
                    },
                    "options": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "description": "`BatchOptions` as JSON.",
                    },
                },
                "additionalProperties": False,
            }
        },
    },
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch as it was sent.

    Attributes:
        options: How it is to be read and judged.
        path: File that holds it.
    """

    options: BatchOptions
    path: Path

    def mark(self) -> bytes:
        """Return what tells this batch from others."""
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        return digest + self.options.model_dump_json().encode()


@asynccontextmanager
async def receive_batch(request: Request, data: Path, query: BatchOptions) -> AsyncGenerator[Sent]:
    """Take a batch in, and delete its file when the block ends.

    Args:
        request: The request, whose body nobody has read.
        data: Folder for the file.
        query: Options beside JSON lines.

    Raises:
        Problem: The body isn't what `BATCH_BODY` describes.
        RequestValidationError: Likewise, with the places.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            422, "content_encoding", "Compressed bodies aren't read", where="Content-Encoding", remedy="send a zip file"
        )
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=_INCOMING, dir=data))
    try:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in _JSONL:
            yield Sent(query, await _save_lines(request, folder / "batch.jsonl"))
        elif kind == "multipart/form-data":
            yield await _save_file(request, folder)
        else:
            raise Problem(
                415,
                "media_type",
                "The body's type isn't read here",
                where="Content-Type",
                remedy="send application/jsonl, or multipart/form-data with a file",
            )
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def forget_incoming(data: Path, older_than_s: float = _ABANDONED_S) -> int:
    """Delete what was sent to processes that died while they read it; return how much that was.

    Args:
        data: Folder for such files.
        older_than_s: What is younger may be read by another process that uses the folder.
    """
    before_s = time.time() - older_than_s
    left = [folder for folder in data.glob(f"{_INCOMING}*") if _changed_s(folder) <= before_s]
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def _changed_s(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # it has just been deleted
        return math.inf


async def _save_lines(request: Request, path: Path) -> Path:
    with await asyncio.to_thread(path.open, "wb") as file:
        async for piece in request.stream():
            await asyncio.to_thread(file.write, piece)
    return path


async def _save_file(request: Request, folder: Path) -> Sent:
    async with open_form(request, files=1, fields=2, field_bytes=_FIELD_BYTES) as form:
        file, options = form.get("file"), form.get("options") or "{}"
        if set(form) - {"file", "options"} or not isinstance(file, UploadFile) or not isinstance(options, str):
            raise Problem(
                422,
                "invalid_request",
                "The request breaks its schema",
                detail="a form holds a `file`, and `options` as JSON, nothing else",
                where="file",
                remedy="send what /openapi.json describes",
            )
        try:
            read = BatchOptions.model_validate_json(options)
        except ValidationError as error:
            raise RequestValidationError(
                error.errors(include_url=False, include_input=False, include_context=False)
            ) from None
        suffix = Path(file.filename or "").suffix.lower()
        path = folder / f"batch{suffix if suffix in _KINDS else '.jsonl'}"
        with await asyncio.to_thread(path.open, "wb") as saved:
            await asyncio.to_thread(shutil.copyfileobj, file.file, saved)
        return Sent(read, path)
