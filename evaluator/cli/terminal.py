"""Where words leave the program: the output stream, files, and one-line messages on the error stream.

Apart so that every command writes files whole or not at all, keeps results off the error stream, and never shows a
character that a terminal would obey.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

from evaluator.errors import OptionError
from evaluator.reports.characters import one_line

__all__ = ["cannot_write", "check_output", "note", "progress", "shown_path", "write_file", "write_stdout"]

_NAME_CHARS: Final = 120


def note(message: str) -> None:
    """Write one line on the error stream; harmless whatever it quotes. A closed stream is no reason to fail."""
    with contextlib.suppress(OSError):
        sys.stderr.write(_encodable(f"evaluator: {one_line(message)}\n", sys.stderr.encoding))
        sys.stderr.flush()


@contextlib.contextmanager
def progress(message: str, *, quiet: bool) -> Generator[None]:
    """Show ``message`` while the block runs, on the error stream and only if that is a terminal; then wipe it."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    sys.stderr.write(f"\r{message}")
    sys.stderr.flush()
    try:
        yield
    finally:
        sys.stderr.write(f"\r{' ' * len(message)}\r")
        sys.stderr.flush()


def write_stdout(text: str, *, exact: bool) -> None:
    """Write a result on the output stream.

    Args:
        text: All of it.
        exact: Write UTF-8 whatever the stream's encoding: for forms that programs read. Else characters that the
            stream can't encode become ``?``.

    Raises:
        OptionError: The stream takes no more, as a full disk does. A reader that went away is a `BrokenPipeError`.
    """
    stream = sys.stdout
    data = text.encode() if exact else _encodable(text, stream.encoding).encode(stream.encoding)
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OptionError(cannot_write(error), where="stdout", remedy="send it elsewhere") from error


def check_output(path: Path, *sources: Path | None) -> None:
    """Refuse an output file that can't be written, before any work is done for it.

    Args:
        path: Where to write.
        sources: Files that are read, and must stay as they are.

    Raises:
        OptionError: Its folder doesn't exist, it is a folder, or it is one of ``sources``, by whichever name.
    """
    where = f"--output {shown_path(path)}"
    if path.is_dir():
        raise OptionError("it is a folder", where=where, remedy="name a file in it")
    if not path.parent.is_dir():
        raise OptionError("its folder does not exist", where=where, remedy="make the folder first")
    if path.exists() and any(source and source.exists() and path.samefile(source) for source in sources):
        raise OptionError("it is the input itself", where=where, remedy="name another file")


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all: under another name in the same folder first, then renamed.

    A link is followed; a device or pipe is written to as it is. An existing file keeps its permissions.

    Raises:
        OptionError: It can't be written.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8", newline="\n")
        else:
            _replace(target, text.encode())
    except OSError as error:
        raise OptionError(
            cannot_write(error), where=f"--output {shown_path(path)}", remedy="name another file"
        ) from error


def shown_path(path: Path) -> str:
    """Return the name of a file as an error may show it: one line, harmless, not endless."""
    return one_line(str(path).encode(errors="replace").decode(), _NAME_CHARS)


def cannot_write(error: OSError) -> str:
    """Return what an error of the system says about writing, as a message holds it."""
    return f"it can't be written: {(error.strerror or 'unknown reason').lower()}"


def _replace(target: Path, data: bytes) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied")
    draft = target.with_name(f".evaluator-{secrets.token_hex(8)}.tmp")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _encodable(text: str, encoding: str | None) -> str:
    name = encoding or "utf-8"
    return text.encode(name, errors="replace").decode(name)
