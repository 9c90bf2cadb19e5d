"""What a row of the table of malformed transcripts is made of."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SECRET", "SPEECH", "Case", "Parses", "Refused", "raw", "said", "turns", "zipped"]

SECRET = "zebrafish"  # noqa: S105 - no password: stands among the words; no message may hold it


@dataclass(frozen=True, slots=True)
class Refused:
    """A `TranscriptError` whose place and message hold these parts."""

    message: str
    where: str


@dataclass(frozen=True, slots=True)
class Parses:
    """A transcript of this format, with at least these codes among flags and review reasons."""

    format: str
    codes: tuple[str, ...] = ()
    turns: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One row: what goes in, and what must come of it."""

    name: str
    build: Callable[[], bytes]
    outcome: Refused | Parses
    format: str | None = None
    file_name: str | None = None
    big: bool = False


SPEECH = f"I'd take the share of members who come back, and {SECRET} is the word that nobody may print."


def raw(data: bytes | str) -> Callable[[], bytes]:
    """Return a builder of ``data``, text as UTF-8."""
    return lambda: data.encode() if isinstance(data, str) else data


def turns(*turns: object, **fields: object) -> Callable[[], bytes]:
    """Return a builder of turns JSON."""
    return lambda: json.dumps({"turns": list(turns), **fields}).encode()


def said(**fields: object) -> dict[str, object]:
    """Return a turn of the candidate, with other fields."""
    return {"speaker": "candidate", "text": SPEECH, **fields}


def zipped(**parts: bytes) -> bytes:
    """Return a zip archive of ``parts``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()
