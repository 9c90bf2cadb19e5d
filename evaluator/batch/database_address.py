"""Where a database is: a Postgres's address, checked and shown without its secrets, or a file of SQLite."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evaluator.errors import MissingExtra, OptionError

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["checked_url", "file_url", "load_sqlalchemy", "shown"]

_POSTGRES: Final = ("postgres", "postgresql", "postgresql+psycopg")
_HOSTS: Final = re.compile(r"[\w.:%,-]+", re.ASCII)
_GONE: Final = {  # a machine that vanishes without a word is given up after half a minute, not after hours
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "30000",
}


def checked_url(url: str) -> str:
    """Return the address of a Postgres in the form that the driver takes.

    Raises:
        OptionError: It is no address of a Postgres; the message doesn't repeat it, as it may hold a password.
        MissingExtra: The extra `batch` isn't installed.
    """
    return _parsed(url).update_query_dict(_GONE).render_as_string(hide_password=False)


def file_url(path: Path) -> str:
    """Return the address of a file of SQLite, whatever characters its path holds."""
    return load_sqlalchemy().URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def shown(place: Path | str) -> str:
    """Return a database's name without what nobody may see."""
    if isinstance(place, Path):
        return place.name
    url = _parsed(place)
    return f"{url.host or 'localhost'}/{url.database or ''}"


def load_sqlalchemy() -> Any:  # noqa: ANN401 - the module
    """Return SQLAlchemy, loaded when it is needed.

    Raises:
        MissingExtra: The extra `batch` isn't installed.
    """
    try:
        import sqlalchemy
    except ImportError as error:
        raise MissingExtra(
            "durable runs need the packages of the extra `batch`",
            remedy="pip install 'interview-evaluator[batch]'",
        ) from error
    return sqlalchemy


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
    sa = load_sqlalchemy()
    try:
        parsed: sa.URL = sa.make_url(url)
    except (ValueError, sa.exc.ArgumentError):
        return None
    known = parsed.drivername in _POSTGRES and _HOSTS.fullmatch(parsed.host or "localhost")
    return parsed if known and re.fullmatch(r"[^@/:\s]+", parsed.database or "") else None
