"""The database of durable runs: SQLite in a file of the run, or a Postgres that many machines share.

Statements are written once, in the SQL that both understand. Every change is one transaction. A Postgres that is away
for a while is waited for; whatever else goes wrong is one error of ours. Apart from the stores so that SQLAlchemy is
known here alone.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from evaluator.errors import EvaluatorError, MissingExtra, OptionError

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Database", "DatabaseFailed", "Row", "Transaction", "checked_url", "file_url", "translated"]

_WAIT_S: Final = 30.0  # for another transaction of the same SQLite file
_AWAY_S: Final = 300.0  # as long as a Postgres that restarts, or a network that is down, is waited for
_FIRST_S: Final = 10.0  # and one that never answered yet: its address may be wrong
_LONGEST_WAIT_S: Final = 2.0
_POSTGRES: Final = ("postgres", "postgresql", "postgresql+psycopg")
_HOSTS: Final = re.compile(r"[\w.:%,-]+", re.ASCII)
_FORBIDDEN: Final = "42501"
_GONE: Final = {  # a machine that vanishes without a word is given up after half a minute, not after hours
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "30000",
}
_REFUSALS: Final = (  # of a connection: what the driver says, in parts that hold no value; what that means; a remedy
    ("password authentication failed", "it refuses the user or the password", "check both in the address"),
    ("no password supplied", "it asks for a password", "write postgresql://USER:PASSWORD@HOST/NAME"),
    ("database .* does not exist", "it holds no database of that name", "make it with createdb, or name another"),
    ("role .* does not exist", "it refuses the user or the password", "check both in the address"),
    ("no pg_hba.conf entry", "it doesn't let this user in from here", "let it in by the server's pg_hba.conf"),
    ("invalid connection option", "the address has an option that doesn't exist", "leave out what follows the '?'"),
)

Row = Sequence[Any]
Values = Mapping[str, object]
_Result = TypeVar("_Result")


class DatabaseFailed(EvaluatorError):
    """The database can't be read or written; what was committed is safe."""


class Transaction(Protocol):
    """Statements that take effect together, or not at all."""

    def rows(self, statement: str, values: Values | None = None) -> Sequence[Row]:
        """Run a statement and return its rows; a list among the values stands for ``IN :name``."""
        ...

    def each(self, statement: str, values: Values) -> Iterator[Row]:
        """Run a statement and yield its rows, so that many never stand in memory together; as `rows`."""
        ...

    def run(self, statement: str, values: Values | Sequence[Values] | None = None) -> int:
        """Run a statement, once or for each of several sets of values; return how many rows it touched."""
        ...


def checked_url(url: str) -> str:
    """Return the address of a Postgres in the form that the driver takes.

    Raises:
        OptionError: It is no address of a Postgres; the message doesn't repeat it, as it may hold a password.
        MissingExtra: The extra `batch` isn't installed.
    """
    return _parsed(url).update_query_dict(_GONE).render_as_string(hide_password=False)


def file_url(path: Path) -> str:
    """Return the address of a file of SQLite, whatever characters its path holds."""
    return _sqlalchemy().URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


