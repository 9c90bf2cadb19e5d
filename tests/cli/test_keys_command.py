"""Tests of ``evaluator keys``."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from evaluator.batch.database import Database
from evaluator.cli.main import run
from evaluator.service.tenants.caller import Caller
from evaluator.service.tenants.keys import KeyStore, Refusal


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Work in an empty folder of a service."""
    monkeypatch.delenv("EVALUATOR_DATABASE_URL", raising=False)
    monkeypatch.setenv("EVALUATOR_SERVICE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def _keys(*arguments: str) -> int:
    return run(["keys", *arguments])


def _made(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that prints a token, and nothing else; return it."""
    capfd.readouterr()
    assert _keys(*arguments) == 0
    printed, told = capfd.readouterr()
    (token,) = printed.splitlines()
    assert token not in told
    return token


def _caller(data: Path, token: str) -> Caller | Refusal:
    with closing(Database(data / "service.sqlite")) as database:
        return KeyStore(database).caller(token)


def test_a_key_is_printed_alone_and_once(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The output stream holds the key alone, so that it can be piped; the list doesn't hold it."""
    token = _made(capfd, "create", "--tenant", "Acme", "--name", "ci", "--scopes", "evaluations:read")
    caller = _caller(data, token)
    assert isinstance(caller, Caller)
    assert caller.scopes == {"evaluations:read"}
    assert _keys("list") == 0
    listed = capfd.readouterr().out
    assert "Acme" in listed
    assert "ci" in listed
    assert token.rpartition("_")[2] not in listed


def test_keys_are_rotated_and_revoked(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The old secret stays for the grace period unless that is none; a revoked key can't be brought back."""
    first = _made(capfd, "create", "--tenant", "Acme")
    key = f"key_{first.split('_')[2]}"
    second = _made(capfd, "rotate", key)
    assert _caller(data, first) == _caller(data, second)
    third = _made(capfd, "rotate", key, "--grace-hours", "0")
    assert _caller(data, second) is Refusal.UNKNOWN
    assert _keys("revoke", key) == 0
    assert _caller(data, third) is Refusal.REVOKED
    assert _keys("rotate", key) == 2
    assert "has ended" in capfd.readouterr().err
    assert _keys("list") == 0
    assert "revoked" in capfd.readouterr().out


def test_limits_are_shown_and_changed(capfd: pytest.CaptureFixture[str]) -> None:
    """What isn't named stays, `none` takes a limit away, and they belong to the tenant, not to a key."""
    _made(capfd, "create", "--tenant", "Acme", "--rate-per-minute", "60", "--monthly-budget-usd", "12.5")
    _made(capfd, "create", "--tenant", "Acme", "--concurrency", "4")
    assert _keys("limits", "Acme", "--rate-per-minute", "none") == 0
    assert capfd.readouterr().out.splitlines() == [
        "requests a minute: none",
        "evaluations at once: 4",
        "US dollars a month: 12.5",
    ]


def test_the_tenant_that_needs_no_key_can_be_limited(capfd: pytest.CaptureFixture[str]) -> None:
    """`local` has limits before there is any key, and giving it some makes none."""
    assert _keys("limits", "local", "--monthly-budget-usd", "5") == 0
    assert "US dollars a month: 5.0" in capfd.readouterr().out
    assert _keys("list") == 0
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "--tenant", ""),
        ("create", "--tenant", "a\x1b[2J"),
        ("create", "--tenant", "Acme", "--scopes", "root"),
        ("create", "--tenant", "Acme", "--expires-days", "nan"),
        ("create", "--tenant", "Acme", "--expires-days", "0"),
        ("create", "--tenant", "Acme", "--concurrency", "0"),
        ("create", "--tenant", "Acme", "--rate-per-minute", "often"),
        ("create", "--tenant", "Acme", "--monthly-budget-usd", "nan"),
        ("list",),
        ("revoke", "key_0"),
        ("limits", "Nobody"),
    ],
    ids=" ".join,
)
def test_what_can_not_be_done_is_refused(
    data: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Exit 2, one line that says why, and no key is made; a folder that isn't there isn't made by looking."""
    assert _keys(*arguments) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert "\x1b" not in told.err
    if arguments[0] != "create":
        assert not data.exists()
    else:
        assert _keys("list") in {0, 2}
        assert capfd.readouterr().out == ""


def test_an_option_wins_over_the_environment(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The folder of `--data` is the one that is changed."""
    token = _made(capfd, "create", "--tenant", "Acme", "--data", str(tmp_path / "other"))
    assert not data.exists()
    assert isinstance(_caller(tmp_path / "other", token), Caller)


def test_names_are_harmless_in_a_terminal(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A name that came into the database by another way shows no character that a terminal would obey."""
    _made(capfd, "create", "--tenant", "Acme")
    with closing(Database(data / "service.sqlite")) as database:
        database.write(
            lambda transaction: transaction.run("UPDATE sv_tenants SET name = :name", {"name": "\x1b[31m\nroot"})
        )
    assert _keys("list") == 0
    printed = capfd.readouterr().out
    assert "\x1b" not in printed
    assert len(printed.splitlines()) == 1
