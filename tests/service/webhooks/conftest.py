"""The databases that stores of webhooks are tested on: a file, and a real Postgres where one is installed."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.batch.postgres_server import INSTALL, Postgres, postgres_binaries
from tests.service.webhooks.office import Clock, Office, opened


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """Yield a running server; skip where none is installed."""
    if postgres_binaries() is None:
        pytest.skip(f"no Postgres is installed: {INSTALL}")
    with Postgres() as server:
        yield server


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Return where an empty database is: each of both kinds."""
    if request.param == "file":
        return tmp_path / "service.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def office(place: Path | str, clock: Clock) -> Generator[Office]:
    """Yield the stores of webhooks over an empty database."""
    with opened(place, clock=clock) as office:
        yield office
