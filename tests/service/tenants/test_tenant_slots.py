"""Evaluations in flight."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from evaluator.batch.database import Database
from evaluator.service.problems import Problem
from evaluator.service.tables import create_service_tables
from evaluator.service.tenants.limits import Limits, TenantStore
from evaluator.service.tenants.slots import LocalPlaces, Places, SharedPlaces, Slots, make_places
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback


@pytest.fixture
def tenants(database: Database, clock: Clock) -> TenantStore:
    """Return tenants, of which `local` may have two evaluations in flight."""
    store = TenantStore(database, clock)
    store.limit(store.ensure("local").tenant, Limits(concurrency=2))
    return store


@pytest.fixture(params=["memory", "database"])
def places(request: pytest.FixtureRequest, database: Database, clock: Clock) -> Places:
    """Return each kind of count."""
    return LocalPlaces() if request.param == "memory" else SharedPlaces(database, clock)


async def test_no_more_are_in_flight_than_allowed(tenants: TenantStore, places: Places) -> None:
    """The third is refused with 429 while two run, and runs when one has ended."""
    slots = Slots(tenants, places)
    async with slots.hold("local"):
        async with slots.hold("local"):
            with pytest.raises(Problem) as refused:
                async with slots.hold("local"):
                    pytest.fail("a third was let in")
            assert (refused.value.status, refused.value.code) == (429, "concurrency_limit")
            assert refused.value.headers["Retry-After"] == "1"
        async with slots.hold("local"):
            pass


async def test_one_tenant_takes_no_place_of_another(tenants: TenantStore, places: Places) -> None:
    """Who has no limit gets in though another's places are all taken."""
    slots = Slots(tenants, places)
    async with slots.hold("local"), slots.hold("local"), slots.hold("tn_other"), slots.hold("tn_other"):
        with pytest.raises(Problem) as refused:
            async with slots.hold("local"):
                pytest.fail("a third was let in")
    assert refused.value.code == "concurrency_limit"


@pytest.mark.parametrize("cause", [RuntimeError, asyncio.CancelledError])
async def test_a_place_is_given_back_however_the_work_ends(
    tenants: TenantStore, places: Places, cause: type[BaseException]
) -> None:
    """Failed and cancelled evaluations leave their places."""
    slots = Slots(tenants, places)
    for _ in range(4):
        with pytest.raises(cause):
            async with slots.hold("local"):
                raise cause
    async with slots.hold("local"), slots.hold("local"):
        pass


async def test_who_is_cancelled_while_waiting_for_a_place_takes_none(tenants: TenantStore, places: Places) -> None:
    """Callers that hang up in the moment of entering leave all places free."""
    slots = Slots(tenants, places)

    async def enter() -> None:
        async with slots.hold("local"):
            await asyncio.sleep(60)

    for turns in range(6):
        entering = asyncio.create_task(enter())
        for _ in range(turns):
            await asyncio.sleep(0)
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
    taken = list[str]()
    async with asyncio.timeout(10):
        while len(taken) < 2:
            place = await asyncio.to_thread(places.take, "local", 2)
            taken += [place] if place else []
    assert len(taken) == 2


def test_threads_take_exactly_what_is_free(places: Places) -> None:
    """Of forty that come at once, as many get a place as there are."""
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(places.take, ["tn_a"] * 40, [7] * 40))
    assert sum(place is not None for place in taken) == 7


def test_places_of_a_dead_process_lapse(database: Database, clock: Clock) -> None:
    """What nobody gave back is free after three minutes."""
    dead, alive = SharedPlaces(database, clock), SharedPlaces(database, clock)
    assert dead.take("tn_a", 1)
    assert alive.take("tn_a", 1) is None
    clock.wait(180)
    assert alive.take("tn_a", 1)


def test_a_long_evaluation_keeps_its_place(database_url: str, clock: Clock) -> None:
    """Where an evaluation may take ten minutes, its place doesn't lapse before."""
    with closing(Database(database_url)) as database:
        create_service_tables(database)
        places = make_places(database, clock, longest_s=600.0)
        assert places.take("local", 1) is not None
        clock.wait(600.0)
        assert places.take("local", 1) is None
        clock.wait(60.0)
        assert places.take("local", 1) is not None


def test_places_are_counted_where_several_processes_see_them(database: Database) -> None:
    """A file is one process's own, and counts in memory; a Postgres may be shared, and counts for all."""
    assert make_places(database).waits == database.shared
