"""Bytes from anywhere in, text out: size limit, encoding, and a clear refusal of what isn't text.

Encodings: UTF-8 and UTF-16, each with or without byte order mark, UTF-32 with one, else Windows-1252, flagged. What
isn't text is refused by its first bytes, so that the message can say what it is.
"""

from __future__ import annotations

import codecs
import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts.limits import MAX_BYTES
from evaluator.values.transcript import Flag

__all__ = ["Decoded", "check_size", "decode", "read_file"]

_ACCEPTED: Final = "save the transcript as text, WebVTT, SRT, JSON or .docx"
_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "an image (PNG)"),
    (b"\xff\xd8\xff", "an image (JPEG)"),
    (b"GIF8", "an image (GIF)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.doc)"),
    (b"ID3", "an audio recording (MP3)"),
    (b"OggS", "an audio recording (Ogg)"),
    (b"fLaC", "an audio recording (FLAC)"),
    (b"RIFF", "a recording (WAV or AVI)"),
    (b"\x1aE\xdf\xa3", "a video recording (WebM or Matroska)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)
_MP3_FRAMES: Final = (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2")
_SAMPLE: Final = 4096
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\v\f\r")
_BOMS: Final[tuple[tuple[bytes, str], ...]] = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, and what had to be guessed to get it.

    Attributes:
        text: The text, without byte order mark.
        flags: ``decoded_as_windows_1252`` or ``damaged_encoding``; empty if nothing was guessed.
    """

    text: str
    flags: tuple[Flag, ...] = ()


def read_file(path: Path) -> bytes:
    """Return the bytes of ``path``.

    Raises:
        TranscriptError: It is no readable file, or larger than `MAX_BYTES` (checked before reading).
    """
    where = path.name or str(path)
    try:
        if path.is_dir():
            raise TranscriptError("this is a folder", where=where, remedy="name a file in it")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = {errno.ENOENT: "there is no such file", errno.EACCES: "it may not be read"}.get(error.errno or 0)
        raise TranscriptError(reason or "it can't be read", where=where, remedy="check the path") from error
    except ValueError as error:  # a NUL in the path
        raise TranscriptError("this can't be a file name", remedy="check the path") from error
    check_size(len(data))
    return data


def check_size(size: int) -> None:
    """Refuse more than `MAX_BYTES`.

    Raises:
        TranscriptError: ``size`` is larger.
    """
    if size > MAX_BYTES:
        raise TranscriptError(
            f"the transcript is larger than {MAX_BYTES // 1024 // 1024} MiB",
            where=f"byte {MAX_BYTES}",
            remedy="cut it to one interview",
        )


def decode(data: bytes) -> Decoded:
    """Return ``data`` as text.

    Raises:
        TranscriptError: Too large, or not text; the message says what it looks like.
    """
    check_size(len(data))
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode_marked(data, encoding)
    guess = _zero_byte_pattern(data)
    if guess:
        return _decode_marked(data, guess)
    _refuse_binary(data)
    try:
        return Decoded(data.decode("utf-8"))
    except UnicodeDecodeError:
        return _decode_damaged(data)


def _decode_marked(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    if lost * 10 > len(text):
        raise TranscriptError("the text is damaged or no text at all", where="byte 0", remedy=_ACCEPTED)
    return Decoded(text.removeprefix("\ufeff"), _damage(lost, encoding.upper()))


def _zero_byte_pattern(data: bytes) -> str | None:
    """Return which UTF-16 ``data`` is, by the zero bytes that Latin letters leave in it; ``None`` if neither."""
    sample = data[: _SAMPLE - _SAMPLE % 2]
    half = len(sample) // 2
    if half == 0:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.6 and even < half * 0.05:
        return "utf-16-le"
    if even > half * 0.6 and odd < half * 0.05:
        return "utf-16-be"
    return None


def _refuse_binary(data: bytes) -> None:
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if kind is None and (data.startswith(_MP3_FRAMES) and b"\0" in data[:_SAMPLE]):
        kind = "an audio recording (MP3)"
    if kind is None and data[4:8] == b"ftyp":
        kind = "a recording (MP4 or M4A)"
    if kind is not None:
        raise TranscriptError(f"this looks like {kind}, not a transcript", where="byte 0", remedy=_ACCEPTED)
    zero = data.find(b"\0")
    controls = sum(byte in _CONTROLS for byte in data[:_SAMPLE])
    if zero >= 0 or controls * 10 > len(data[:_SAMPLE]):
        raise TranscriptError("this looks like binary data, not text", where=f"byte {max(zero, 0)}", remedy=_ACCEPTED)


def _decode_damaged(data: bytes) -> Decoded:
    """Decode what is not quite UTF-8: as UTF-8 if most of its marks are whole, else as Windows-1252."""
    text = data.decode("utf-8", errors="replace")
    lost = text.count("\ufffd")
    whole = sum(character > "\x7f" for character in text) - lost
    if whole >= lost:
        return Decoded(text, _damage(lost, "UTF-8"))
    flag = Flag(
        code="decoded_as_windows_1252",
        message="The file is not UTF-8 and was read as Windows-1252; letters with accents may be wrong.",
    )
    return Decoded(data.decode("cp1252", errors="replace"), (flag,))


def _damage(lost: int, encoding: str) -> tuple[Flag, ...]:
    if not lost:
        return ()
    message = f"The file is not whole {encoding}: {lost} places could not be read."
    return (Flag(code="damaged_encoding", message=message),)
