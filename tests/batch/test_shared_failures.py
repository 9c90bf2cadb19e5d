"""Several processes on one Postgres that die, stand still and lose the database: each answer is graded once."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest

from evaluator.batch.database import Database
from evaluator.batch.roll import Rhythm
from tests.batch.postgres_server import Postgres
from tests.batch.shared_run import Process, Provider, answer
from tests.waiting import until

pytestmark = pytest.mark.loopback

_QUICK: Final = Rhythm(beat_s=0.3, lease_s=2.0)
_AT_ONCE: Final = 16  # what a process of these tests has in flight at most


@pytest.fixture
def provider() -> Generator[Provider]:
    """Yield a provider that answers after 0.15 s."""
    with Provider(0.15) as found:
        yield found


def _ended(batch: Process, items: int) -> None:
    """Check that a run ended with one record for each answer, each counted once."""
    assert batch.ends() == 0, batch.text
    told = json.loads(batch.lines[-1])
    assert told == {"records": items, "different": items, "graded": items, "failed": 0}


def _lives(url: str, name: str) -> int:
    """Return how often a worker joined under a name, or was taken for dead."""
    with closing(Database(url)) as database:
        asked = "SELECT epoch FROM ev_workers WHERE name = :name"
        return int(database.read(lambda transaction: transaction.rows(asked, {"name": name}))[0][0])


def test_the_command_survives_a_kill_and_a_farewell(database_url: str, tmp_path: Path, provider: Provider) -> None:
    """Of three workers one is killed and one told to leave: all is graded once, within a minute, and nobody helped."""
    items, out = tmp_path / "items.jsonl", tmp_path / "out"
    items.write_text("".join(f"{json.dumps({'text': answer(number)})}\n" for number in range(500)))
    environment = provider.environment(database_url, EVALUATOR_CONCURRENCY=str(_AT_ONCE))
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Process(["evaluator", "work", "--name", name], environment))
            for name in ("dead", "leaving", "alive")
        ]
        for worker in workers:
            worker.says("works")
        dead, leaving, alive = workers
        command = ["evaluator", "batch", str(items), "-o", str(out), "--yes", "--progress", "lines"]
        batch = stack.enter_context(Process(command, environment))
        until(lambda: provider.stats()["requests"] > 150)
        dead.send(signal.SIGKILL)
        leaving.send(signal.SIGTERM)
        assert leaving.ends(15) == 0, leaving.text
        assert batch.ends(60) == 0, batch.text
        alive.send(signal.SIGTERM)
        assert alive.ends() == 0, alive.text
    assert leaving.lines == ["evaluator: leaving-0 works", "evaluator: leaving-0 has left"]
    assert len((out / "evaluations.jsonl").read_text().splitlines()) == 500
    assert (out / "failures.jsonl").read_text() == ""
    assert provider.stats()["repeats_after_good"] <= _AT_ONCE


def test_an_interrupted_run_ends_and_goes_on(database_url: str, tmp_path: Path, provider: Provider) -> None:
    """After Ctrl-C the run doesn't wait for what nobody will grade; the same command asks only for the rest."""
    items, out = tmp_path / "items.jsonl", tmp_path / "out"
    items.write_text("".join(f"{json.dumps({'text': answer(number)})}\n" for number in range(300)))
    environment = provider.environment(database_url, EVALUATOR_CONCURRENCY=str(_AT_ONCE))
    command = ["evaluator", "batch", str(items), "-o", str(out), "--yes", "--progress", "lines"]
    with Process(command, environment) as batch:
        until(lambda: provider.stats()["requests"] > 50)
        batch.send(signal.SIGINT)
        assert batch.ends(20) == 130, batch.text
    with Process(command, environment) as batch:
        assert batch.ends() == 0, batch.text
    assert len((out / "evaluations.jsonl").read_text().splitlines()) == 300
    assert provider.stats()["requests"] == 300


def test_a_worker_that_stood_still_writes_nothing_and_joins_anew(
    database_url: str, tmp_path: Path, provider: Provider
) -> None:
    """One that was taken for dead while it was stopped learns of it, drops what it had, and grades on."""
    environment = provider.environment()
    with Process.worker(database_url, "asleep", _QUICK, environment) as asleep:
        asleep.says("works")
        with Process.batch(database_url, tmp_path, _QUICK, environment, range(400)) as batch:
            batch.says("begun")
            until(lambda: provider.stats()["requests"] > 150)
            asleep.send(signal.SIGSTOP)
            time.sleep(_QUICK.lease_s * 2)
            asleep.send(signal.SIGCONT)
            _ended(batch, 400)
        until(lambda: _lives(database_url, "asleep-0") > 2)  # taken for dead, and joined again
        with Process.batch(database_url, tmp_path / "more", _QUICK, environment, range(1000, 1500)) as batch:
            _ended(batch, 500)  # more shards than one process takes
        asleep.send(signal.SIGTERM)
        assert asleep.ends() == 0, asleep.text
    assert asleep.lines == ["asleep-0 works", "left"]
    assert provider.stats()["repeats_after_good"] <= 2 * _AT_ONCE  # it may finish what it can't keep
    with closing(Database(database_url)) as database:
        owners = database.read(lambda transaction: transaction.rows("SELECT owner FROM ev_progress"))
    assert len({owner for (owner,) in owners if owner.startswith("asleep-0.")}) > 1


def test_a_database_that_is_away_for_a_while_is_waited_for(
    postgres: Postgres, database_url: str, tmp_path: Path, provider: Provider
) -> None:
    """Stopped, crashed or standing still: signs of life, claims and results wait, and each answer is graded once."""
    environment = provider.environment()
    with Process.worker(database_url, "other", _QUICK, environment) as other:
        other.says("works")
        with Process.batch(database_url, tmp_path, _QUICK, environment, range(400)) as batch:
            batch.says("begun")
            until(lambda: provider.stats()["requests"] > 80)
            postgres.pause(1.5)
            for asked, how in ((190, "fast"), (300, "immediate")):
                until(lambda asked=asked: provider.stats()["requests"] > asked)
                postgres.stop(how)
                time.sleep(1.0)
                postgres.start()
            _ended(batch, 400)
        other.send(signal.SIGTERM)
        assert other.ends() == 0, other.text
