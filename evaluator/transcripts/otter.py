"""Otter-style text: a line with a name and a time, then what was said (`Anna Lee  0:12`).

Zoom's saved captions (`[Anna Lee] 10:15:22`) and Teams' copied transcripts (`Anna Lee   0 minutes 12 seconds`) have the
same shape.
"""

from __future__ import annotations

import re
from typing import Final

from evaluator.transcripts.draft import Draft, Utterance
from evaluator.transcripts.labels import CLOCK, is_name, seconds_of
from evaluator.transcripts.plain import HEADING_IGNORED, lines_of, paragraphs
from evaluator.transcripts.roles import role_of

__all__ = ["parse", "sniff"]

_HEAD_LINES: Final = 200
_LINE_CHARS: Final = 160
_FULL_MARKS: Final = 2
_SPELLED: Final = r"(?:(?P<hours>\d{1,2}) hours? )?(?P<minutes>\d{1,3}) minutes? (?P<seconds>\d{1,2}) seconds?"
_HEADER: Final = re.compile(
    rf"\[?(?P<name>[^\W\d_][^\[\]:|]{{0,59}}?)\]?(?: ?[-–—|,])? (?:[\[(]?(?P<clock>{CLOCK})[\])]?|{_SPELLED})"
)
_FOOTER: Final = re.compile(r"transcribed by https?://\S{1,100}", re.IGNORECASE)
_PREAMBLE_CHARS: Final = 2_000  # Otter puts a title, keywords and the list of speakers first


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is Otter-style: lines of a name and a time, the first one early."""
    lines = [line for line in text[: _HEAD_LINES * _LINE_CHARS].splitlines()[:_HEAD_LINES] if line.strip()]
    headers = [index for index, line in enumerate(lines) if _header(line) is not None]
    if not headers or headers == [len(lines) - 1]:
        return 0.0
    return 0.8 if len(headers) >= _FULL_MARKS or headers[0] == 0 else 0.0


def parse(text: str) -> Draft:
    """Split Otter-style text into utterances."""
    utterances: list[Utterance] = []
    speaker: str | None = None
    start: float | None = None
    words: list[str] = []
    for line in lines_of(text):
        header = _header(line)
        if header is not None:
            utterances.append(Utterance(speaker, paragraphs(words), start))
            (speaker, start), words = header, []
        elif not _FOOTER.fullmatch(line.strip()[:_LINE_CHARS]):
            words.append(line)
    utterances.append(Utterance(speaker, paragraphs(words), start))
    before = utterances[0]
    if before.speaker is None and len(before.text) <= _PREAMBLE_CHARS:
        return Draft(tuple(utterances[1:]), flags=(HEADING_IGNORED,) if before.text else ())
    return Draft(tuple(utterances))


def _header(line: str) -> tuple[str, float] | None:
    """Read a line as name and seconds; ``None`` if it is speech."""
    if len(line) > _LINE_CHARS:
        return None
    match = _HEADER.fullmatch(" ".join(line.split()))
    if match is None:
        return None
    name = match["name"].strip()
    if not is_name(name) and role_of(name) is None:
        return None
    if match["clock"]:
        return name, seconds_of(match["clock"])
    return name, 3600.0 * int(match["hours"] or 0) + 60.0 * int(match["minutes"]) + int(match["seconds"])
