"""The database of durable runs: SQLite in a file of the run, or a Postgres that many machines share.

Statements are written once, in the SQL that both understand. Every change is one transaction. A Postgres that is away
for a while is waited for; whatever else goes wrong is one error of ours. Apart from the stores, which know nothing of
SQLAlchemy.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from evaluator.batch.database_address import checked_url, load_sqlalchemy, shown
from evaluator.batch.database_failures import may_pass, refusal, translated
from evaluator.errors import OptionError

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["Database", "Row", "Transaction"]

_WAIT_S: Final = 30.0  # for another transaction of the same SQLite file
_AWAY_S: Final = 300.0  # as long as a Postgres that restarts, or a network that is down, is waited for
_FIRST_S: Final = 10.0  # and one that never answered yet: its address may be wrong
_LONGEST_WAIT_S: Final = 2.0

Row = Sequence[Any]
Values = Mapping[str, object]
_Result = TypeVar("_Result")


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
        return shown(self._place)

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
        return self.shared and may_pass(error) and (self._reached or refusal(error) is None)


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
    sa = load_sqlalchemy()
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
    sa = load_sqlalchemy()
    return sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=4,
        connect_args={"connect_timeout": 5, "client_encoding": "utf8", "application_name": "evaluator"},
    )
