"""The table of every form that transcripts come in; nothing else in the program lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from evaluator.errors import TranscriptError
from evaluator.transcripts import docx, markdown, otter, plain, srt, turns, vtt, whisper
from evaluator.transcripts.draft import Draft

__all__ = [
    "FORMATS",
    "Container",
    "Format",
    "choose_format",
    "container_of",
    "format_named",
    "format_names",
    "promises",
]


@dataclass(frozen=True, slots=True)
class Container:
    """A file that holds text and isn't text.

    Attributes:
        claims: Whether bytes are such a file.
        extract: Takes the text out; raises `TranscriptError`, or `MissingExtra` if that needs a package.
    """

    claims: Callable[[bytes], bool]
    extract: Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the table.

    Attributes:
        name: What ``format=`` and ``--format`` call it.
        title: What a person calls it.
        suffixes: Endings of file names that promise it; they decide only between equals.
        sniff: Confidence, 0 to 1, that a text has this form.
        parse: Reads a text of this form; raises `TranscriptError`.
        container: How to get the text out of a file that isn't text; ``None`` if the form is text.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    sniff: Callable[[str], float]
    parse: Callable[[str], Draft]
    container: Container | None = None


FORMATS: Final[tuple[Format, ...]] = (
    Format("turns", "turns JSON", (".json",), turns.sniff, turns.parse),
    Format("whisper", "Whisper or WhisperX JSON", (".json",), whisper.sniff, whisper.parse),
    Format("vtt", "WebVTT", (".vtt",), vtt.sniff, vtt.parse),
    Format("srt", "SubRip (SRT)", (".srt",), srt.sniff, srt.parse),
    Format("otter", "Otter-style text", (".txt",), otter.sniff, otter.parse),
    Format("markdown", "Markdown", (".md", ".markdown"), markdown.sniff, markdown.parse),
    Format("docx", "Word document", (".docx",), docx.sniff, docx.parse, Container(docx.claims, docx.extract)),
    Format("plain", "plain text", (".txt", ".text"), plain.sniff, plain.parse),
)

_SUFFIX_WEIGHT: Final = 0.05


def format_names() -> tuple[str, ...]:
    """Return the names of all formats, in the order of the table."""
    return tuple(row.name for row in FORMATS)


def format_named(name: str) -> Format:
    """Return the row called ``name``.

    Raises:
        TranscriptError: There is none.
    """
    for row in FORMATS:
        if row.name == name.casefold():
            return row
    raise TranscriptError("there is no such format", where="format", remedy=f"one of: {', '.join(format_names())}")


def container_of(data: bytes) -> Format | None:
    """Return the row that takes its text out of ``data``; ``None`` if ``data`` should be text."""
    return next((row for row in FORMATS if row.container is not None and row.container.claims(data)), None)


def choose_format(text: str, name: str | None) -> Format:
    """Return the row that ``text`` looks most like; the ending of ``name`` decides between equals."""
    return max(FORMATS, key=lambda row: row.sniff(text) + _SUFFIX_WEIGHT * promises(row, name))


def promises(row: Format, name: str | None) -> bool:
    """Return whether a file called ``name`` promises to have the form of ``row``."""
    return name is not None and name.lower().endswith(row.suffixes)
