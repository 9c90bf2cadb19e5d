"""The databases that stores of webhooks are tested on: a file, and a real Postgres where one is installed."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.service.conftest import Clock
from tests.service.webhooks.office import Office, opened


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Return where an empty database is: each of both kinds."""
    if request.param == "file":
        return tmp_path / "service.sqlite"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture
def office(place: Path | str, clock: Clock) -> Generator[Office]:
    """Yield the stores of webhooks over an empty database."""
    with opened(place, clock=clock) as office:
        yield office