@contextmanager
def translated(place: Path | str) -> Generator[None]:
    """Turn what SQLAlchemy, its drivers and the file system raise about a database into one error of ours."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        what, remedy = _told(error, shared=isinstance(place, str))
        raise DatabaseFailed(f"the database can't be used: {what}", where=_shown(place), remedy=remedy) from error


class Database:
    """One database. Safe to share between threads."""

    def __init__(self, place: Path | str, *, erases: bool = False, away_s: float = _AWAY_S) -> None:
        """Open a file, which is made if there is none, or a Postgres by its address.

        Args:
            place: The file, or the address.
            erases: Overwrite what is deleted from a file, rather than only forget where it stands.
            away_s: How long a Postgres is waited for that answered before.

        Raises:
            OptionError: The address is none, or the file can't be made.
            MissingExtra: The extra `batch` isn't installed.
        """
        self.shared = isinstance(place, str)
        self._place = place
        self._away_s = away_s
        self._reached = False
        self._engine = _postgres(checked_url(place)) if isinstance(place, str) else _sqlite(place, erases=erases)

    @property
    def name(self) -> str:
        """Its name, without what nobody may see."""
        return _shown(self._place)

    def read(self, work: Callable[[Transaction], _Result]) -> _Result:
        """Run some reading in one transaction, again if the connection broke, and return what it returns.

        Raises:
            DatabaseFailed: It can't be read, or stayed away.
        """
        return self._patiently(lambda: self._once(work, writes=False))

    def write(self, work: Callable[[Transaction], _Result]) -> _Result:
        """Run some changes in one transaction, again if the connection broke, and return what they return.

        A connection may break when the changes have just taken effect: ``work`` must bear being run twice.

        Raises:
            DatabaseFailed: It can't be written, or stayed away; none of the changes took effect.
        """
        return self._patiently(lambda: self._once(work, writes=True))

    def stream(self, statement: str, values: Values, *, after: int = -1, chunk: int = 200) -> Iterator[Row]:
        """Yield the rows of a statement that takes ``:after`` and ``:chunk``, by the number in their first column.

        Raises:
            DatabaseFailed: As `read`.
        """
        while True:
            asked = {**values, "after": after, "chunk": chunk}
            rows = self.read(lambda transaction, asked=asked: transaction.rows(statement, asked))
            if not rows:
                return
            yield from rows
            after = rows[-1][0]

    def empty_log(self) -> None:
        """Move what the log of a file's changes holds into the file, and empty it; as far as nobody reads it now.

        Raises:
            DatabaseFailed: It can't be written.
        """
        if self.shared:
            return
        with translated(self._place), self._engine.connect() as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _once(self, work: Callable[[Transaction], _Result], *, writes: bool) -> _Result:
        with self._engine.connect().execution_options(writes=writes) as connection, connection.begin():
            self._reached = True
            return work(_Connection(connection))

    def _patiently(self, attempt: Callable[[], _Result]) -> _Result:
        retrying = Retrying(
            retry=retry_if_exception(self._may_pass),
            wait=wait_random_exponential(multiplier=0.05, max=_LONGEST_WAIT_S),
            stop=stop_after_delay(self._away_s if self._reached else min(_FIRST_S, self._away_s)),
            reraise=True,
        )
        with translated(self._place):
            return retrying(attempt)

    def _may_pass(self, error: BaseException) -> bool:
        """Whether the same may go through later; a server that never let us in will not change its mind."""
        return self.shared and _passing(error) and (self._reached or _refusal(error) is None)


class _Connection:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Values | None = None) -> Sequence[Row]:
        return self._execute(statement, values).all()

    def each(self, statement: str, values: Values) -> Iterator[Row]:
        yield from self._execute(statement, values)

    def run(self, statement: str, values: Values | Sequence[Values] | None = None) -> int:
        if not values and values is not None:
            return 0
        return self._execute(statement, values).rowcount

    def _execute(self, statement: str, values: Values | Sequence[Values] | None) -> sa.CursorResult[Any]:
        several = frozenset[str]()
        if isinstance(values, Mapping):
            several = frozenset(name for name, value in values.items() if isinstance(value, list))
        return self._connection.execute(_prepared(statement, several), values)


@lru_cache(maxsize=256)
def _prepared(statement: str, several: frozenset[str]) -> sa.TextClause:
    import sqlalchemy as sa

    expanding: list[sa.BindParameter[Any]] = [sa.bindparam(name, expanding=True) for name in sorted(several)]
    return sa.text(statement).bindparams(*expanding)


def _sqlite(path: Path, *, erases: bool) -> sa.Engine:
    sa = _sqlalchemy()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"the folder can't be written: {type(error).__name__}", where=path.name, remedy="choose another folder"
        ) from error
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False),
        poolclass=sa.QueuePool,
    )

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: object) -> None:  # pyright: ignore[reportUnusedFunction] - the event calls it
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # what was paid for survives a power cut
        connection.execute(f"PRAGMA secure_delete={'ON' if erases else 'OFF'}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:  # pyright: ignore[reportUnusedFunction] - the event calls it
        # A plain BEGIN that turns to writing is refused, not kept waiting, if another transaction wrote meanwhile.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options()["writes"] else "BEGIN")

    return engine


def _postgres(url: str) -> sa.Engine:
    sa = _sqlalchemy()
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=4,
        connect_args={"connect_timeout": 5, "client_encoding": "utf8", "application_name": "evaluator"},
    )


def _sqlalchemy() -> Any:  # noqa: ANN401 - the module
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtra(
            "durable runs need the packages of the extra `batch`",
            remedy="pip install 'interview-evaluator[batch]'",
        ) from error
    return sqlalchemy


def _passing(error: BaseException) -> bool:
    """Whether a Postgres may answer later: the connection broke, it starts or stops, or two changes crossed."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)  # all connections wait for a server that stands still
    state = getattr(error.orig, "sqlstate", None)
    broken = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return broken if state is None else state[:2] in {"08", "57", "40", "53", "55"}


def _refusal(error: BaseException) -> tuple[str, str] | None:
    """Return why a server refused a connection and what would help; ``None`` if it isn't known to have refused one."""
    if getattr(error, "connection_invalidated", False) or getattr(getattr(error, "orig", None), "sqlstate", None):
        return None
    said = str(getattr(error, "orig", ""))
    return next(((what, remedy) for words, what, remedy in _REFUSALS if re.search(words, said)), None)


def _told(error: BaseException, *, shared: bool) -> tuple[str, str]:
    """Return what went wrong and what would help; of a server's words none is repeated: they may hold a value."""
    cause = getattr(error, "orig", None) or error
    if shared:
        if (state := getattr(cause, "sqlstate", None)) == _FORBIDDEN:
            return "this user may not do that", "let it make tables in the schema public, and a schema of its own"
        usual = "check that the server runs and lets this machine in, then run the same command again"
        return _refusal(error) or (f"{type(cause).__name__}{f' [{state}]' if state else ''}", usual)
    said = str(cause) if isinstance(cause, sqlite3.Error) else type(cause).__name__
    if "full" in said:
        return said, "make room on the disk, then run the same command again: nothing is lost"
    return said, "check the folder's rights and its disk, then run the same command again: nothing is lost"


def _shown(place: Path | str) -> str:
    if isinstance(place, Path):
        return place.name
    url = _parsed(place)
    return f"{url.host or 'localhost'}/{url.database or ''}"


def _parsed(url: str) -> sa.URL:
    parsed = _read(url)
    if parsed is None:
        raise OptionError(
            "this is no address of a Postgres",
            where="database_url",
            remedy="write postgresql://USER:PASSWORD@HOST/NAME, with %40 for an @ in the password, %3A for a : and "
            "%2F for a /; or leave it out to work in the output folder",
        )
    return parsed.set(drivername="postgresql+psycopg")


def _read(url: str) -> sa.URL | None:
    """Return an address in its parts; ``None`` if it is none, or if a part of a password may have slipped into one."""
    sa = _sqlalchemy()
    try:
        parsed: sa.URL = sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError):
        return None
    known = parsed.drivername in _POSTGRES and _HOSTS.fullmatch(parsed.host or "localhost")
    return parsed if known and re.fullmatch(r"[^@/:\s]+", parsed.database or "") else None
