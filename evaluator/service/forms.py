"""Forms, read alike wherever one is taken: so many files and fields, in UTF-8 alone.

The framework decodes fields by whatever the sender calls the charset. Some of Python's codecs take the square of a
field's length (``punycode``: a minute for a megabyte), or bring out halves of surrogate pairs.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.message import Message
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData

from evaluator.service.problems import Problem

__all__ = ["open_form"]

_UTF_8: Final = frozenset({"utf-8", "utf8"})


@asynccontextmanager
async def open_form(request: Request, *, files: int, fields: int, field_bytes: int) -> AsyncGenerator[FormData]:
    """Read a form; its files are there while the block runs.

    Args:
        request: The request, whose body nobody has read.
        files: Most files in it.
        fields: Most other fields.
        field_bytes: Largest of these.

    Raises:
        Problem: 415; it says that it isn't in UTF-8.
        HTTPException: It can't be read as a form, or holds more.
    """
    told = Message()
    told["Content-Type"] = request.headers.get("content-type", "")
    parameters = told.get_params(failobj=[])[1:]
    charsets = {str(value).strip().lower() for name, value in parameters if name.lower().startswith("charset")}
    if not charsets <= _UTF_8:
        raise Problem(
            415,
            "media_type",
            "The body's type isn't read here",
            detail="a form is read as UTF-8",
            where="Content-Type",
            remedy="send the form as UTF-8, or leave the charset out",
        )
    async with request.form(max_files=files, max_fields=fields, max_part_size=field_bytes) as form:
        yield form
