"""SubRip (SRT): numbered cues with times that have a comma, names before a colon if any."""

from __future__ import annotations

import io
import re
from typing import Final

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from evaluator.errors import TranscriptError
from evaluator.transcripts.captions import check_cue_count, draft_of_captions
from evaluator.transcripts.draft import Draft

__all__ = ["parse", "sniff"]

_TIMING: Final = re.compile(
    r"^[ \t]{0,8}(\d{1,3}:\d{2}:\d{2})[.,](\d{1,3}) ?--> ?(\d{1,3}:\d{2}:\d{2})[.,](\d{1,3})", re.MULTILINE
)
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
    tidy = _TIMING.sub(lambda found: "{},{:0<3} --> {},{:0<3}".format(*found.groups()), text)
    try:
        captions = webvtt.from_buffer(io.BytesIO(tidy.encode("utf-8", errors="replace")), format="srt").captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise TranscriptError(
            "no cue can be read as SRT", where="line 1", remedy="a cue is a number, a line of times, then text"
        ) from error
    return draft_of_captions(captions, timing_lines)
