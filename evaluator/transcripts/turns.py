"""Turns JSON, this product's own form: ``{"question": …, "turns": [{"speaker": …, "text": …, "start_s": …}]}``.

A bare list of turns is read too. Unknown keys are ignored, so that a row with labels beside its turns can be graded.
"""

from __future__ import annotations

import re
import sys
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Draft, Utterance
from evaluator.transcripts.limits import MAX_TURNS
from evaluator.transcripts.strict_json import Json, JsonObject, parse_json

__all__ = ["draft_of", "number", "parse", "sniff"]

_SHAPE: Final = 'a turn looks like {"speaker": "candidate", "text": "…"}'
_LIST: Final = re.compile(r'\[\s*(?:\{|\]|\[|")')
_HEAD_CHARS: Final = 2000


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is turns JSON; any other JSON gets a low one, so that it is refused here."""
    head = text[:_HEAD_CHARS].lstrip()
    if head.startswith("{") or _LIST.match(head):
        return 0.9 if '"turns"' in text or '"speaker"' in text else 0.5
    return 0.0


def parse(text: str) -> Draft:
    """Read turns JSON.

    Raises:
        TranscriptError: Not JSON, not turns, or several transcripts in one file; ``where`` holds line or key path.
    """
    _refuse_rows(text)
    found = parse_json(text)
    if isinstance(found, list):
        return Draft(_turns(found, "turns"))
    if isinstance(found, dict):
        return draft_of(found)
    raise TranscriptError("the JSON holds no turns", where="line 1", remedy=_SHAPE)


def draft_of(row: JsonObject) -> Draft:
    """Return the draft of one row that was read already.

    Raises:
        TranscriptError: A key that is needed is missing or has the wrong type; ``where`` holds the key path.
    """
    turns = row.get("turns")
    if not isinstance(turns, list):
        problem = "is missing" if turns is None else "is no list"
        raise TranscriptError(f"the key `turns` {problem}", where="turns", remedy=_SHAPE)
    return Draft(
        _turns(turns, "turns"),
        question=_optional_text(row, "question"),
        question_type=_optional_text(row, "question_type"),
        candidate=_optional_text(row, "candidate") if isinstance(row.get("candidate"), str) else None,
    )


def number(value: Json, where: str) -> float | None:
    """Return a time of the source as seconds; ``None`` for null.

    Raises:
        TranscriptError: It is no finite number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise TranscriptError("this is no number of seconds", where=where, remedy="write a number or null")
    return float(value)


def _turns(items: list[Json], where: str) -> tuple[Utterance, ...]:
    if len(items) > MAX_TURNS:
        raise TranscriptError(f"there are more than {MAX_TURNS:,} turns", where=where, remedy="cut it to one interview")
    return tuple(_turn(item, f"{where}[{index}]") for index, item in enumerate(items))


def _turn(item: Json, where: str) -> Utterance:
    if not isinstance(item, dict):
        raise TranscriptError("this is no JSON object", where=where, remedy=_SHAPE)
    speaker, text = item.get("speaker"), item.get("text")
    if speaker is not None and not isinstance(speaker, str):
        raise TranscriptError("the speaker is no text", where=f"{where}.speaker", remedy=_SHAPE)
    if not isinstance(text, str):
        problem = "is missing" if text is None else "is no text"
        raise TranscriptError(f"the key `text` {problem}", where=f"{where}.text", remedy=_SHAPE)
    start, end = (number(item.get(key), f"{where}.{key}") for key in ("start_s", "end_s"))
    return Utterance(speaker, text, start, end)


def _optional_text(row: JsonObject, key: str) -> str | None:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise TranscriptError(f"`{key}` is no text", where=key, remedy="write text or null")
    return value


def _refuse_rows(text: str) -> None:
    """Refuse a file of one JSON object a line, which is a set of transcripts."""
    rows = 0
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped:
            continue
        if not (stripped.startswith("{") and stripped.endswith("}")):
            return
        rows += 1
    if rows > 1:
        raise TranscriptError(
            f"this file holds {rows:,} transcripts, one a line",
            where="line 2",
            remedy="give one line by itself, or the whole file to `evaluator agreement`",
        )
