"""``evaluator serve``: the HTTP endpoint and the page, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from evaluator.service.config import ServiceConfig
    from evaluator.settings import Settings

__all__ = ["serve", "service_config", "service_data"]

_PORT: Final = 8000


def serve(  # noqa: PLR0913 - one parameter per option of the command
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port to listen on.")] = _PORT,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of database and keys. [default: the user's data folder]")
    ] = None,
    judges: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Backends that callers choose among. [default: local]")
    ] = None,
    retention_days: Annotated[
        float | None,
        typer.Option(min=0.01, max=36_500, metavar="N", help="How long what is stored is kept. [default: 30]"),
    ] = None,
    deadline_s: Annotated[
        float | None, typer.Option(min=0.1, metavar="S", help="Longest wait for one evaluation. [default: 60]")
    ] = None,
) -> None:
    """Serve `POST /v1/evaluations` and everything around it, and a page for people.

    Until a key is made with `evaluator keys create`, everybody on this machine may use it and nobody else: it listens
    on loopback alone. SIGTERM or Ctrl-C lets what is in work end and keeps the rest for the next start.

    Exit codes: 0 stopped, 2 bad input, 3 the database can't be used.
    """
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    wished = {"service_data": data, "service_judges": judges, "retention_days": retention_days}
    wished["service_deadline_s"] = deadline_s
    settings = settings.model_copy(update={name: value for name, value in wished.items() if value is not None})
    config = service_config(settings)
    _check_extra()

    from evaluator.service.serving import serve as run  # noqa: PLC0415

    run(config, host, port, note)


def service_config(settings: Settings) -> ServiceConfig:
    """Return how a service runs, by the settings."""
    from evaluator.service.config import ServiceConfig  # noqa: PLC0415

    named = settings.service_judges or settings.backend
    return ServiceConfig(
        data=service_data(settings),
        settings=settings,
        judges=tuple(dict.fromkeys(name.strip() for name in named.split(",") if name.strip())),
        database_url=settings.database_url.get_secret_value() if settings.database_url else None,
        deadline_s=settings.service_deadline_s,
        retention_days=settings.retention_days,
        private_webhooks=settings.private_webhooks,
        webhook_networks=tuple(part for part in (settings.webhook_networks or "").split(",") if part.strip()),
        webhook_key=settings.webhook_key,
    )


def service_data(settings: Settings) -> Path:
    """Return the folder of the service's database and keys.

    Raises:
        OptionError: None is told, and this user has no home.
    """
    from evaluator.errors import OptionError  # noqa: PLC0415

    if settings.service_data is not None:
        return settings.service_data
    try:
        return Path.home() / ".local" / "share" / "interview-evaluator"
    except RuntimeError:
        raise OptionError(
            "no folder is told, and this user has no home", where="--data", remedy="give a folder"
        ) from None


def _check_extra() -> None:
    """Say what is missing before anything is loaded.

    Raises:
        MissingExtra: The extra `service` isn't installed.
    """
    from importlib.util import find_spec  # noqa: PLC0415

    from evaluator.errors import MissingExtra  # noqa: PLC0415

    for package in ("fastapi", "uvicorn", "dbos"):
        if find_spec(package) is None:
            raise MissingExtra(
                "serving needs the packages of the extra `service`",
                remedy="pip install 'interview-evaluator[service]'",
            )
