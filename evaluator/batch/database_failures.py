"""What a database's failure means: try again, or one error of ours that tells what would help.

In: whatever SQLAlchemy, its drivers and the file system raise. Of a server's words none is repeated: they may hold a
value.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from evaluator.batch.database_address import shown
from evaluator.errors import EvaluatorError

__all__ = ["DatabaseFailed", "may_pass", "refusal", "translated"]

_FORBIDDEN: Final = "42501"
_REFUSALS: Final = (  # of a connection: what the driver says, in parts that hold no value; what that means; a remedy
    ("password authentication failed", "it refuses the user or the password", "check both in the address"),
    ("no password supplied", "it asks for a password", "write postgresql://USER:PASSWORD@HOST/NAME"),
    ("database .* does not exist", "it holds no database of that name", "make it with createdb, or name another"),
    ("role .* does not exist", "it refuses the user or the password", "check both in the address"),
    ("no pg_hba.conf entry", "it doesn't let this user in from here", "let it in by the server's pg_hba.conf"),
    ("invalid connection option", "the address has an option that doesn't exist", "leave out what follows the '?'"),
)


class DatabaseFailed(EvaluatorError):
    """The database can't be read or written; what was committed is safe."""


@contextmanager
def translated(place: Path | str) -> Generator[None]:
    """Turn what SQLAlchemy, its drivers and the file system raise about a database into one error of ours."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        what, remedy = _told(error, shared=isinstance(place, str))
        raise DatabaseFailed(f"the database can't be used: {what}", where=shown(place), remedy=remedy) from error


def may_pass(error: BaseException) -> bool:
    """Whether a Postgres may answer later: the connection broke, it starts or stops, or two changes crossed."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)  # all connections wait for a server that stands still
    state = getattr(error.orig, "sqlstate", None)
    broken = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return broken if state is None else state[:2] in {"08", "57", "40", "53", "55"}


def refusal(error: BaseException) -> tuple[str, str] | None:
    """Return why a server refused a connection and what would help; ``None`` if it isn't known to have refused one."""
    if getattr(error, "connection_invalidated", False) or getattr(getattr(error, "orig", None), "sqlstate", None):
        return None
    said = str(getattr(error, "orig", ""))
    return next(((what, remedy) for words, what, remedy in _REFUSALS if re.search(words, said)), None)


def _told(error: BaseException, *, shared: bool) -> tuple[str, str]:
    """Return what went wrong and what would help."""
    cause = getattr(error, "orig", None) or error
    if shared:
        if (state := getattr(cause, "sqlstate", None)) == _FORBIDDEN:
            return "this user may not do that", "let it make tables in the schema public, and a schema of its own"
        usual = "check that the server runs and lets this machine in, then run the same command again"
        return refusal(error) or (f"{type(cause).__name__}{f' [{state}]' if state else ''}", usual)
    said = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
    if "full" in said:
        return said, "make room on the disk, then run the same command again: nothing is lost"
    return said, "check the folder's rights and its disk, then run the same command again: nothing is lost"
