"""One real Postgres for all tests of a session that ask for it, and a fresh database for each."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.batch.postgres_server import INSTALL, Postgres, postgres_binaries


@pytest.fixture(scope="session")
def postgres() -> Generator[Postgres]:
    """Yield a running server; skip where none is installed."""
    if postgres_binaries() is None:
        pytest.skip(f"no Postgres is installed: {INSTALL}")
    with Postgres() as server:
        yield server


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    """Return the address of an empty database."""
    return postgres.new_database()
