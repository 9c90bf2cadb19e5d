"""A file of ours in SQLite: owner-only, in WAL mode, marked as ours, made if it isn't there, shared by threads.

Apart because every store needs the same care: two processes may make the file at the same moment, a foreign file is
never touched, one written by another version is refused rather than guessed at, and whatever goes wrong is told with
the file's name and a remedy.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluator.errors import OptionError

__all__ = ["FileKind", "SqliteFile"]

_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class FileKind:
    """What a file of ours is.

    Attributes:
        title: What it is called in errors.
        application: Marks the file as this kind, in the place that SQLite keeps for it.
        version: Of its tables; another one is refused.
        schema: Statements that make the tables; each may be run again.
        if_foreign: What to do about a file that holds something else.
        if_failing: What to do about one that can't be opened, read or written.
    """

    title: str
    application: int
    version: int
    schema: Sequence[str]
    if_foreign: str
    if_failing: str


class SqliteFile:
    """One open file, one statement or transaction at a time, from any thread."""

    def __init__(self, path: Path, kind: FileKind) -> None:
        """Open the file, and make it with its folder if there is none.

        Raises:
            OptionError: It can't be opened or written, isn't ours, or was written by another version.
        """
        self._name = path.name
        self._kind = kind
        self._lock = threading.Lock()
        with self._told("opened"):
            self._connection = _open(path, kind)

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Lend the connection for a query whose rows are taken before it is given back.

        Raises:
            OptionError: The file can't be read.
        """
        with self._told("read"), self._lock:
            yield self._connection

    @contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """Lend the connection for one transaction: all of it is written, or nothing.

        Raises:
            OptionError: The file can't be written.
        """
        with self._told("written"), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:  # ends the transaction either way
                yield self._connection

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _told(self, done: str) -> Generator[None]:
        """Turn what the file system and SQLite raise into one error of ours."""
        try:
            yield
        except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a null character in the path
            raise OptionError(
                f"{self._kind.title} can't be {done}: {type(error).__name__}",
                where=self._name,
                remedy=self._kind.if_failing,
            ) from error


def _open(path: Path, kind: FileKind) -> sqlite3.Connection:
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
        raise OptionError("it holds something else", where=name, remedy=kind.if_foreign)
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
