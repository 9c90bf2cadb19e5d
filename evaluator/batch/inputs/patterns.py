"""Quoted patterns, expanded here so that they mean the same under every shell: ``*``, ``?``, ``[…]`` and ``**``.

The standard library's ``**`` follows linked folders, which may lead in circles; this one doesn't.
"""

from __future__ import annotations

import fnmatch
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["exists", "expand", "fixed_part", "is_pattern"]

_ANY_DEPTH: Final = "**"
_MARKS: Final = re.compile(r"[*?\[]")


def is_pattern(text: str) -> bool:
    """Return whether ``text`` holds a mark that patterns have."""
    return _MARKS.search(text) is not None


def expand(pattern: str) -> list[Path]:
    """Return the paths that match, sorted part by part, each once.

    Hidden files and folders match only where the pattern spells the dot.
    """
    whole = Path(pattern)
    parts = whole.parts[bool(whole.anchor) :]
    steps = [part for index, part in enumerate(parts) if part != _ANY_DEPTH or parts[index - 1 : index] != (part,)]
    return sorted(set(_matches(Path(whole.anchor), steps)), key=lambda path: path.parts)


def fixed_part(pattern: str) -> Path:
    """Return the folder that every match is in: the parts before the first that is a pattern."""
    whole = Path(pattern)
    parts = list(itertools.takewhile(lambda part: not is_pattern(part), whole.parts))
    return Path(*parts)


def exists(path: Path) -> bool:
    """Return whether ``path`` leads to anything; not if it can't be a path at all."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _matches(base: Path, steps: list[str]) -> Iterator[Path]:
    if not steps:
        yield base
        return
    step, rest = steps[0], steps[1:]
    if step == _ANY_DEPTH:
        yield from _matches(base, rest or ["*"])
        for name in _names(base, "*", folders=True):
            yield from _matches(base / name, steps)
    elif not is_pattern(step):
        if exists(base / step):
            yield from _matches(base / step, rest)
    else:
        for name in _names(base, step, folders=bool(rest)):
            yield from _matches(base / name, rest)


def _names(base: Path, step: str, *, folders: bool) -> list[str]:
    """Return the entries of ``base`` that match; only real folders if the pattern goes on below them."""
    try:
        with os.scandir(base) as entries:
            return [
                entry.name
                for entry in entries
                if fnmatch.fnmatchcase(entry.name, step)
                and (step.startswith(".") or not entry.name.startswith("."))
                and (not folders or entry.is_dir(follow_symlinks=False))
            ]
    except OSError:
        return []  # as a shell does: what can't be listed holds no match
