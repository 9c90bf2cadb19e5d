"""``evaluator keys create | list | revoke | rotate | limits``: who may call the service, and how much.

Works on the database of a service, whether it runs or not; a service that runs obeys within five seconds.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

if TYPE_CHECKING:
    from evaluator.batch.database import Database
    from evaluator.service.tenants.keys import NewKey
    from evaluator.service.tenants.limits import Limits, Tenant

__all__ = ["app"]

app = typer.Typer(
    help="Make, list, change and revoke the keys of the service.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3600.0
_Number = TypeVar("_Number", int, float)
_Data = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help="Folder of the service's data.")]
_Url = Annotated[str | None, typer.Option("--database-url", metavar="URL", help="Postgres of the service.")]
_Rate = Annotated[
    str | None, typer.Option("--rate-per-minute", metavar="N", help="Most requests a minute of the tenant, or none.")
]
_Concurrency = Annotated[
    str | None, typer.Option("--concurrency", metavar="N", help="Most evaluations of the tenant at once, or none.")
]
_Budget = Annotated[
    str | None,
    typer.Option("--monthly-budget-usd", metavar="X", help="Most that its hosted judges may cost a month, or none."),
]
_Key = Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, as `list` shows it.")]


@app.command()
def create(  # noqa: PLR0913 - the options of the command
    *,
    tenant: Annotated[
        str, typer.Option("--tenant", metavar="NAME", help="Whose key; `local` owns what was made without keys.")
    ],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What the key is for.")] = "",
    scopes: Annotated[
        str | None,
        typer.Option("--scopes", metavar="A,B", help="What it allows. [default: all but metrics and admin]"),
    ] = None,
    expires_days: Annotated[
        float | None, typer.Option("--expires-days", metavar="N", min=0, max=36_500, help="When it ends; else never.")
    ] = None,
    rate_per_minute: _Rate = None,
    concurrency: _Concurrency = None,
    monthly_budget_usd: _Budget = None,
    data: _Data = None,
    database_url: _Url = None,
) -> None:
    """Make a key, and the tenant if there is none of that name; the key alone is printed, and can't be shown again.

    Limits belong to the tenant and hold for all of its keys together. From the first key on, every request needs one.
    """
    from evaluator.service.tenants.caller import read_scopes  # noqa: PLC0415
    from evaluator.service.tenants.keys import DEFAULT_SCOPES, KeyStore  # noqa: PLC0415
    from evaluator.service.tenants.limits import TenantStore  # noqa: PLC0415

    wanted = read_scopes(scopes) if scopes is not None else DEFAULT_SCOPES
    with _database(data, database_url, make=True) as database:
        tenants = TenantStore(database)
        owner = tenants.ensure(tenant)
        limits = _changed(owner.limits, rate_per_minute, concurrency, monthly_budget_usd)
        expires_s = None if expires_days is None else time.time() + expires_days * _DAY_S
        made = KeyStore(database).create(owner.tenant, name=name, scopes=wanted, expires_s=expires_s)
        if limits != owner.limits:
            tenants.limit(owner.tenant, limits)
    _show(made)


@app.command("list")
def list_keys(*, data: _Data = None, database_url: _Url = None) -> None:
    """List all keys: id, tenant, name, state, when made and last used, scopes; nothing of their secrets."""
    from evaluator.cli.terminal import write_stdout  # noqa: PLC0415
    from evaluator.reports.characters import one_line  # noqa: PLC0415
    from evaluator.service.tenants.keys import KeyStore  # noqa: PLC0415

    now_s = time.time()
    with _database(data, database_url) as database:
        keys = KeyStore(database).list()
    for key in keys:
        used = "never used" if key.used_s is None else f"used {_day(key.used_s)}"
        tenant = f"{key.tenant_name} ({key.tenant})"
        told = (key.key, tenant, key.name or "-", key.state(now_s), f"made {_day(key.created_s)}", used)
        write_stdout(f"{'  '.join(one_line(each) for each in told)}  {' '.join(key.scopes)}\n", exact=False)


@app.command()
def revoke(key: _Key, *, data: _Data = None, database_url: _Url = None) -> None:
    """End a key, within five seconds wherever the service runs."""
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.service.tenants.keys import KeyStore  # noqa: PLC0415

    with _database(data, database_url) as database:
        KeyStore(database).revoke(key)
    note(f"{key} is revoked")


@app.command()
def rotate(
    key: _Key,
    *,
    grace_hours: Annotated[
        float,
        typer.Option(
            "--grace-hours", metavar="N", min=0, max=8760, help="How long the old secret is valid; 0 ends it."
        ),
    ] = 24.0,
    data: _Data = None,
    database_url: _Url = None,
) -> None:
    """Give a key a new secret, which alone is printed; the old one stays valid for a while."""
    from evaluator.service.tenants.keys import KeyStore  # noqa: PLC0415

    with _database(data, database_url) as database:
        made = KeyStore(database).rotate(key, grace_hours * _HOUR_S)
    _show(made)


@app.command()
def limits(  # noqa: PLR0913 - the options of the command
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="Name or id.")],
    *,
    rate_per_minute: _Rate = None,
    concurrency: _Concurrency = None,
    monthly_budget_usd: _Budget = None,
    data: _Data = None,
    database_url: _Url = None,
) -> None:
    """Show what a tenant may use, or change it; `none` takes a limit away."""
    from evaluator.cli.terminal import write_stdout  # noqa: PLC0415
    from evaluator.service.tenants.caller import LOCAL_TENANT  # noqa: PLC0415
    from evaluator.service.tenants.limits import TenantStore  # noqa: PLC0415

    with _database(data, database_url, make=tenant == LOCAL_TENANT) as database:
        tenants = TenantStore(database)
        # Who needs no key has a tenant too, whose hosted judges may be given a budget.
        found: Tenant = tenants.ensure(tenant) if tenant == LOCAL_TENANT else tenants.find(tenant)
        changed = _changed(found.limits, rate_per_minute, concurrency, monthly_budget_usd)
        if changed != found.limits:
            tenants.limit(found.tenant, changed)
    rows = (
        ("requests a minute", changed.rate_per_minute),
        ("evaluations at once", changed.concurrency),
        ("US dollars a month", changed.monthly_budget_usd),
    )
    write_stdout("".join(f"{what}: {'none' if value is None else value}\n" for what, value in rows), exact=False)


@contextmanager
def _database(data: Path | None, url: str | None, *, make: bool = False) -> Generator[Database]:
    """Open the database of a service; one that isn't there yet is made only if asked for."""
    from evaluator.batch.database import Database  # noqa: PLC0415
    from evaluator.cli.serve import service_config  # noqa: PLC0415
    from evaluator.cli.terminal import shown_path  # noqa: PLC0415
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.service.tables import create_service_tables  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    if data is not None:
        settings = settings.model_copy(update={"service_data": data})
    place = url or service_config(settings).database
    if isinstance(place, Path) and not make and not place.exists():
        raise OptionError(
            "no service keeps its data there", where=shown_path(place.parent), remedy="give the folder of the service"
        )
    database = Database(place)
    try:
        create_service_tables(database)
        yield database
    finally:
        database.close()


