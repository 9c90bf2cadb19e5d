"""Writes one dialogue in every format, so that one suite can read them all back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import docx

__all__ = ["WRITERS", "Line", "Writer", "clock"]


@dataclass(frozen=True, slots=True)
class Line:
    """One turn: who says what, and when, in seconds."""

    speaker: str
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Writer:
    """How a format is written, and how much of a line's times it keeps."""

    write: Callable[[Sequence[Line]], bytes]
    keeps_start: bool
    keeps_end: bool


def clock(seconds: float, mark: str = ".") -> str:
    """Return ``hh:mm:ss`` with milliseconds after ``mark``."""
    milliseconds = round(seconds * 1000)
    hours, minutes = milliseconds // 3_600_000, milliseconds // 60_000 % 60
    return f"{hours:02d}:{minutes:02d}:{milliseconds // 1000 % 60:02d}{mark}{milliseconds % 1000:03d}"


def _halves(line: Line) -> list[Line]:
    """Cut a line into two caption fragments."""
    words = line.text.split()
    middle = max(1, len(words) // 2)
    moment = round((line.start_s + line.end_s) / 2, 3)
    first = Line(line.speaker, " ".join(words[:middle]), line.start_s, moment)
    rest = Line(line.speaker, " ".join(words[middle:]), moment, line.end_s)
    return [first, rest] if rest.text else [line]


def _turns(lines: Sequence[Line]) -> bytes:
    rows = [asdict(line) for line in lines]
    return json.dumps({"question": None, "turns": rows, "labels": {"unknown": 1}}, indent=1).encode()


def _whisper(lines: Sequence[Line]) -> bytes:
    segments = [
        {"start": part.start_s, "end": part.end_s, "text": f" {part.text}", "speaker": part.speaker, "words": None}
        for line in lines
        for part in _halves(line)
    ]
    return json.dumps({"text": "all of it", "segments": segments, "language": "en"}).encode()


def _vtt(lines: Sequence[Line]) -> bytes:
    cues = [
        f"{clock(part.start_s)} --> {clock(part.end_s)}\n<v {part.speaker}>{part.text}</v>"
        for line in lines
        for part in _halves(line)
    ]
    return ("WEBVTT\n\nNOTE made for a test\n\n" + "\n\n".join(cues) + "\n").encode()


def _srt(lines: Sequence[Line]) -> bytes:
    parts = [part for line in lines for part in _halves(line)]
    return "\n\n".join(
        f"{number}\n{clock(part.start_s, ',')} --> {clock(part.end_s, ',')}\n{part.speaker}: {part.text}"
        for number, part in enumerate(parts, start=1)
    ).encode()


def _otter(lines: Sequence[Line]) -> bytes:
    blocks = (f"{line.speaker}  {int(line.start_s) // 60}:{int(line.start_s) % 60:02d}\n{line.text}" for line in lines)
    return ("\n\n".join(blocks) + "\n\nTranscribed by https://otter.ai\n").encode()


def _markdown(lines: Sequence[Line]) -> bytes:
    return "\n\n".join(f"## {line.speaker}\n\n{line.text}" for line in lines).encode()


def _docx(lines: Sequence[Line]) -> bytes:
    document = docx.Document()
    for line in lines:
        paragraph = document.add_paragraph()
        paragraph.add_run(f"{line.speaker}:").bold = True
        paragraph.add_run(f" {line.text}")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _plain(lines: Sequence[Line]) -> bytes:
    return "\n\n".join(f"[{clock(line.start_s)}] {line.speaker}: {line.text}" for line in lines).encode()


WRITERS: dict[str, Writer] = {
    "turns": Writer(_turns, keeps_start=True, keeps_end=True),
    "whisper": Writer(_whisper, keeps_start=True, keeps_end=True),
    "vtt": Writer(_vtt, keeps_start=True, keeps_end=True),
    "srt": Writer(_srt, keeps_start=True, keeps_end=True),
    "otter": Writer(_otter, keeps_start=False, keeps_end=False),  # whole seconds only
    "markdown": Writer(_markdown, keeps_start=False, keeps_end=False),
    "docx": Writer(_docx, keeps_start=False, keeps_end=False),
    "plain": Writer(_plain, keeps_start=True, keeps_end=False),
}
