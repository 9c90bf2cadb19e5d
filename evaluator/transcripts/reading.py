"""From a file, bytes or text to a `Transcript`: decode, refuse, choose a format, parse, assemble."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from evaluator.errors import TranscriptError
from evaluator.transcripts import turns
from evaluator.transcripts.assembly import Told, assemble
from evaluator.transcripts.decoding import Decoded, check_size, decode, read_file
from evaluator.transcripts.foreign import refuse_foreign
from evaluator.transcripts.formats import (
    FORMATS,
    Container,
    Format,
    choose_format,
    container_of,
    format_named,
    promises,
)
from evaluator.transcripts.limits import MAX_BYTES
from evaluator.transcripts.strict_json import JsonObject
from evaluator.values.transcript import Flag, Transcript

__all__ = ["parse_transcript", "parse_turns_row"]


def parse_transcript(  # noqa: PLR0913 - each argument overrides one thing that is otherwise read off the source
    source: str | bytes | Path,
    *,
    format: str | None = None,  # noqa: A002 - the word that the command line and the service use for it
    candidate: str | None = None,
    question: str | None = None,
    question_type: str | None = None,
    name: str | None = None,
) -> Transcript:
    """Parse one transcript.

    Args:
        source: The text itself, its bytes, or the path of a file.
        format: Name of a row of FORMATS; told from the contents if not given.
        candidate: Label of the candidate, in any case; told from labels and speech if not given.
        question: The question asked; wins over the source.
        question_type: Its type; wins over the source.
        name: File name, for messages and as a hint at the format; that of ``source`` if it is a path.

    Raises:
        TranscriptError: The source can't be read as a transcript; the message names the place and what would do.
        MissingExtra: The format needs a package that isn't installed.
    """
    if isinstance(source, Path):
        name, source = name or source.name, read_file(source)
    try:
        return _parse(source, name, format, Told(candidate=candidate, question=question, question_type=question_type))
    except TranscriptError as error:
        if name is None:
            raise
        raise error.located(name) from error


def parse_turns_row(
    row: Mapping[str, object],
    where: str,
    *,
    candidate: str | None = None,
    question: str | None = None,
    question_type: str | None = None,
) -> Transcript:
    """Parse one row that was read already, such as a line of a file of labels.

    Args:
        row: Plain JSON data with ``turns`` and, if known, ``question`` and ``question_type``.
        where: Place of the row, for messages: ``line 12``.
        candidate: As for `parse_transcript`, like the rest.
        question: The question asked.
        question_type: Its type.

    Raises:
        TranscriptError: The row is no transcript.
    """
    told = Told(candidate=candidate, question=question, question_type=question_type)
    try:
        return assemble(turns.draft_of(cast("JsonObject", row)), "turns", told)
    except TranscriptError as error:
        raise error.located(where) from error


def _parse(source: str | bytes, name: str | None, format_name: str | None, told: Told) -> Transcript:
    wanted = format_named(format_name) if format_name is not None else None
    container = container_of(source) if isinstance(source, bytes) and wanted is None else wanted
    if container is not None and container.container is not None:
        decoded, wanted = _unpack(source, container.container), container
    else:
        decoded = _decode(source)
    if not decoded.text.strip():
        raise TranscriptError("the transcript is empty", where="line 1", remedy="give a file with speech in it")
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n")
    refuse_foreign(text, plain_asked=wanted is not None and wanted.name == "plain")
    row = wanted or choose_format(text, name)
    return assemble(row.parse(text), row.name, told, (*decoded.flags, *_broken_promise(row, name)))


def _decode(source: str | bytes) -> Decoded:
    if isinstance(source, bytes):
        return decode(source)
    check_size(len(source))
    return Decoded(source.removeprefix("\ufeff"))


def _unpack(source: str | bytes, container: Container) -> Decoded:
    if isinstance(source, str) or not container.claims(source):
        raise TranscriptError("these are not the bytes of such a file", where="byte 0", remedy="leave the format out")
    check_size(len(source))
    text = container.extract(source)
    if len(text) > MAX_BYTES:
        raise TranscriptError("the document holds too much text", where="document", remedy="cut it to one interview")
    return Decoded(text)


def _broken_promise(row: Format, name: str | None) -> tuple[Flag, ...]:
    """Flag a file whose name promises another form than its contents have."""
    if promises(row, name) or not any(promises(other, name) for other in FORMATS):
        return ()
    message = f"The file's name promises another form; its contents were read as {row.title}."
    return (Flag(code="format_not_as_named", message=message),)
