"""The body of a batch, written to a file rather than held: 200 MB of it are the same few thousand words repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from evaluator.backends.batch_service import BatchService, custom_id
from evaluator.backends.chat_model import ChatRequest

__all__ = ["write_upload"]


def write_upload(
    file: BinaryIO, service: BatchService, intent: str, requests: Sequence[ChatRequest], most_bytes: int
) -> int:
    """Write as many requests as fit, in their order, and return how many those are.

    Args:
        file: Empty, open for writing.
        service: Knows the form of an upload.
        intent: Stands in the id of each request.
        requests: What is asked.
        most_bytes: The file is never larger.
    """
    form = service.form
    left = most_bytes - file.write(form.head) - len(form.tail)
    taken = 0
    for number, request in enumerate(requests):
        entry = (form.between if number else b"") + service.entry(custom_id(intent, number), request)
        if len(entry) > left:
            break
        left -= file.write(entry)
        taken += 1
    file.write(form.tail)
    file.flush()  # who sends it asks the file system for its length
    return taken
