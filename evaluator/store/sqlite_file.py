"""How a file of ours is opened in SQLite: owner-only, in WAL mode, marked as ours, made if it isn't there.

Apart because every store needs the same care: two processes may make the file at the same moment, a foreign file is
never touched, and one written by another version is refused rather than guessed at.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.errors import OptionError

__all__ = ["FileKind", "open_sqlite"]

_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file of ours is.

    Attributes:
        application: Marks the file as this kind, in the place that SQLite keeps for it.
        version: Of its tables; another one is refused.
        schema: Statements that make the tables; each may be run again.
        remedy: What to do about a file that holds something else.
    """

    application: int
    version: int
    schema: Sequence[str]
    remedy: str


def open_sqlite(path: Path, kind: FileKind) -> sqlite3.Connection:
    """Open a file, and make it with its folder if there is none; the connection may be used by any thread.

    Raises:
        OptionError: It isn't ours, or was written by another version.
        OSError: It can't be opened or made.
        sqlite3.Error: It isn't a database, or can't be written.
        ValueError: The path holds a null character.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=_WAIT_S, check_same_thread=False, isolation_level=None)
    try:
        _prepare(connection, path.name, kind)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, name: str, kind: FileKind) -> None:
    ask = connection.execute
    ask("BEGIN")  # one moment for all three: another process may be making the file
    with connection:
        (application,), (version,) = ask("PRAGMA application_id").fetchone(), ask("PRAGMA user_version").fetchone()
        (tables,) = ask("SELECT count(*) FROM sqlite_master").fetchone()
    if application != kind.application and (application or version or tables):
        raise OptionError("it holds something else", where=name, remedy=kind.remedy)
    if application == kind.application and version != kind.version:
        raise OptionError(
            f"another version of the evaluator wrote it ({version})", where=name, remedy="name another file"
        )
    ask("PRAGMA journal_mode=WAL")
    ask("PRAGMA synchronous=FULL")  # what was paid for survives a power cut
    if application == kind.application:
        return
    ask("BEGIN IMMEDIATE")
    with connection:
        for statement in kind.schema:
            ask(statement)
        ask(f"PRAGMA user_version={kind.version}")
        ask(f"PRAGMA application_id={kind.application}")
