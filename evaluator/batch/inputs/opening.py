"""Opening a file that somebody else may change meanwhile: never a pipe that blocks, never a link in its place."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Final

__all__ = ["NotAFile", "open_file", "reason_of"]

_NEVER_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)  # a pipe without a writer would block for good
_NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_FLAGS: Final[int] = os.O_RDONLY | _NEVER_WAIT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_REASONS: Final = {
    errno.ENOENT: "it is no longer there",
    errno.EACCES: "it may not be read",
    errno.EPERM: "it may not be read",
    errno.ELOOP: "it is a link",
    errno.EMFILE: "too many files are open",
}


class NotAFile(OSError):
    """A folder, pipe or device stands where a file was expected."""


def open_file(path: Path, *, follow: bool) -> io.BufferedReader:
    """Return an open file.

    Args:
        path: Where it is.
        follow: Whether the last part of the path may be a link.

    Raises:
        OSError: It can't be opened.
        NotAFile: It is something else than a file.
    """
    handle = os.open(path, _FLAGS | (0 if follow else _NO_LINK))
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return open(handle, "rb")  # noqa: PTH123 - from a handle, not a path; the caller closes it
    os.close(handle)
    raise NotAFile("it is no file")


def reason_of(error: OSError) -> str:
    """Return why a file can't be read, without its path."""
    if isinstance(error, NotAFile):
        return "it is a folder, pipe or device"
    return _REASONS.get(error.errno or 0, "it can't be read")
