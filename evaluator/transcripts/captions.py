"""Timed cues, as WebVTT and SRT hold them: cues in, utterances with speakers out.

Who speaks is told by a voice tag (``<v Anna>``, as Teams writes it), by a name before a colon (as Zoom and Meet write
it), or not at all. Whoever is named speaks on until another is named. Reading the blocks is left to webvtt-py, also
for SRT: the srt package's one regular expression takes minutes on 200 kB of blank lines.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.draft import Draft, Utterance
from evaluator.transcripts.labels import accepted_labels, read_label
from evaluator.transcripts.limits import MAX_CUES, MAX_SPEECH_CHARS
from evaluator.transcripts.plain import NO_LABELS
from evaluator.transcripts.roles import same_label
from evaluator.values.transcript import Flag

if TYPE_CHECKING:
    from webvtt import Caption

__all__ = ["ARROW", "check_cue_count", "draft_of_captions"]

ARROW: Final = "-->"

_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]{0,100})?[ \t]([^<>]{0,200})>|</v>")
_TAG: Final = re.compile(
    r"</?(?:[cibu]|ruby|rt|lang|font|span|v)(?:[. \t][^<>]{0,200})?>|<(?:\d+:)?\d{1,2}:\d{2}[.,]\d{3}>|\{\\an\d\}",
    re.IGNORECASE,
)
_DASHES: Final = "-–—"
_ROLLING_SHARE: Final = 0.3  # live captions repeat a line in nearly every cue, people in almost none
_ROLLING_CUES: Final = 4


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of one cue: whoever a voice tag names (``None``: nobody), the words, the cue's times."""

    voice: str | None
    text: str
    start_s: float
    end_s: float


def check_cue_count(text: str) -> int:
    """Return how many timing lines ``text`` has.

    Raises:
        TranscriptError: More than `MAX_CUES`.
    """
    count = text.count(ARROW)
    if count > MAX_CUES:
        raise TranscriptError(f"there are more than {MAX_CUES:,} cues", where="cues", remedy="cut it to one interview")
    return count


def draft_of_captions(captions: Sequence[Caption], timing_lines: int) -> Draft:
    """Return the utterances of ``captions``.

    Args:
        captions: Cues as webvtt-py read them.
        timing_lines: How many lines of the source look like a cue's times.

    Raises:
        TranscriptError: There is no cue.
    """
    if not captions:
        problem = "no cue has times that can be read" if timing_lines else "there are no cues"
        raise TranscriptError(
            problem, where="line 1", remedy="a cue starts with a line like 00:00:01.000 --> 00:00:04.000"
        )
    flags: list[Flag] = []
    if timing_lines > len(captions):
        skipped = timing_lines - len(captions)
        flags.append(Flag(code="cues_skipped", message=f"Cues left out because their times can't be read: {skipped}."))
    for index, caption in enumerate(captions):
        if len(caption.raw_text) > MAX_SPEECH_CHARS:
            raise TranscriptError("one cue is longer than a day of speech", where=f"cues[{index}]", remedy="part it")
    cues = [_lines(caption) for caption in captions]
    if _rolls(cues):
        cues = list(_unrolled(cues))
        flags.append(
            Flag(code="rolling_captions", message="Lines that captions repeat from cue to cue were read once.")
        )
    utterances = tuple(_utterances([line for cue in cues for line in cue]))
    if all(utterance.speaker is None for utterance in utterances):
        flags.append(NO_LABELS)
    return Draft(utterances, flags=tuple(flags))


def _lines(caption: Caption) -> list[_Line]:
    start, end = float(caption.start_in_seconds), float(caption.end_in_seconds)
    start += caption.start_time.milliseconds / 1000
    end += caption.end_time.milliseconds / 1000
    lines: list[_Line] = []
    voice: str | None = None
    place = 0
    raw = caption.raw_text
    for tag in [*_VOICE.finditer(raw), None]:
        piece = raw[place : tag.start()] if tag else raw[place:]
        lines += [_Line(voice, words, start, end) for words in _words(piece)]
        if tag:
            voice, place = html.unescape(tag.group(1)).strip() or None if tag.group(1) else None, tag.end()
    return lines


def _words(piece: str) -> Iterator[str]:
    for line in _TAG.sub("", piece).splitlines():
        words = html.unescape(line).strip()
        if words:
            yield words


def _rolls(cues: Sequence[Sequence[_Line]]) -> bool:
    repeated = sum(bool(before and cue and cue[0].text == before[-1].text) for before, cue in pairwise(cues))
    return repeated >= _ROLLING_CUES and repeated >= _ROLLING_SHARE * len(cues)


def _unrolled(cues: Sequence[Sequence[_Line]]) -> Iterator[Sequence[_Line]]:
    last: str | None = None
    for cue in cues:
        fresh = cue[1:] if cue and cue[0].text == last else cue
        last = cue[-1].text if cue else last
        yield fresh


def _utterances(lines: Sequence[_Line]) -> Iterator[Utterance]:
    if any(line.voice for line in lines):
        speaker: str | None = None
        for line in lines:
            speaker = line.voice or speaker
            yield Utterance(speaker, line.text, line.start_s, line.end_s)
        return
    labels = [read_label(line.text.lstrip(_DASHES).lstrip()) for line in lines]
    accepted = accepted_labels(labels)
    speaker = None
    for line, label in zip(lines, labels, strict=True):
        if label is not None and same_label(label.label) in accepted:
            speaker = label.label
            yield Utterance(speaker, label.rest, line.start_s, line.end_s)
        else:
            yield Utterance(speaker, line.text.lstrip(_DASHES).lstrip(), line.start_s, line.end_s)
