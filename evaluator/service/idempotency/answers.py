"""Answers of the service as they are kept for a repeated request: a status, the headers that matter, and a body."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

__all__ = ["Answer", "pack_answer", "unpack_answer", "worth_keeping"]

_HEADERS: Final = frozenset(
    {"content-type", "content-language", "content-disposition", "etag", "link", "location", "preference-applied"}
)
_DONE: Final = 2  # of a status's digits the first
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back.

    Attributes:
        status: HTTP status.
        headers: Names in lower case, and values.
        body: All of it.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def worth_keeping(answer: Answer) -> bool:
    """Return whether something was made; a refusal or a failure is better found anew, since its cause may be gone."""
    return answer.status // 100 == _DONE


def pack_answer(answer: Answer) -> bytes:
    """Return an answer as bytes, without headers that belong to one exchange alone."""
    headers = [(name, value) for name, value in answer.headers if name in _HEADERS]
    head = json.dumps({"status": answer.status, "headers": headers}).encode()
    return len(head).to_bytes(_LENGTH_BYTES, "big") + head + answer.body


def unpack_answer(packed: bytes) -> Answer:
    """Return the answer that `pack_answer` packed."""
    end = _LENGTH_BYTES + int.from_bytes(packed[:_LENGTH_BYTES], "big")
    head = json.loads(packed[_LENGTH_BYTES:end])
    return Answer(head["status"], tuple((name, value) for name, value in head["headers"]), packed[end:])
