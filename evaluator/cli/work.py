"""``evaluator work``: a worker that grades what runs on a shared Postgres have queued, until it is stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from evaluator.batch.roll import Rhythm
    from evaluator.batch.runs import Spec
    from evaluator.batch.station import Station
    from evaluator.judging import Judge
    from evaluator.settings import Settings
    from evaluator.store.answers import AnswerStore

__all__ = ["machine_name", "make_station", "tend", "work"]

_DRAIN_S: Final = 150.0  # a little more than the longest evaluation
_LOOK_S: Final = 0.5


def work(
    *,
    database_url: Annotated[str | None, typer.Option(metavar="URL", help="Postgres shared with the runs.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Most transcripts graded at once here. [default: 64]")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What this worker is called. [default: the machine's name]")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Grade what `evaluator batch --database-url` has queued, beside any number of other workers.

    A worker that dies is taken over by the others within half a minute. Keys are read from this machine's environment;
    everything else travels with the run. A run whose judge would differ here (another version, prompt or calibration,
    or no key) is left to others. Ctrl-C or SIGTERM finishes what is being graded and leaves; again, at once.

    Exit codes: 0 left, 2 bad input, 3 the database stayed away.
    """
    from evaluator.batch.loop import rare_collections  # noqa: PLC0415
    from evaluator.cli.terminal import note  # noqa: PLC0415
    from evaluator.errors import OptionError  # noqa: PLC0415
    from evaluator.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    url = database_url or (settings.database_url.get_secret_value() if settings.database_url else None)
    if url is None:
        raise OptionError("no database was given", where="--database-url", remedy="give the address of a Postgres")
    leaving = threading.Event()
    former = {number: signal.signal(number, _leaver(leaving)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        station = make_station(url, settings, concurrency or settings.concurrency, name or machine_name())
        if not quiet:
            note(f"{station.name} works")
        with rare_collections():
            tend(station, leaving)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if not quiet:
        note(f"{station.name} has left")


def machine_name() -> str:
    """Return this machine's name, in the characters that names of workers hold."""
    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().lower()).strip("-")[:60] or "worker"


def make_station(url: str, settings: Settings, concurrency: int, name: str, rhythm: Rhythm | None = None) -> Station:
    """Join the workers of a database, to grade what any run on it has queued.

    Raises:
        OptionError: The address is none.
        DatabaseFailed: The database can't be used.
        MissingExtra: The extra `batch` isn't installed.
    """
    from evaluator.backends.sharing import Sharing  # noqa: PLC0415
    from evaluator.batch.allotment import Allotments  # noqa: PLC0415
    from evaluator.batch.database import Database  # noqa: PLC0415
    from evaluator.batch.results import ResultStore  # noqa: PLC0415
    from evaluator.batch.roll import Rhythm  # noqa: PLC0415
    from evaluator.batch.run import shards_in_hand  # noqa: PLC0415
    from evaluator.batch.runs import RunStore  # noqa: PLC0415
    from evaluator.batch.spec import LANE_OF  # noqa: PLC0415
    from evaluator.batch.station import Place, Station  # noqa: PLC0415
    from evaluator.batch.worker import Tools  # noqa: PLC0415
    from evaluator.run_judge import fit_plan, run_judge  # noqa: PLC0415

    database, sharing = Database(url), Sharing()
    runs = RunStore(database)
    parts = Allotments(database)

    def judge(run: str, spec: Spec, store: AnswerStore) -> Judge:
        kept = None if LANE_OF in spec.settings else store  # a service's callers didn't ask for answers to be kept
        return run_judge(fit_plan(settings, spec), kept, parts.purse(run, runs.spent_usd(run)), sharing)

    tools = Tools(
        runs=runs,
        results=ResultStore(database),
        answers=None,
        judge=judge,
        concurrency=concurrency,
        closed=parts.give_back,
    )
    place = Place(
        url=url,
        base=name,
        shards=shards_in_hand(concurrency),
        sharers=sharing.share,
        rhythm=rhythm or Rhythm(),
    )
    return Station(place, database, tools)


def tend(station: Station, leaving: threading.Event) -> None:
    """Wait until the worker is to leave, or can't go on; then let it finish what it grades, and leave.

    Raises:
        DatabaseFailed: The database stayed away.
    """
    from evaluator.cli.terminal import note  # noqa: PLC0415

    try:
        while not leaving.wait(_LOOK_S):
            station.check()
            for refused in station.refusals():
                note(refused)
        station.drain("the worker leaves")
        station.idle(_DRAIN_S)
    finally:
        station.close()


def _leaver(leaving: threading.Event) -> Callable[[int, object], None]:
    def leave(number: int, _: object) -> None:
        if leaving.is_set():
            os._exit(128 + number)
        leaving.set()

    return leave
