"""Tests of sign-ins."""

from __future__ import annotations

import pytest

from evaluator.batch.database import Database
from evaluator.service.page.sessions import SESSION_S, SessionStore
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback

_TOKEN = "ev_live_0123456789abcdef01234567_secret"  # noqa: S105 - nobody's


def test_a_cookie_stands_for_its_key(database: Database, clock: Clock) -> None:
    """A cookie gives the token back until it is closed or its hours are over; no other cookie does."""
    sessions = SessionStore(database, clock)
    cookie, other = sessions.open("tn_1", _TOKEN), sessions.open("tn_2", "another")
    assert (sessions.token(cookie), sessions.token(other)) == (_TOKEN, "another")
    assert [sessions.token(wrong) for wrong in ("", "x", cookie + "x", "ü", "x" * 10_000)] == [None] * 5
    sessions.close(other)
    assert sessions.token(other) is None
    clock.wait(SESSION_S - 1)
    assert sessions.token(cookie) == _TOKEN
    clock.wait(1)
    assert sessions.token(cookie) is None


def test_the_database_holds_neither_cookie_nor_key(file_database: Database, clock: Clock) -> None:
    """Who reads the table can't sign in, nor learn a key."""
    cookie = SessionStore(file_database, clock).open("tn_1", _TOKEN)
    rows = file_database.read(lambda transaction: transaction.rows("SELECT * FROM sv_sessions"))
    held = b" ".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert cookie.encode() not in held
    assert _TOKEN.encode() not in held


def test_sign_ins_that_are_over_are_forgotten(file_database: Database, clock: Clock) -> None:
    """A new sign-in deletes the rows of old ones."""
    sessions = SessionStore(file_database, clock)
    sessions.open("tn_1", _TOKEN)
    clock.wait(SESSION_S)
    sessions.open("tn_1", _TOKEN)
    assert len(file_database.read(lambda transaction: transaction.rows("SELECT 1 FROM sv_sessions"))) == 1
