"""The two record files of an output folder, and how any file of it is written: whole or not at all.

In: records, or a folder. Out: ``evaluations.jsonl`` and ``failures.jsonl``, one JSON object a line, or the records read
back one at a time. Apart so that a reader never sees half a file, whoever writes it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypeVar

from pydantic import BaseModel, ValidationError

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.errors import InputError, OptionError
from evaluator.reports.characters import escape_json, one_line

__all__ = [
    "EVALUATIONS",
    "FAILURES",
    "Drafts",
    "read_evaluations",
    "read_failures",
    "record_line",
    "writing",
]

EVALUATIONS: Final = "evaluations.jsonl"
FAILURES: Final = "failures.jsonl"
_MAX_LINE: Final = 64_000_000  # bytes; an evaluation of a very long interview has about one million
_STALE_S: Final = 86_400  # a draft this old was left by a process that was killed
_NAME_CHARS: Final = 120

_Line = TypeVar("_Line", bound=BaseModel)


def record_line(record: GradedItem | FailedItem) -> bytes:
    """Return a record as its line, newline included; harmful characters are escaped."""
    return f"{escape_json(record.model_dump_json())}\n".encode()


def read_evaluations(path: Path) -> Iterator[GradedItem]:
    """Read ``evaluations.jsonl`` one record at a time.

    Raises:
        InputError: The file can't be read, or a line is no such record; names file and line.
    """
    return _read(path, GradedItem)


def read_failures(path: Path) -> Iterator[FailedItem]:
    """Read ``failures.jsonl`` one record at a time; raises as `read_evaluations`."""
    return _read(path, FailedItem)


@contextlib.contextmanager
def writing(folder: Path) -> Generator[None]:
    """Say in one sentence what the block couldn't write.

    Raises:
        OptionError: The folder can't be written: it is read-only, the disk is full, or it is no folder.
    """
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise OptionError(
            f"results can't be written: {reason}",
            where=one_line(str(folder).encode(errors="replace").decode(), _NAME_CHARS),
            remedy="free space or allow writing there, or name another folder; files written earlier are unharmed",
        ) from error


class Drafts:
    """Files of one folder that appear together at the end of the block, or not at all if it fails.

    Each is written under another name beside its own, flushed to the disk, then renamed in the order of opening.
    """

    def __init__(self, folder: Path) -> None:
        """Hold the folder; nothing is made yet."""
        self._folder = folder
        self._open: list[tuple[IO[bytes], Path, Path]] = []

    def __enter__(self) -> Self:
        """Make the folder, and clear away what killed processes left there over a day ago."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for draft in self._folder.glob(".*.draft"):
            with contextlib.suppress(OSError):
                if time.time() - draft.stat().st_mtime > _STALE_S:
                    draft.unlink()
        return self

    def open(self, name: str) -> IO[bytes]:
        """Open the draft of the file ``name``."""
        target = self._folder / name
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666
        draft = self._folder / f".{name}.{secrets.token_hex(8)}.draft"
        file = os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode), "w+b")
        self._open.append((file, draft, target))
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Rename every draft if the block went through; clear them all away if not."""
        del error, trace
        try:
            if kind is None:
                self._keep()
        finally:
            for file, draft, _ in self._open:
                with contextlib.suppress(OSError):  # what can't be flushed is thrown away
                    file.close()
                draft.unlink(missing_ok=True)

    def _keep(self) -> None:
        for file, _, _ in self._open:
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for _, draft, target in self._open:
            draft.replace(target)
        with contextlib.suppress(OSError):  # some systems can't open a folder; the renames hold all the same
            folder = os.open(self._folder, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _read(path: Path, form: type[_Line]) -> Iterator[_Line]:
    name = one_line(path.name.encode(errors="replace").decode(), _NAME_CHARS)
    try:
        file = path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else "its name holds a null character"
        raise InputError(
            f"the file can't be read: {(reason or 'unknown reason').lower()}",
            where=name,
            remedy=f"name the output folder of a batch, or its {EVALUATIONS}",
        ) from error
    with file:
        number = 0
        while line := file.readline(_MAX_LINE):
            number += 1
            if not line.strip():
                continue
            try:
                yield form.model_validate_json(line)
            except ValidationError as error:
                raise InputError(
                    f"the line is no {form.__name__}: {_first_fault(error)}",
                    where=f"{name}, line {number}",
                    remedy="take the file as a batch of this version wrote it, or run the batch again",
                ) from None


def _first_fault(error: ValidationError) -> str:
    """Return the first fault without what was seen: that is candidate text."""
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    path = ".".join(map(str, fault["loc"]))
    kind = fault["type"]
    return one_line(f"{kind.replace('_', ' ')} at {path}" if path else kind.replace("_", " "), _NAME_CHARS)
