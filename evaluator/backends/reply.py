"""What a chat model may reply: its JSON Schema, and the strict reading of its text.

In: the reply's text. Out: a `Reply`, or a `ReplyProblem` that names what was wrong. Exactly one JSON object that fits
the schema is accepted: no prose around it, no second object, no extra key, no NaN, no repeated key. Nothing is
repaired silently and no verdict is ever a default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["BetterAnswer", "Reply", "ReplyProblem", "ReplyQuote", "ReplyVerdict", "read_reply", "reply_schema"]

_FENCE: Final = re.compile(r"\A```(?:json)?[ \t]*\n(.*)\n[ \t]*```\Z", re.DOTALL)
_MOST_DIGITS: Final = 20
_MOST_QUOTES: Final = 50  # for one verdict; each is looked for in every turn
_MOST_QUESTIONS: Final = 20
_MAX_CHARS: Final = 400_000  # 19 verdicts of a thousand characters are 20,000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReplyQuote(_Part):
    """Words the model attributes to a turn."""

    turn: int
    text: str = Field(max_length=4000)


class ReplyVerdict(_Part):
    """One verdict; ``reasoning`` stands first so that it is written first."""

    criterion: str
    reasoning: str = Field(max_length=8000)
    verdict: Literal["present", "absent", "cannot_tell"]
    quotes: tuple[ReplyQuote, ...] = Field(max_length=_MOST_QUOTES, strict=False)  # JSON has lists for tuples
    confidence: float = Field(ge=0, le=1)


class BetterAnswer(_Part):
    """Three sentences in the candidate's own material."""

    goal_and_metric: str = Field(max_length=4000)
    guardrail: str = Field(max_length=4000)
    instrumentation: str = Field(max_length=4000)


class Reply(_Part):
    """The one object that is accepted."""

    verdicts: tuple[ReplyVerdict, ...] = Field(strict=False)
    summary: str = Field(max_length=8000)
    better_answer: BetterAnswer
    follow_up_questions: tuple[Annotated[str, Field(max_length=1000)], ...] = Field(
        max_length=_MOST_QUESTIONS, strict=False
    )


_KEYS: Final = frozenset(key for part in _Part.__subclasses__() for key in part.model_fields)


class ReplyProblem(ValueError):
    """The text is not exactly one object of the schema; the message says what it is instead, without quoting it."""


def read_reply(text: str) -> Reply:
    """Read a reply.

    A single Markdown fence around the whole text is taken off; models that lack schema output often write one.

    Raises:
        ReplyProblem: Anything else than one object that fits the schema.
    """
    text = text.strip()
    if not text:
        raise ReplyProblem("the reply is empty")
    if len(text) > _MAX_CHARS:
        raise ReplyProblem(f"the reply is longer than {_MAX_CHARS:,} characters")
    if fenced := _FENCE.match(text):
        text = fenced.group(1)
    try:
        data: object = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        what = "more than one JSON value" if error.msg == "Extra data" else "not valid JSON"
        raise ReplyProblem(f"the reply is {what} (at character {error.pos})") from error
    except RecursionError as error:
        raise ReplyProblem("the reply is nested too deeply") from error
    try:
        return Reply.model_validate(data)
    except ValidationError:
        pass
    try:  # told in the words for JSON: half a surrogate pair, say, is no text there, wherever it stands
        return Reply.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ReplyProblem(_told(error)) from error


def reply_schema(criteria: Sequence[str]) -> dict[str, object]:
    """Return the strict JSON Schema of a reply about these criteria.

    It names no count and no order, so that it is the same for every transcript and the provider can cache it. Ranges
    are described as well as stated: not every provider enforces them.
    """
    text: dict[str, object] = {"type": "string"}
    quote = _object({"turn": {"type": "integer"}, "text": text})
    verdict = _object(
        {
            "criterion": {"type": "string", "enum": list(criteria)},
            "reasoning": text,
            "verdict": {"type": "string", "enum": ["present", "absent", "cannot_tell"]},
            "quotes": {"type": "array", "items": quote},
            "confidence": {"type": "number", "description": "From 0 to 1."},
        }
    )
    better = _object({"goal_and_metric": text, "guardrail": text, "instrumentation": text})
    return _object(
        {
            "verdicts": {"type": "array", "items": verdict},
            "summary": text,
            "better_answer": better,
            "follow_up_questions": {"type": "array", "items": text},
        }
    )


def _object(properties: dict[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ReplyProblem("the reply holds a key twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ReplyProblem(f"the reply holds {name}, which is not JSON")


def _integer(digits: str) -> int:
    """Read a whole number; Python itself raises another error for thousands of digits."""
    if len(digits) > _MOST_DIGITS:
        raise ReplyProblem(f"the reply holds a number of more than {_MOST_DIGITS} digits")
    return int(digits)


def _told(error: ValidationError) -> str:
    """Say where the object breaks the schema, by key path; never what stood there.

    A key of its own is not named: the model may have been told what to call it, and this goes into the next task.
    """
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    places = [f"{'.'.join(map(_named, p['loc'])) or 'the top'}: {p['type']}" for p in problems[:4]]
    return f"the reply breaks the schema at {'; '.join(places)}"


def _named(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part in _KEYS else "a key that the schema doesn't have"
