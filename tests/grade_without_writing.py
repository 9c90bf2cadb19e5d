"""Grade a transcript in a process that may neither write to a file system nor reach a network, for test_packaging."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_REFUSED: Final = frozenset({"os.link", "os.remove", "os.rename", "os.rmdir", "os.symlink", "socket.connect"})


def _refuse(event: str, args: tuple[object, ...]) -> None:
    """Raise where a read-only file system or a closed network would."""
    if event == "open":
        path, _, flags = args
        writes = isinstance(flags, int) and flags & _WRITING and str(path) != os.devnull
    elif event == "os.mkdir":
        writes = not Path(str(args[0])).is_dir()
    else:
        writes = event in _REFUSED
    if writes:
        raise OSError(f"refused: {event} {args[0]!r}")


if __name__ == "__main__":
    from evaluator.cli.main import main

    sys.argv = ["evaluator", "grade", sys.argv[1], "--format", "json"]
    sys.addaudithook(_refuse)
    main()
