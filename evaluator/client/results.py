"""The records of a batch's results, told apart line by line."""

from __future__ import annotations

from typing import Final

from pydantic import TypeAdapter, ValidationError

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.client.problems import UnreadableAnswer

__all__ = ["record_in"]

_RECORD: Final[TypeAdapter[GradedItem | FailedItem]] = TypeAdapter(GradedItem | FailedItem)


def record_in(line: bytes) -> GradedItem | FailedItem:
    """Return the record of a line.

    Raises:
        UnreadableAnswer: It holds none.
    """
    try:
        return _RECORD.validate_json(line)
    except ValidationError as error:
        raise UnreadableAnswer(
            "a line of the results is no record", remedy="check that client and service are of one version"
        ) from error.with_traceback(None)
