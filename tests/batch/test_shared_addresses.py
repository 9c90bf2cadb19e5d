"""What is said of a Postgres that can't be used: one line with a remedy, and never a word of its address's secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.batch.database_address import checked_url
from evaluator.batch.database_failures import DatabaseFailed
from evaluator.batch.roll import Rhythm
from evaluator.batch.schema import create_tables
from evaluator.errors import OptionError
from tests.batch.postgres_server import Postgres
from tests.batch.shared_run import Process

_SECRET = "hunter2-secret"  # noqa: S105 - made up

_RIGHT = "xyzzy-right"  # made up too

_NONE = [
    "mysql://u:{}@h/d",
    "postgresql://",
    "postgresql://u:{}@h",
    "postgresql:u:{}@h/d",
    "{}",
    "postgresql://u:{}/x@h:notaport/d",
    "postgresql://u:a@{}@h/d",
    "postgresql://u/{}@h/d",
    "postgresql://[::1/{}",
    "postgresql://u:p@h/a@{}",
    "postgresql://u:p@h {}/d",
]


@pytest.mark.parametrize("url", _NONE)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    """A password that was written without its escapes doesn't come to light as a host or a database."""
    with pytest.raises(OptionError) as refused:
        Database(url.format(_SECRET))
    assert refused.value.remedy
    assert _SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_database_is_named_without_user_and_password() -> None:
    """Messages name host and database alone."""
    with closing(Database(f"postgres://anna:{_SECRET}@db.example:6543/runs?password={_SECRET}")) as database:
        assert database.name == "db.example/runs"


def test_an_address_keeps_its_password_for_the_driver() -> None:
    """Escapes are kept, and a server that vanishes without a word is given up."""
    url = checked_url("postgres://u:a%40b%2Fc@h:1/d?sslmode=require")
    assert url.startswith("postgresql+psycopg://u:a%40b%2Fc@h:1/d?")
    assert "sslmode=require" in url
    assert "tcp_user_timeout=" in url


@pytest.mark.loopback
def test_a_server_that_refuses_is_not_waited_for(postgres: Postgres, database_url: str) -> None:
    """A wrong password, user, or database, and an option that doesn't exist, are told at once."""
    if "guest" not in _users(database_url):
        postgres.new_user("guest", _RIGHT)
    told = {
        database_url.replace("postgres@", f"guest:{_SECRET}@"): "refuses the user or the password",
        database_url.replace("postgres@", "guest@"): "asks for a password",
        database_url.replace("postgres@", f"nobody:{_SECRET}@"): "refuses the user or the password",
        f"{database_url}nothere": "no database of that name",
        f"{database_url}?bogus={_SECRET}": "an option that doesn't exist",
    }
    for url, words in told.items():
        began = time.monotonic()
        with closing(Database(url)) as database, pytest.raises(DatabaseFailed, match=words) as failed:
            create_tables(database)
        assert time.monotonic() - began < 5
        assert failed.value.remedy
        assert _SECRET not in str(failed.value)


@pytest.mark.loopback
def test_a_password_may_stand_in_the_environment(
    postgres: Postgres, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PGPASSWORD is taken as by every program that talks to a Postgres, so that no address holds a password."""
    if "guest" not in _users(database_url):
        postgres.new_user("guest", _RIGHT)
    monkeypatch.setenv("PGPASSWORD", _RIGHT)
    assert "guest" in _users(database_url.replace("postgres@", "guest@"))


@pytest.mark.loopback
def test_a_user_without_rights_is_told_which_are_missing(postgres: Postgres, database_url: str) -> None:
    """Neither our tables nor the queue's can be made: one line each, and no word of the password."""
    if "guest" not in _users(database_url):
        postgres.new_user("guest", _RIGHT)
    url = database_url.replace("postgres@", f"guest:{_RIGHT}@")
    with closing(Database(url)) as database, pytest.raises(DatabaseFailed, match="let it make tables"):
        create_tables(database)
    with closing(Database(database_url)) as database:
        database.write(lambda asked: asked.run("GRANT ALL ON SCHEMA public TO guest"))
    with Process.worker(url, "w", Rhythm(beat_s=0.1, lease_s=2.0), os.environ) as worker:
        assert worker.ends() != 0
    assert "DatabaseFailed" in worker.text
    assert "may make a schema" in worker.text
    assert _RIGHT not in worker.text


def _users(url: str) -> set[str]:
    with closing(Database(url)) as database:
        return {name for (name,) in database.read(lambda asked: asked.rows("SELECT rolname FROM pg_roles"))}


@pytest.mark.loopback
def test_a_server_that_never_answered_is_waited_for_briefly() -> None:
    """Where nobody answers a remedy is told, after a while in which the server may come up."""
    with (
        closing(Database(f"postgresql://u:{_SECRET}@127.0.0.1:1/d", away_s=0.5)) as database,
        pytest.raises(DatabaseFailed, match=r"127\.0\.0\.1/d.*check that the server runs") as failed,
    ):
        create_tables(database)
    assert _SECRET not in str(failed.value)


@pytest.mark.loopback
def test_a_server_that_was_there_is_waited_for(postgres: Postgres, database_url: str) -> None:
    """Reading and writing go on after a restart as if nothing had been."""
    with closing(Database(database_url)) as database:
        create_tables(database)
        for mode in ("fast", "immediate"):
            postgres.stop(mode)
            postgres.start()
            assert database.read(lambda transaction: transaction.rows("SELECT count(*) FROM ev_runs"))[0][0] == 0
            assert database.write(lambda transaction: transaction.run("DELETE FROM ev_runs")) == 0


@pytest.mark.loopback
def test_a_server_that_stays_away_is_given_up(postgres: Postgres, database_url: str) -> None:
    """After the longest wait there is one error with a remedy."""
    with closing(Database(database_url, away_s=0.5)) as database:
        create_tables(database)
        postgres.stop()
        try:
            with pytest.raises(DatabaseFailed, match="check that the server runs"):
                database.read(lambda transaction: transaction.rows("SELECT 1"))
        finally:
            postgres.start()


@pytest.mark.loopback
@pytest.mark.parametrize("command", ["work", "batch"])
def test_the_command_tells_of_a_wrong_password_in_one_line(
    command: str, postgres: Postgres, database_url: str, tmp_path: Path
) -> None:
    """Neither output nor error stream holds the password, nor a traceback."""
    if "guest" not in _users(database_url):
        postgres.new_user("guest", _RIGHT)
    url = database_url.replace("postgres@", f"guest:{_SECRET}@")
    (tmp_path / "a.txt").write_text("Candidate: I would track clicks and look at the trend of the week.\n")
    arguments = [str(tmp_path / "a.txt"), "-o", str(tmp_path / "out")] if command == "batch" else []
    done = subprocess.run(
        [sys.executable, "-m", "evaluator", command, *arguments, "--database-url", url],
        env=os.environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert "refuses the user or the password" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert _SECRET not in done.stderr
