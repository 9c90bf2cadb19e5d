"""Zip archives: each member read as a file of its own, from memory; nothing is ever written to disk.

What an archive says of itself is not believed: sizes are counted while unpacking, and the names of members are names,
whatever path they spell. Members are read in the order of their names.
"""

from __future__ import annotations

import io
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Final

from evaluator.batch.inputs.columns import storable
from evaluator.batch.inputs.content import Kind, TooMuch, kind_of, read_content
from evaluator.batch.inputs.limits import (
    MAX_ARCHIVE_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_MEMBERS,
    MAX_PACKED_PARQUET_BYTES,
    MAX_PACKED_TABLE_BYTES,
)
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin, failed
from evaluator.batch.inputs.skipped import Skipped
from evaluator.batch.records import Item
from evaluator.transcripts.limits import MAX_BYTES

__all__ = ["read_archive"]

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack any amount at a single read
_LIMITS: Final = {
    Kind.TRANSCRIPT: MAX_BYTES + io.DEFAULT_BUFFER_SIZE,  # a little more, so that the refusal is the transcript's own
    Kind.JSONL: MAX_PACKED_TABLE_BYTES,
    Kind.CSV: MAX_PACKED_TABLE_BYTES,
    Kind.TSV: MAX_PACKED_TABLE_BYTES,
    Kind.PARQUET: MAX_PACKED_PARQUET_BYTES,
}


@dataclass(slots=True)
class _Budget:
    """How many bytes the rest of an archive may unpack to."""

    left: int = MAX_ARCHIVE_BYTES


class _Directory(io.BufferedReader):
    """A file that refuses to hand out more at once than a directory of members may hold; only zipfile reads it."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise zipfile.BadZipFile("the directory is too large")
        return super().read(size)


class _Counted(io.RawIOBase):
    """An unpacked member, cut off with `TooMuch` where it outgrows its limit or what is left for all."""

    def __init__(self, member: IO[bytes], limit: int, budget: _Budget) -> None:
        self._member = member
        self._left = limit
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._member.read(min(len(buffer), io.DEFAULT_BUFFER_SIZE))
        self._left -= len(data)
        self._budget.left -= len(data)
        if self._left < 0:
            raise TooMuch("it unpacks to more than its limit (unpack the archive and give the folder)")
        if self._budget.left < 0:
            raise TooMuch(
                f"the archive unpacks to more than {MAX_ARCHIVE_BYTES // 2**30} GiB "
                "(unpack it and give the folder, or pack fewer)"
            )
        buffer[: len(data)] = data
        return len(data)


def read_archive(
    file: io.BufferedReader, origin: Origin, options: ReadOptions, told: Callable[[str], None]
) -> Iterator[Item]:
    """Yield the items of every member; a member that can't be read is a failed item.

    Members of unknown kind, hidden ones and links are skipped, and ``told`` hears how many.
    """
    with _Directory(file.raw) as whole:
        try:
            archive = zipfile.ZipFile(whole)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, OverflowError):
            yield failed(origin, "archive", "it is damaged, or no zip archive (pack it again)")
            return
        with archive:
            yield from _read_members(archive, origin, options, told)


def _read_members(
    archive: zipfile.ZipFile, origin: Origin, options: ReadOptions, told: Callable[[str], None]
) -> Iterator[Item]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        yield failed(origin, "archive", f"it has more than {MAX_MEMBERS:,} members (unpack it and give the folder)")
        return
    budget = _Budget()
    skipped = Skipped(origin.name, Counter())
    read = 0
    for parts, member in sorted(((_parts(member), member) for member in members), key=lambda pair: pair[0]):
        kind = _kind(parts, member, skipped)
        if kind is not None:
            place = Origin("/".join((origin.name, *parts)), named=False)
            read += 1
            yield from _read_member(archive, member, kind, place, options, budget)
    skipped.tell(told, read)


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    """Return the parts of a member's name without those that would lead elsewhere."""
    parts = storable(member.filename).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in {"", ".", ".."})


def _kind(parts: tuple[str, ...], member: zipfile.ZipInfo, skipped: Skipped) -> Kind | None:
    """Return what a member is read as; ``None`` for a folder and for what is skipped, which is noted."""
    if member.is_dir():
        return None
    if stat.S_ISLNK(member.external_attr >> 16):
        skipped.note("link")
        return None
    if not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts):
        skipped.note("hidden")
        return None
    kind = kind_of(parts[-1])
    if kind is None:
        skipped.unknown(parts[-1])
    return kind


def _read_member(  # noqa: PLR0913, PLR0917 - where a member stands, and what of it is left to read
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    kind: Kind,
    place: Origin,
    options: ReadOptions,
    budget: _Budget,
) -> Iterator[Item]:
    problem = _problem(member, kind)
    if problem is not None:
        yield failed(place, "archive", problem)
        return
    try:
        unpacked = archive.open(member)
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, OverflowError):
        yield failed(place, "archive", "the member is damaged (pack the archive again)")
        return
    with unpacked:
        counted: io.BufferedReader = io.BufferedReader(_Counted(unpacked, _LIMITS[kind], budget))
        yield from read_content(counted, kind, place, options)


def _problem(member: zipfile.ZipInfo, kind: Kind) -> str | None:
    if member.flag_bits & 0x1:
        return "the member is locked with a password (pack it without one)"
    if kind is Kind.ARCHIVE:
        return "archives inside archives are not read (unpack the outer one)"
    if member.compress_type not in _METHODS:
        return "the member is packed in a way that is not read (pack it with deflate)"
    return None
