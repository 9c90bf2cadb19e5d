"""A file of answers that were paid for: content key in, what was answered out. Nothing is paid for twice.

SQLite in WAL mode; safe for many threads and processes. Calls block, so an event loop calls them in a thread. The file
holds candidates' words: only its owner may read it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from evaluator.errors import OptionError
from evaluator.judging import Opinion
from evaluator.store.sqlite_file import FileKind, open_sqlite
from evaluator.types import Vote

__all__ = ["KeptOpinion", "KeptTexts", "OpinionStore"]

_CHUNK: Final = 500  # SQLite allows 999 parameters in its oldest builds
_FILE: Final = FileKind(
    application=0x49_45_4F_50,
    version=1,
    schema=[
        f"CREATE TABLE IF NOT EXISTS {table} (key TEXT PRIMARY KEY, kept TEXT NOT NULL) WITHOUT ROWID"
        for table in ("opinions", "texts")
    ],
    remedy="name another file with --cache FILE",
)


@dataclass(frozen=True, slots=True)
class KeptOpinion:
    """One criterion's answer.

    Attributes:
        opinion: The opinion.
        votes: What each of several answers said; empty if one was enough.
        confirmed: Whether the judge asks again where it is unsure, even if it didn't here.
    """

    opinion: Opinion
    votes: tuple[Vote, ...] = ()
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class KeptTexts:
    """What was written about a whole case; as in `Judgement`."""

    summary: str | None
    better_answer: str | None
    follow_ups: tuple[str, ...]


_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class _Table(Generic[_Kept]):
    name: str
    form: TypeAdapter[_Kept]


_OPINIONS: Final = _Table("opinions", TypeAdapter(KeptOpinion))
_TEXTS: Final = _Table("texts", TypeAdapter(KeptTexts))


class OpinionStore:
    """Opinions and texts by key."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it with its folder if there is none.

        Raises:
            OptionError: It can't be opened or written, isn't ours, or was written by another version.
        """
        self._lock = threading.Lock()
        self._name = path.name
        with self._told("can't be opened"):
            self._connection = open_sqlite(path, _FILE)

    def read(self, keys: Sequence[str]) -> dict[str, KeptOpinion]:
        """Return what is known of these keys; an entry that can't be read counts as unknown.

        Raises:
            OptionError: The file can't be read.
        """
        return self._read(_OPINIONS, keys)

    def read_texts(self, key: str) -> KeptTexts | None:
        """Return the texts of a case; ``None`` if unknown or damaged.

        Raises:
            OptionError: The file can't be read.
        """
        return self._read(_TEXTS, [key]).get(key)

    def write(self, opinions: Mapping[str, KeptOpinion], texts: Mapping[str, KeptTexts]) -> None:
        """Keep opinions and texts by key, all or none; what stood there, damaged or not, is replaced.

        Raises:
            OptionError: The file can't be written.
        """
        with self._told("can't be written"), self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:  # ends the transaction either way
                self._write(_OPINIONS, opinions)
                self._write(_TEXTS, texts)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _read(self, table: _Table[_Kept], keys: Sequence[str]) -> dict[str, _Kept]:
        found: dict[str, _Kept] = {}
        for first in range(0, len(keys), _CHUNK):
            chunk = keys[first : first + _CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, kept FROM {table.name} WHERE key IN ({marks})"  # noqa: S608 - our names, question marks
            with self._told("can't be read"), self._lock:
                rows: list[tuple[str, str]] = self._connection.execute(query, chunk).fetchall()
            for key, text in rows:
                try:
                    found[key] = table.form.validate_json(text)
                except (ValidationError, ValueError, TypeError):  # an opinion checks itself too
                    continue
        return found

    def _write(self, table: _Table[_Kept], kept: Mapping[str, _Kept]) -> None:
        rows = [(key, table.form.dump_json(one).decode()) for key, one in kept.items()]
        self._connection.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES (?, ?)", rows)  # noqa: S608 - our names

    @contextmanager
    def _told(self, what: str) -> Generator[None]:
        """Turn what the file system and SQLite raise into one error of ours."""
        try:
            yield
        except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: a null character in the path
            raise OptionError(
                f"the result cache {what}: {type(error).__name__}",
                where=self._name,
                remedy="name another file with --cache FILE, or go without by --no-cache",
            ) from error
