"""JSON that strangers write: text in, plain data out, with everything refused that readers disagree on.

Apart because the standard reader takes ``NaN``, keeps the last of two equal keys, and answers deep nesting or a huge
integer with an exception of another kind.
"""

from __future__ import annotations

import json
from typing import Final, NoReturn, TypeAlias, cast

from evaluator.errors import TranscriptError

__all__ = ["Json", "JsonObject", "parse_json"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

_MAX_DIGITS: Final = 18  # what a 64-bit integer holds; times and counts need ten
_PUBLIC_KEYS: Final = frozenset(
    {"turns", "question", "question_type", "speaker", "text", "start_s", "end_s", "segments"}
)


def parse_json(text: str) -> Json:
    """Parse one JSON value.

    Raises:
        TranscriptError: Not JSON, a key twice in one object, ``NaN`` or ``Infinity``, an integer of more than 18
            digits, or nesting too deep; ``where`` holds line and column where the reader tells them.
    """
    try:
        return cast(
            "Json",
            json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer),
        )
    except json.JSONDecodeError as error:
        raise TranscriptError(
            f"not valid JSON: {error.msg}",
            where=f"line {error.lineno}, column {error.colno}",
            remedy="check that the file is whole",
        ) from error
    except RecursionError as error:
        raise TranscriptError("the JSON is nested too deeply", remedy="turns need three levels") from error


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        name = f"the key `{twice}`" if twice in _PUBLIC_KEYS else "a key"
        raise TranscriptError(f"{name} stands twice in one JSON object", remedy="keep one of them")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise TranscriptError(f"`{name}` is no JSON number", remedy="write null where there is none")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise TranscriptError(f"a number has more than {_MAX_DIGITS} digits", remedy="give times in seconds")
    return int(digits)
