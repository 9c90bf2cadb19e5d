"""JSON that strangers write: text in, plain data out, with everything refused that readers disagree on.

Apart because the standard reader takes ``NaN``, keeps the last of two equal keys, answers deep nesting or a huge
integer with an exception of another kind, and tells the line of a syntax error only.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn, TypeAlias, cast

from evaluator.errors import TranscriptError

__all__ = ["Json", "JsonObject", "parse_json"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

_MAX_DIGITS: Final = 18  # what a 64-bit integer holds; times and counts need ten
_DEEP: Final = 100  # about where the standard reader may give up, depending on who calls it; turns need three
_TOKEN: Final = re.compile(
    rf'"(?:[^"\\]++|\\.)*+"|[\[{{]|[\]}}]|-?(?:NaN|Infinity)|\d{{{_MAX_DIGITS + 1},}}', re.DOTALL
)


class _Refusal(Exception):
    """Carries what is wrong out of the standard reader; never leaves this module."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def parse_json(text: str) -> Json:
    """Parse one JSON value.

    Raises:
        TranscriptError: Not JSON, a key twice in one object, ``NaN`` or ``Infinity``, an integer of more than 18
            digits, or nesting too deep; ``where`` holds the line.
    """
    reader = _Reader()
    try:
        return cast(
            "Json",
            json.loads(text, object_pairs_hook=reader.object, parse_constant=_refuse_constant, parse_int=_refuse_huge),
        )
    except json.JSONDecodeError as error:
        raise TranscriptError(
            f"not valid JSON: {error.msg}",
            where=f"line {error.lineno}, column {error.colno}",
            remedy="check that the file is whole",
        ) from error
    except _Refusal as error:
        place = reader.end_of_object(text) if reader.refused else _first_refused_number(text)
        raise TranscriptError(error.message, where=place, remedy=error.remedy) from error
    except RecursionError as error:
        raise TranscriptError(
            "the JSON is nested too deeply", where=_first_deep(text), remedy="turns need three levels"
        ) from error


class _Reader:
    """Builds objects; counts them, because the reader finishes objects in the order of their closing braces."""

    def __init__(self) -> None:
        self.finished = 0
        self.refused = False

    def object(self, pairs: list[tuple[str, Json]]) -> JsonObject:
        self.finished += 1
        found = dict(pairs)
        if len(found) < len(pairs):
            self.refused = True
            raise _Refusal("a key stands twice in the JSON object that ends here", "keep one of them")
        return found

    def end_of_object(self, text: str) -> str:
        braces = (token for token in _TOKEN.finditer(text) if token.group() == "}")
        return _line(text, next(brace for count, brace in enumerate(braces, start=1) if count == self.finished))


def _refuse_constant(name: str) -> NoReturn:
    raise _Refusal(f"`{name}` is no JSON number", "write null where there is none")


def _refuse_huge(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _Refusal(f"a number has more than {_MAX_DIGITS} digits", "give times in seconds")
    return int(digits)


def _first_refused_number(text: str) -> str:
    tokens = (token for token in _TOKEN.finditer(text) if token.group()[-1] not in '"[]{}')
    token = next(tokens, None)  # a lone number may be too long for a token
    return _line(text, token) if token else "line 1"


def _first_deep(text: str) -> str:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token.group() in "[{") - (token.group() in "]}")
        if depth > _DEEP:
            return _line(text, token)
    return "line 1"


def _line(text: str, token: re.Match[str]) -> str:
    return f"line {text.count(chr(10), 0, token.start()) + 1}"
