"""Calls about batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, cast

from evaluator.client.call import Body, Call, Form, JsonValue, Value, nothing, reader
from evaluator.client.resources.batches import BatchOptions, BatchResource
from evaluator.client.resources.shared import Page
from evaluator.errors import OptionError

__all__ = [
    "cancel_batch",
    "create_batch",
    "delete_batch",
    "follow_batch",
    "get_batch",
    "get_results",
    "list_batches",
]

_ALL: Final = "/v1/batches"
_ONE: Final = "/v1/batches/{id}"


def create_batch(
    items: Path | Iterable[Mapping[str, JsonValue]], options: BatchOptions, *, key: str | None = None
) -> Call[BatchResource]:
    """Send transcripts to be judged: a file that batches read, or rows, each with ``text`` or ``turns``.

    Raises:
        OptionError: The file can't be read.
    """
    told = cast("Mapping[str, Value]", options)
    body: Body | Form
    if isinstance(items, Path):
        try:
            body = Form(items.name, items.read_bytes(), told)
        except OSError as error:
            raise OptionError(f"the file can't be read: {error.strerror}", where=items.name) from error
    else:
        lines = (json.dumps(dict(item), ensure_ascii=False, allow_nan=False) for item in items)
        body = Body("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"), "application/jsonl")
    query: Mapping[str, Value] = {} if isinstance(items, Path) else told  # a form tells its options itself
    return Call(method="POST", path=_ALL, read=reader(BatchResource), query=query, body=body, key=key)


def get_batch(id_: str) -> Call[BatchResource]:
    """Fetch one batch."""
    return Call(method="GET", path=_ONE, names={"id": id_}, read=reader(BatchResource))


def list_batches(cursor: str | None = None, *, limit: int = 100) -> Call[Page[BatchResource]]:
    """Fetch one page of batches."""
    return Call(method="GET", path=_ALL, query={"cursor": cursor, "limit": limit}, read=reader(Page[BatchResource]))


def get_results(id_: str, format_: str) -> Call[bytes]:
    """Fetch the results of a batch, as lines of JSON or as a table."""
    return Call(
        method="GET",
        path=f"{_ONE}/results",
        names={"id": id_},
        query={"format": format_},
        headers={"Accept": "text/csv" if format_ == "csv" else "application/jsonl"},
        read=bytes,
    )


def follow_batch(id_: str) -> Call[BatchResource]:
    """Follow a batch; what is read is the data of each event."""
    return Call(
        method="GET",
        path=f"{_ONE}/events",
        names={"id": id_},
        headers={"Accept": "text/event-stream"},
        read=reader(BatchResource),
    )


def cancel_batch(id_: str) -> Call[BatchResource]:
    """Judge nothing more of a batch."""
    return Call(method="POST", path=f"{_ONE}/cancel", names={"id": id_}, read=reader(BatchResource))


def delete_batch(id_: str) -> Call[None]:
    """Delete a batch and its results."""
    return Call(method="DELETE", path=_ONE, names={"id": id_}, read=nothing)
