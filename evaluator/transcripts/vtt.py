"""WebVTT, with the habits of Zoom (name before a colon), Teams (voice tags, a cue per fragment) and Meet."""

from __future__ import annotations

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from evaluator.errors import TranscriptError
from evaluator.transcripts.captions import ARROW, check_cue_count, draft_of_captions
from evaluator.transcripts.draft import Draft

__all__ = ["parse", "sniff"]


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is WebVTT: its first line says so."""
    head = text.lstrip()[:200]
    if not head.startswith("WEBVTT"):
        return 0.0
    return 1.0 if ARROW in text or not head.partition("\n")[2].strip() else 0.6


def parse(text: str) -> Draft:
    """Read WebVTT; NOTE, STYLE and REGION blocks are left out.

    Raises:
        TranscriptError: No ``WEBVTT`` in the first line, or no cue.
    """
    timing_lines = check_cue_count(text)
    try:
        captions = webvtt.from_string(text.lstrip()).captions
    except MalformedFileError as error:
        raise TranscriptError(
            "the first line is not `WEBVTT`", where="line 1", remedy="add it, or name the format"
        ) from error
    except MalformedCaptionError as error:
        raise TranscriptError("a cue can't be read", where="cues", remedy="check its times") from error
    return draft_of_captions(captions, timing_lines)
