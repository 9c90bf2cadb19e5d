"""A file of provider batches: what was meant to be sent, what was created, what came back. Nothing is paid for twice.

A batch is written here before it is created at the provider, so that whatever kills the process, the next one finds
either the batch's id or the intent to create it, by which it can be looked for. Replies stay until the file is deleted
with its run: one that was deleted when it was handed out would be lost if the process died before the evaluation that
used it was stored.

SQLite in WAL mode, safe for many threads; one process at a time, as two would each create what the other still
creates. Calls block, so an event loop calls them in a thread. The file holds models' words on candidates: only its
owner may read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from evaluator.store.sqlite_file import FileKind, SqliteFile

__all__ = ["BatchLedger", "KeptBatch", "KeptReply"]

_CHUNK: Final = 500  # SQLite allows 999 parameters in its oldest builds
_FILE: Final = FileKind(
    title="the record of provider batches",
    application=0x49_45_42_54,
    version=1,
    schema=[
        """
        CREATE TABLE IF NOT EXISTS batches (
            intent TEXT PRIMARY KEY, scope TEXT NOT NULL, intended_at REAL NOT NULL, size INTEGER NOT NULL,
            batch_id TEXT, over INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE IF NOT EXISTS requests (
            intent TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (intent, number)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX IF NOT EXISTS requests_by_key ON requests (key)",
        "CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID",
    ],
    if_foreign="name another file for the batches",
    if_failing="free its disk or name another file, then run the same command again",
)


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A reply that was paid for.

    Attributes:
        text: As it was written.
    """

    text: str


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch that may still bring replies.

    Attributes:
        intent: Our name for it, told to the provider when it is created.
        scope: Where it is sent: provider, address, model.
        intended_at: When it was written down, before anything was created; seconds since 1970.
        size: How many requests it holds.
        batch_id: The provider's name for it; ``None`` if it isn't known whether it was created.
    """

    intent: str
    scope: str
    intended_at: float
    size: int
    batch_id: str | None = None


class BatchLedger:
    """Batches, their requests by key, and the replies to them. Whoever opens it closes it."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make it with its folder if there is none.

        Raises:
            OptionError: It can't be opened or written, isn't ours, or was written by another version.
        """
        self._file = SqliteFile(path, _FILE)

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def find(self, key: str) -> KeptReply | KeptBatch | None:
        """Return the reply to a request, else the batch that may bring it, else ``None``.

        Raises:
            OptionError: The file can't be read.
        """
        with self._file.reading() as connection:
            row = connection.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
            if row:
                return KeptReply(row[0])
            row = connection.execute(
                "SELECT batches.intent, scope, intended_at, size, batch_id FROM requests JOIN batches USING (intent)"
                " WHERE key = ? AND NOT over ORDER BY intended_at DESC LIMIT 1",
                (key,),
            ).fetchone()
            return KeptBatch(*row) if row else None

    def replies(self, keys: Sequence[str]) -> dict[str, KeptReply]:
        """Return the replies to those of these requests that have one.

        Raises:
            OptionError: The file can't be read.
        """
        found: dict[str, KeptReply] = {}
        for first in range(0, len(keys), _CHUNK):
            chunk = keys[first : first + _CHUNK]
            query = f"SELECT key, reply FROM replies WHERE key IN ({','.join('?' * len(chunk))})"  # noqa: S608 - question marks
            with self._file.reading() as connection:
                rows: list[tuple[str, str]] = connection.execute(query, chunk).fetchall()
            found |= {key: KeptReply(text) for key, text in rows}
        return found

    def keys(self, intent: str) -> list[str]:
        """Return the keys of a batch's requests, in their order.

        Raises:
            OptionError: The file can't be read.
        """
        with self._file.reading() as connection:
            rows: list[tuple[str]] = connection.execute(
                "SELECT key FROM requests WHERE intent = ? ORDER BY number", (intent,)
            ).fetchall()
        return [key for (key,) in rows]

    def batch_ids(self) -> frozenset[str]:
        """Return the provider's names of all batches that were ever created by this file.

        Raises:
            OptionError: The file can't be read.
        """
        with self._file.reading() as connection:
            rows: list[tuple[str]] = connection.execute(
                "SELECT batch_id FROM batches WHERE batch_id IS NOT NULL"
            ).fetchall()
        return frozenset(batch_id for (batch_id,) in rows)

    def intend(self, batch: KeptBatch, keys: Sequence[str]) -> None:
        """Write down a batch that is about to be created, with the keys of its requests in their order.

        Raises:
            OptionError: The file can't be written.
        """
        row = (batch.intent, batch.scope, batch.intended_at, batch.size, batch.batch_id)
        with self._file.writing() as connection:
            connection.execute(
                "INSERT INTO batches (intent, scope, intended_at, size, batch_id) VALUES (?, ?, ?, ?, ?)", row
            )
            connection.executemany(
                "INSERT INTO requests (intent, number, key) VALUES (?, ?, ?)",
                ((batch.intent, number, key) for number, key in enumerate(keys)),
            )

    def created(self, intent: str, batch_id: str) -> None:
        """Write down the provider's name for a batch.

        Raises:
            OptionError: The file can't be written.
        """
        with self._file.writing() as connection:
            connection.execute("UPDATE batches SET batch_id = ? WHERE intent = ?", (batch_id, intent))

    def keep(self, replies: Mapping[str, str]) -> None:
        """Keep replies by key, all or none; what stood there is replaced.

        Raises:
            OptionError: The file can't be written.
        """
        with self._file.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO replies VALUES (?, ?)", replies.items())

    def close_batch(self, intent: str) -> None:
        """Write down that a batch brings nothing more: it was collected, or never created.

        Raises:
            OptionError: The file can't be written.
        """
        with self._file.writing() as connection:
            connection.execute("UPDATE batches SET over = 1 WHERE intent = ?", (intent,))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
