"""Whisper and WhisperX JSON: ``{"segments": [{"start": 0.0, "end": 2.5, "text": …, "speaker": "SPEAKER_00"}]}``.

Speakers are there only if somebody ran diarisation; words within segments are ignored. A segment without a speaker
belongs to whoever spoke last.
"""

from __future__ import annotations

import re
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Draft, Utterance
from evaluator.transcripts.limits import MAX_CUES
from evaluator.transcripts.plain import NO_LABELS
from evaluator.transcripts.strict_json import Json, parse_json
from evaluator.transcripts.turns import number

__all__ = ["parse", "sniff"]

_SHAPE: Final = 'a segment looks like {"start": 0.0, "end": 2.5, "text": "…"}'
_SEGMENTS: Final = re.compile(r'"segments"\s{0,20}:')
_TURNS: Final = re.compile(r'"turns"\s{0,20}:')
_LIST_OF_SEGMENTS: Final = re.compile(r'\[\s{0,100}\{[^{}]{0,2000}"start"\s{0,20}:')


def sniff(text: str) -> float:
    """Return the confidence that ``text`` is Whisper's JSON: it has segments, and no turns."""
    head = text[:100].lstrip()
    if head.startswith("{"):
        return 0.95 if _SEGMENTS.search(text) and not _TURNS.search(text) else 0.0
    return 0.95 if head.startswith("[") and _LIST_OF_SEGMENTS.match(text.lstrip()) else 0.0


def parse(text: str) -> Draft:
    """Read Whisper's JSON.

    Raises:
        TranscriptError: Not JSON, or no list of segments; ``where`` holds line or key path.
    """
    found = parse_json(text)
    segments = found.get("segments") if isinstance(found, dict) else found
    if not isinstance(segments, list):
        raise TranscriptError("the key `segments` is missing or no list", where="segments", remedy=_SHAPE)
    if len(segments) > MAX_CUES:
        raise TranscriptError(
            f"there are more than {MAX_CUES:,} segments", where="segments", remedy="cut it to one interview"
        )
    utterances: list[Utterance] = []
    speaker: str | None = None
    for index, segment in enumerate(segments):
        utterance = _utterance(segment, f"segments[{index}]", speaker)
        speaker = utterance.speaker
        utterances.append(utterance)
    unnamed = all(utterance.speaker is None for utterance in utterances)
    return Draft(tuple(utterances), flags=(NO_LABELS,) if unnamed else ())


def _utterance(segment: Json, where: str, before: str | None) -> Utterance:
    if not isinstance(segment, dict):
        raise TranscriptError("this is no JSON object", where=where, remedy=_SHAPE)
    text, speaker = segment.get("text"), segment.get("speaker")
    if not isinstance(text, str):
        problem = "is missing" if text is None else "is no text"
        raise TranscriptError(f"the key `text` {problem}", where=f"{where}.text", remedy=_SHAPE)
    if speaker is not None and not isinstance(speaker, str):
        raise TranscriptError("the speaker is no text", where=f"{where}.speaker", remedy=_SHAPE)
    start, end = (number(segment.get(key), f"{where}.{key}") for key in ("start", "end"))
    return Utterance(speaker or before, text.strip(), start, end)
