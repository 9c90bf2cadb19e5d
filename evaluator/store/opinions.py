"""A file of opinions that were paid for: content key in, opinion out. The same question is never paid for twice.

SQLite in WAL mode; safe for many threads and processes. Calls block, so an event loop calls them in a thread.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from evaluator.errors import OptionError
from evaluator.judging import Opinion

__all__ = ["OpinionStore"]

_VERSION: Final = 1
_WAIT_S: Final = 10.0
_CHUNK: Final = 500  # SQLite allows 999 parameters in its oldest builds
_OPINION: Final = TypeAdapter(Opinion)


class OpinionStore:
    """Opinions by key."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it with its folder if there is none.

        Raises:
            OptionError: It can't be opened, isn't ours, or was written by a newer version.
        """
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=_WAIT_S, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")  # what was paid for survives a power cut
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in {0, _VERSION}:
                raise OptionError(
                    f"written by another version ({version})", where=path.name, remedy="name another file"
                )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS opinions (key TEXT PRIMARY KEY, opinion TEXT NOT NULL) WITHOUT ROWID"
            )
            self._connection.execute(f"PRAGMA user_version={_VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise OptionError(
                f"the result cache can't be opened: {error}", where=path.name, remedy="name another with --cache FILE"
            ) from error

    def read(self, keys: Sequence[str]) -> dict[str, Opinion]:
        """Return what is known of these keys; an entry that can't be read counts as unknown."""
        found: dict[str, Opinion] = {}
        for first in range(0, len(keys), _CHUNK):
            chunk = keys[first : first + _CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, opinion FROM opinions WHERE key IN ({marks})"  # noqa: S608 - question marks alone
            with self._lock:
                rows: list[tuple[str, str]] = self._connection.execute(query, chunk).fetchall()
            for key, text in rows:
                try:
                    found[key] = _OPINION.validate_json(text)
                except ValidationError:
                    continue
        return found

    def write(self, opinions: Mapping[str, Opinion]) -> None:
        """Keep opinions by key, all or none; the first one written for a key stays."""
        rows = [(key, json.dumps(_OPINION.dump_python(opinion, mode="json"))) for key, opinion in opinions.items()]
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR IGNORE INTO opinions VALUES (?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
