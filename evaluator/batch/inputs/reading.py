"""`read_items`: everything that the caller named, as one stream of items with names of their own."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from evaluator.batch.inputs.archives import read_archive
from evaluator.batch.inputs.content import Kind, read_content
from evaluator.batch.inputs.opening import open_file, reason_of
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin, failed
from evaluator.batch.inputs.places import Found, Place, find_files, resolve
from evaluator.batch.records import Item

__all__ = ["read_items"]


def read_items(
    inputs: Sequence[str],
    options: ReadOptions | None = None,
    *,
    told: Callable[[str], None] | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Item]:
    """Return the items of all inputs, in the order of the inputs, of names in folders and archives, and of rows.

    Inputs are looked for at once, and read while the stream is consumed, each once. An item that can't be read is an
    item with a problem; the stream goes on behind it. Names are made unique by a number: ``anna.vtt (2)``.

    Args:
        inputs: Paths of files and folders, patterns, and ``-`` for JSON lines on standard input.
        options: How to read them.
        told: Hears one sentence about what each folder or archive holds and is not read.
        stdin: Standard input, if not that of the process.

    Raises:
        InputError: An input doesn't exist. While reading: a named table has no column with transcripts.
        OptionError: While reading: a column that the caller named isn't in a table that they named.
        MissingExtra: While reading: a package is missing that reads a file that the caller named.
    """
    wishes = options or ReadOptions()
    places = resolve(inputs, wishes)
    return _unique(_items(places, wishes, told or _unheard, stdin))


def _unheard(message: str) -> None:
    del message


def _items(
    places: Sequence[Place], options: ReadOptions, told: Callable[[str], None], stdin: BinaryIO | None
) -> Iterator[Item]:
    for place in places:
        if place.stdin:
            stream: io.BufferedReader = io.BufferedReader(_Unowned(stdin or sys.stdin.buffer))
            yield from read_content(stream, Kind.JSONL, Origin(place.name, named=True), options)
            continue
        for found in find_files(place, options, told):
            if isinstance(found, Item):
                yield found
            else:
                yield from _read(found, options, told)


def _read(found: Found, options: ReadOptions, told: Callable[[str], None]) -> Iterator[Item]:
    try:
        file = open_file(found.path, follow=found.follow)
    except (OSError, ValueError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it can't be read"
        yield failed(found.origin, "file", f"{reason} (check the file, then run again)", again=True)
        return
    with file:
        if found.kind is Kind.ARCHIVE:
            yield from read_archive(file, found.origin, options, told)
        else:
            yield from read_content(file, found.kind, found.origin, options)


class _Unowned(io.RawIOBase):
    """A stream that somebody else closes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _unique(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, a number behind each name that was there before.

    Of each name 8 bytes of a hash are remembered; two names that share them cost a number too many, nothing else.
    """
    seen: set[int] = set()
    numbers: dict[int, int] = {}
    for item in items:
        key = _key(item.name)
        name, number = item.name, numbers.get(key, 1)
        while _key(name) in seen:
            number += 1
            name = f"{item.name} ({number})"
        if number > 1:
            numbers[key] = number
        seen.add(_key(name))
        yield item if name == item.name else replace(item, name=name)


def _key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())
