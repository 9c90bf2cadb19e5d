"""Where a service keeps what it knows: the one answer for whoever serves and whoever changes its keys."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from evaluator.errors import OptionError
from evaluator.settings import Settings

__all__ = ["DATABASE", "database_place"]

DATABASE: Final = "service.sqlite"


def database_place(settings: Settings, data: Path | None = None, database_url: str | None = None) -> Path | str:
    """Return the file or the address of a service's database; an address wins, and options win over settings.

    Raises:
        OptionError: Neither is given.
    """
    if database_url is not None:
        return database_url
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    folder = data or settings.service_data
    if folder is None:
        raise OptionError(
            "no folder of a service was given",
            where="--data",
            remedy="give its folder, or set EVALUATOR_SERVICE_DATA or EVALUATOR_DATABASE_URL",
        )
    return folder / DATABASE
