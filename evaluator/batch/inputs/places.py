"""From the words of the command line to files, in a stable order: paths, folders, quoted patterns, ``-``.

Links inside folders are not followed: they may lead to files that nobody meant to send to a judge, or in circles. A
path that the caller spells out, or a pattern that matches a link to a file, is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.batch.inputs.columns import storable
from evaluator.batch.inputs.content import Kind, kind_of
from evaluator.batch.inputs.opening import reason_of
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin, failed
from evaluator.batch.inputs.patterns import exists, expand, fixed_part, is_pattern
from evaluator.batch.inputs.skipped import Skipped
from evaluator.batch.records import Item
from evaluator.errors import InputError, OptionError

__all__ = ["Found", "Place", "find_files", "resolve"]

_STDIN: Final = "-"
_SHOWN_CHARS: Final = 120


@dataclass(frozen=True, slots=True)
class Place:
    """One input that exists: standard input, a file or a folder.

    Attributes:
        path: As it can be opened.
        name: As items call it.
        stdin: Whether it is standard input instead.
        folder: Whether it is a folder.
        named: Whether the caller named this very file, or its ending in a pattern.
    """

    path: Path
    name: str
    stdin: bool = False
    folder: bool = False
    named: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read.

    Attributes:
        path: As it can be opened.
        kind: What to read it as.
        origin: Where its items come from.
        follow: Whether it may be a link.
    """

    path: Path
    kind: Kind
    origin: Origin
    follow: bool


def resolve(inputs: Sequence[str], options: ReadOptions) -> tuple[Place, ...]:
    """Return what the inputs name, patterns expanded.

    Raises:
        InputError: Nothing is given, or an input doesn't exist or matches nothing.
        OptionError: Standard input is named twice.
    """
    if not inputs:
        raise InputError("no input is given", remedy="name a file, a folder, a pattern in quotes, or - for JSON lines")
    if inputs.count(_STDIN) > 1:
        raise OptionError("standard input can be read only once", where=_STDIN, remedy="name it once")
    left_out = _real(options)
    return tuple(place for text in inputs for place in _resolve(text, left_out))


def find_files(place: Place, options: ReadOptions, told: Callable[[str], None]) -> Iterator[Found | Item]:
    """Yield the files of a place in the order of their names; a folder that can't be listed is a failed item.

    ``told`` hears what a folder holds that is not read.
    """
    if place.folder:
        yield from _walk(place, _real(options), told)
    else:
        kind = kind_of(place.path.name) or Kind.TRANSCRIPT
        yield Found(place.path, kind, Origin(place.name, named=place.named), follow=True)


def _resolve(text: str, left_out: frozenset[Path]) -> Iterator[Place]:
    path = Path(text)
    if text == _STDIN:
        yield Place(path, "stdin", stdin=True)
    elif text and exists(path):
        yield _place(path, folder=path.is_dir())
    elif is_pattern(text):
        yield from _matched(text, left_out)
    else:
        raise InputError(
            "there is no such file or folder", where=_shown(text), remedy="check the path; put a pattern in quotes"
        )


def _matched(pattern: str, left_out: frozenset[Path]) -> Iterator[Place]:
    """Yield what a pattern matches; one that spells no ending finds files as a folder does, by their kind."""
    recursive = "**" in pattern  # then the files in a folder match by themselves
    ending = Path(pattern).suffix
    spelt = bool(ending) and not is_pattern(ending)
    matches = 0
    for path in expand(pattern):
        folder = path.is_dir()
        unread = not folder and not spelt and kind_of(path.name) is None
        if unread or (folder and recursive) or path.resolve() in left_out:
            continue
        matches += 1
        yield _place(path, folder=folder, named=spelt, base=fixed_part(pattern))
    if not matches:
        raise InputError("the pattern matches nothing that is read", where=_shown(pattern), remedy="check the pattern")


def _place(path: Path, *, folder: bool, named: bool = True, base: Path | None = None) -> Place:
    """Return the place at ``path``, called by nothing that lies above what the caller means.

    A folder is called by its last part. A file is called as it was typed, if that leads down from here; else from the
    folder ``base`` of a pattern on, or by its last part.
    """
    if folder:
        return Place(path, storable(_absolute(path).name), folder=True)
    name = Path(os.path.normpath(path))
    if name.is_absolute() or os.pardir in name.parts:
        name = _absolute(path).relative_to(_absolute(base).parent) if base is not None else Path(name.name)
    return Place(path, storable(name.as_posix()), named=named)


def _absolute(path: Path) -> Path:
    """Return ``path`` from the root, links in it as they are called."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolving would call a link by its target


def _walk(place: Place, left_out: frozenset[Path], told: Callable[[str], None]) -> Iterator[Found | Item]:
    """Yield the files below a folder; what is still to come, at each level, stands on a stack."""
    skipped = Skipped(place.name or "/", Counter())
    root = place.path.resolve()
    stack = [(_Level(root, place.name), "")]
    read = 0
    while stack:
        level, entry = stack.pop()
        path, name = level.path / entry, level.name_of(entry)
        if path in left_out:
            skipped.note("left out")
        elif not entry or entry.endswith("/"):
            try:
                listed = _list(path, skipped)
            except OSError as error:
                message = f"the folder can't be listed: {reason_of(error)} (check it, then run again)"
                yield failed(Origin(name, named=False), "file", message, again=True)
                continue
            below = _Level(path, name)
            stack.extend((below, child) for child in reversed(listed))
        elif (kind := kind_of(entry)) is None:
            skipped.unknown(entry)
        else:
            read += 1
            yield Found(path, kind, Origin(name, named=False), follow=False)
    skipped.tell(told, read)


@dataclass(frozen=True, slots=True)
class _Level:
    """A folder on the way down: where it is, and as items call it."""

    path: Path
    name: str

    def name_of(self, entry: str) -> str:
        return "/".join(part for part in (self.name, storable(entry).rstrip("/")) if part)


def _list(path: Path, skipped: Skipped) -> list[str]:
    """Return the files in ``path`` and, with a slash behind them, the folders, sorted by name.

    Raises:
        OSError: It can't be listed.
    """
    found: list[tuple[str, str]] = []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                skipped.note("hidden")
            elif entry.is_symlink():
                skipped.note("link")
            elif entry.is_dir(follow_symlinks=False):
                found.append((entry.name, "/"))
            elif entry.is_file(follow_symlinks=False):
                found.append((entry.name, ""))
            else:
                skipped.note("other")
    return [name + mark for name, mark in sorted(found)]


def _real(options: ReadOptions) -> frozenset[Path]:
    return frozenset(path.resolve() for path in options.leave_out)


def _shown(text: str) -> str:
    plain = storable(text)
    return repr(plain if len(plain) <= _SHOWN_CHARS else f"{plain[: _SHOWN_CHARS - 1]}…")
