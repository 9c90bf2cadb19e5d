"""SubRip (SRT): numbered cues with times that have a comma, names before a colon if any.

Rewritten as WebVTT first, which differs in little else, so that cues without a number, with empty lines in their text,
or without an empty line between them are read as well.
"""

from __future__ import annotations

import re
from typing import Final

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from evaluator.errors import TranscriptError
from evaluator.transcripts.captions import check_cue_count, draft_of_captions
from evaluator.transcripts.draft import Draft

__all__ = ["parse", "sniff"]

_MOMENT: Final = r"(\d{1,3}:\d{1,2}:\d{1,2})[.,](\d{1,3})"
_TIMING: Final = re.compile(rf"^(?:\d{{1,9}}[ \t]{{0,8}}\n)?[ \t]{{0,8}}{_MOMENT} ?--> ?{_MOMENT}", re.MULTILINE)
_EMPTY_LINES: Final = re.compile(r"\n\s*\n")
_HEAD_CHARS: Final = 5_000


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is SRT: a line of cue times near its start, and no WebVTT header."""
    if text.lstrip()[:6] == "WEBVTT":
        return 0.0
    return 0.95 if _TIMING.search(text[:_HEAD_CHARS]) else 0.0


def parse(text: str) -> Draft:
    """Read SRT; times with a point for the comma are read too.

    Raises:
        TranscriptError: No cue can be read.
    """
    timing_lines = check_cue_count(text)
    cues, found = _TIMING.subn(_as_webvtt, _EMPTY_LINES.sub("\n", text))
    try:
        captions = webvtt.from_string(f"WEBVTT\n\n{cues}").captions if found else []
    except (MalformedFileError, MalformedCaptionError):
        captions = []
    if not captions:
        raise TranscriptError(
            "no cue can be read as SRT", where="line 1", remedy="a cue is a number, a line of times, then text"
        )
    return draft_of_captions(captions, timing_lines)


def _as_webvtt(timing: re.Match[str]) -> str:
    start, start_part, end, end_part = timing.groups()
    return f"\n\n{start}.{start_part} --> {end}.{end_part}"
