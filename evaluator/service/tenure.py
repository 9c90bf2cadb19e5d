"""A data folder's one service: a second one in the same folder would judge the same jobs again, and count limits apart.

Held by a lock of SQLite, which ends with the process however that ends. A Postgres is shared by as many as there are.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from evaluator.batch.database_failures import translated
from evaluator.errors import OptionError

__all__ = ["Tenure"]

_FILE: Final = "service.lock"
_WAIT_S: Final = 2.0  # for a predecessor that is just ending


class Tenure:
    """The right to be the service of a folder, until it is given up."""

    def __init__(self, folder: Path) -> None:
        """Take it.

        Raises:
            OptionError: Another process has it.
            DatabaseFailed: The folder can't be written.
        """
        with translated(folder / _FILE):
            self._lock = sqlite3.connect(folder / _FILE, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            try:
                self._lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                self._lock.close()
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                raise OptionError(
                    "another service works in this folder",
                    where="--data",
                    remedy="stop it, or give this one a folder of its own",
                ) from error

    def end(self) -> None:
        """Give it up."""
        self._lock.close()