def _changed(limits: Limits, rate: str | None, concurrency: str | None, budget: str | None) -> Limits:
    """Return limits with those changed that options name."""
    from evaluator.service.tenants.limits import Limits  # noqa: PLC0415

    return Limits(
        limits.rate_per_minute if rate is None else _number(rate, "--rate-per-minute", int),
        limits.concurrency if concurrency is None else _number(concurrency, "--concurrency", int),
        limits.monthly_budget_usd if budget is None else _number(budget, "--monthly-budget-usd", float),
    )


def _number(text: str, where: str, kind: type[_Number]) -> _Number | None:
    from evaluator.errors import OptionError  # noqa: PLC0415

    if text == "none":
        return None
    try:
        return kind(text)
    except ValueError:
        raise OptionError("this is no number", where=where, remedy="give a number, or `none`") from None


def _show(made: NewKey) -> None:
    """Print a token on the output stream, so that it can be piped to where secrets are kept, and what it is beside."""
    from evaluator.cli.terminal import note, write_stdout  # noqa: PLC0415

    key = made.key
    write_stdout(f"{made.token}\n", exact=True)
    until = "" if key.former_until_s is None else f"; the old secret is valid until {_minute(key.former_until_s)}"
    note(f"{key.key} of {key.tenant_name}: keep what was printed, it can't be shown again{until}")


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _minute(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
