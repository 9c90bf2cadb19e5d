"""The roll of workers on a real Postgres: names, signs of life, and whose work is left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing

import pytest

from evaluator.batch.database import Database
from evaluator.batch.roll import Member, Rhythm, Roll
from evaluator.batch.schema import create_tables

pytestmark = pytest.mark.loopback

_RHYTHM = Rhythm(beat_s=0.05, lease_s=0.8)


class _Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _Hands:
    """What the queue says is in hand, by whose life; remembers what was taken back."""

    def __init__(self, **held: str) -> None:
        self.held = held
        self.back: list[str] = []

    def in_hands(self) -> dict[str, str]:
        return dict(self.held)

    def take_back(self, shards: Sequence[str]) -> None:
        self.back += shards
        for shard in shards:
            del self.held[shard]


@pytest.fixture
def database(database_url: str) -> Generator[Database]:
    """Yield a database with our tables."""
    with closing(Database(database_url)) as found:
        create_tables(found)
        yield found


def _steady(roll: Roll, clock: _Clock, member: Member) -> None:
    """Let a worker give signs of life for longer than a lease."""
    roll.beat(member)
    for _ in range(5):
        clock.now += _RHYTHM.lease_s / 4
        roll.beat(member)


def test_workers_of_one_machine_have_names_of_their_own(database: Database) -> None:
    """Each takes the first number that nobody alive has."""
    roll = Roll(database, _RHYTHM)
    assert [roll.join("anna").name for _ in range(3)] == ["anna-0", "anna-1", "anna-2"]
    assert roll.join("bea").name == "bea-0"


def test_workers_that_join_together_never_share_a_name(database: Database) -> None:
    """Eight that join in the same moment have eight names."""
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(Roll(database, _RHYTHM).join("x").name)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"x-{number}" for number in range(8)]


def test_a_name_that_was_left_is_free_at_once(database: Database) -> None:
    """The next life under it is told from the one before."""
    roll = Roll(database, _RHYTHM)
    first = roll.join("anna")
    roll.leave(first)
    second = roll.join("anna")
    assert second.name == first.name
    assert second.life != first.life


def test_a_sign_of_life_counts_the_living(database: Database) -> None:
    """Those that left, or were silent for a lease, aren't counted."""
    roll = Roll(database, _RHYTHM)
    mine, other, gone = roll.join("a"), roll.join("b"), roll.join("c")
    roll.leave(gone)
    assert roll.beat(mine) == 2
    time.sleep(_RHYTHM.lease_s * 1.2)
    assert roll.beat(mine) == 1
    assert roll.beat(other) == 2


def test_a_worker_learns_that_it_was_taken_for_dead(database: Database) -> None:
    """Its next sign of life isn't taken, and leaving frees nothing that another has."""
    clock = _Clock()
    watching, silent = Roll(database, _RHYTHM, clock=clock), Roll(database, _RHYTHM)
    mine, dead = watching.join("a"), silent.join("b")
    time.sleep(_RHYTHM.lease_s * 1.2)
    _steady(watching, clock, mine)
    hands = _Hands(s1=dead.life, s2=mine.life)
    assert watching.bury(hands.in_hands, hands.take_back) == 1
    assert hands.back == ["s1"]
    assert silent.beat(dead) is None
    heir = watching.join("b")
    silent.leave(dead)
    assert watching.beat(heir) == 2


def test_whoever_was_itself_away_takes_nobody_for_dead(database: Database) -> None:
    """After a pause of its own a worker waits a lease: the others may have been cut off too."""
    clock = _Clock()
    roll = Roll(database, _RHYTHM, clock=clock)
    mine, other = roll.join("a"), roll.join("b")
    _steady(roll, clock, mine)
    clock.now += 100
    time.sleep(_RHYTHM.lease_s * 1.2)
    roll.beat(mine)
    hands = _Hands(s1=other.life)
    assert roll.bury(hands.in_hands, hands.take_back) == 0
    _steady(roll, clock, mine)
    assert roll.bury(hands.in_hands, hands.take_back) == 1


def test_what_a_former_life_left_is_taken_back_without_waiting(database: Database) -> None:
    """Work of one that left, or that joined anew, is nobody's: no lease has to pass."""
    roll = Roll(database, _RHYTHM)
    former = roll.join("a")
    roll.leave(former)
    mine = roll.join("a")
    roll.beat(mine)
    hands = _Hands(old=former.life, new=mine.life)
    assert roll.bury(hands.in_hands, hands.take_back) == 1
    assert hands.back == ["old"]


def test_the_dead_are_buried_by_one_alone(database: Database) -> None:
    """While one takes work back, others that try do nothing; what it took is not taken twice."""
    clock = _Clock()
    rolls = [Roll(database, _RHYTHM, clock=clock) for _ in range(4)]
    members = [roll.join("w") for roll in rolls]
    dead = Roll(database, _RHYTHM).join("dead")
    time.sleep(_RHYTHM.lease_s * 1.2)
    for roll, member in zip(rolls, members, strict=True):
        _steady(roll, clock, member)
    hands = _Hands(**{f"s{number}": dead.life for number in range(20)})
    threads = [threading.Thread(target=roll.bury, args=(hands.in_hands, hands.take_back)) for roll in rolls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hands.back) == sorted({f"s{number}" for number in range(20)})


def test_one_that_dies_in_burying_is_followed_by_another(database: Database) -> None:
    """What it hadn't taken back is taken back by the next."""
    roll = Roll(database, _RHYTHM)
    gone = roll.join("gone")
    roll.leave(gone)
    hands = _Hands(s1=gone.life)

    def broken(shards: object) -> None:
        raise ZeroDivisionError(shards)

    with pytest.raises(ZeroDivisionError):
        roll.bury(hands.in_hands, broken)
    assert roll.bury(hands.in_hands, hands.take_back) == 1
