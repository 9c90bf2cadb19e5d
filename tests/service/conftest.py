"""A database with the service's tables, on a file and on a real Postgres, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.service.tables import create_service_tables
from tests.batch.conftest import database_url, postgres

__all__ = ["database_url", "postgres"]


@dataclass
class Clock:
    """Seconds since 1970 that pass when told to; at first a Monday in November 2026, 10:15 UTC."""

    now_s: float = 1_795_428_900.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    """Yield each kind of database, with the tables of the service."""
    place = request.getfixturevalue("database_url") if request.param == "postgres" else tmp_path / "service.sqlite"
    with closing(Database(place)) as opened:
        create_service_tables(opened)
        yield opened


@pytest.fixture
def file_database(tmp_path: Path) -> Generator[Database]:
    """Yield a database in a file, with the tables of the service."""
    with closing(Database(tmp_path / "service.sqlite")) as opened:
        create_service_tables(opened)
        yield opened
