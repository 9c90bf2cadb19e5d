"""The output folder of a run: what a person reads, and beside it the state that a run goes on from."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from evaluator.errors import OptionError

__all__ = ["RunFolder", "batches_file"]

_STATE: Final = ".run"
_EARLIER: Final = "earlier"
_SHORT: Final = 8  # hex digits of a grading, in a folder's name
_ID_BYTES: Final = 6


def batches_file(folder: Path) -> Path:
    """Return the file of an output folder that knows which requests were sent in provider batches."""
    return folder / _STATE / "batches.sqlite"


class RunFolder:
    """An output folder in the hands of this process alone.

    Attributes:
        path: The folder.
        run: Id of the run, the same each time that the folder is used.
    """

    def __init__(self, path: Path) -> None:
        """Make the folder if it isn't there, and take it.

        Raises:
            OptionError: It can't be written, or another process works in it.
        """
        self.path = path
        state = path / _STATE
        try:
            path.mkdir(parents=True, exist_ok=True)
            state.mkdir(mode=0o700, exist_ok=True)
            self._lock = sqlite3.connect(
                state / "lock.sqlite", timeout=0, isolation_level=None, check_same_thread=False
            )
        except (OSError, ValueError, sqlite3.Error) as error:
            raise _unusable(path, type(error).__name__) from error
        try:  # the system lets go of such a lock when the process dies, however it dies
            self._lock.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._lock.execute("BEGIN EXCLUSIVE")
            self._lock.execute("CREATE TABLE IF NOT EXISTS run (id TEXT)")
            self.run = self._id()
            self._lock.execute("COMMIT")
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            self._lock.close()
            if "locked" in str(error):
                raise OptionError(
                    "another run is working in this folder",
                    where=path.name,
                    remedy="wait for it, or choose another folder",
                ) from error
            raise _unusable(path, str(error)) from error

    @property
    def database(self) -> Path:
        """File of the run's own database."""
        return self.path / _STATE / "run.sqlite"

    @property
    def queue(self) -> Path:
        """File of the queue."""
        return self.path / _STATE / "queue.sqlite"

    @property
    def answers(self) -> Path:
        """File of paid answers, where they are kept nowhere else."""
        return self.path / _STATE / "answers.sqlite"

    def set_aside(self, files: Sequence[str], grading: str) -> Path | None:
        """Keep outputs of another grading, under ``earlier``, before new ones take their names.

        Args:
            files: Names of outputs.
            grading: What the new ones are graded by, as in `Spec`.

        Returns:
            Where the old ones are; ``None`` if there are none, or they were graded by the same.

        Raises:
            OptionError: They can't be moved.
        """
        told = self.path / _STATE / "graded_by"
        try:
            former = told.read_text() if told.exists() else grading
            there = [self.path / name for name in files if (self.path / name).exists()]
            aside = self.path / _EARLIER / former[:_SHORT]
            if former != grading and there:
                aside.mkdir(parents=True, exist_ok=True)
                for file in there:
                    file.replace(aside / file.name)
            told.write_text(grading)
        except OSError as error:
            raise _unusable(self.path, type(error).__name__) from error
        return aside if former != grading and there else None

    def close(self) -> None:
        """Let go of the folder."""
        with contextlib.suppress(sqlite3.Error):
            self._lock.execute("ROLLBACK")
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _id(self) -> str:
        self._lock.execute("UPDATE run SET id = id")  # what may only be read can be opened and even locked
        row = self._lock.execute("SELECT id FROM run").fetchone()
        if row is None:
            row = (f"r{secrets.token_hex(_ID_BYTES)}",)
            self._lock.execute("INSERT INTO run VALUES (?)", row)
        return str(row[0])


def _unusable(path: Path, reason: str) -> OptionError:
    return OptionError(
        f"the folder can't be used: {reason}",
        where=path.name,
        remedy="check its rights and its disk, or choose another folder",
    )
