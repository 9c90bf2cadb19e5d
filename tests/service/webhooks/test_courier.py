"""Tests of the courier: real receivers, quick schedules."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.batch.database_failures import DatabaseFailed
from evaluator.service.telemetry.logs import JsonLines
from evaluator.service.webhooks.courier import Courier, Limits, shares
from evaluator.service.webhooks.guard import Guard
from evaluator.service.webhooks.ledger import Ledger
from evaluator.service.webhooks.schedule import Schedule
from evaluator.service.webhooks.sealing import Sealer
from evaluator.service.webhooks.sending import WebSender
from tests.service.webhooks.office import Office, Scripted, opened
from tests.service.webhooks.receiver import Answer, Received, Receiver, verified
from tests.waiting import until

pytestmark = pytest.mark.loopback

_GUARD: Final = Guard.of(allow_private=True)
_QUICK: Final = Schedule(delays_s=(0.02,) * 30, jitter=0.5)
_MISHAPS: Final = (Answer(500), Answer(instead="reset"), Answer(instead="hang"))


@contextmanager
def _courier(office: Office, limits: Limits | None = None, timeout_s: float = 5.0) -> Generator[Courier]:
    courier = Courier(
        office.ledger,
        lambda: WebSender(_GUARD, timeout_s=timeout_s),
        limits=limits or Limits(poll_s=0.02),
        clock=office.clock,
    )
    courier.start()
    try:
        yield courier
    finally:
        courier.close()


def _standing(office: Office) -> Counter[str]:
    return Counter(str(status) for (status,) in office.rows("SELECT status FROM sv_webhook_deliveries"))


def test_every_event_arrives_though_every_third_request_fails(place: Path | str) -> None:
    """All ids arrive, each request is signed for the reference library, retries keep id and body, endings are right."""
    chance = random.Random(5)

    def answer(_: int, __: Received) -> Answer:
        return chance.choice(_MISHAPS) if chance.random() < 0.3 else Answer()

    with Receiver(answer) as receiver, opened(place, guard=_GUARD, schedule=_QUICK) as office:
        _, secret = office.endpoints.create("tn_a", receiver.url())
        told = {office.tell(subject=f"ev_{number}") for number in range(150)}
        with _courier(office, timeout_s=0.3):
            until(lambda: _standing(office)["delivered"] == 150)
        received = list(receiver.received)
    assert {one.headers["webhook-id"] for one in received} == told
    assert len(received) > 150
    assert all(verified(one, secret) for one in received)
    bodies = {(one.headers["webhook-id"], one.body) for one in received}
    assert len(bodies) == 150
    assert {json.loads(body)["data"]["id"] for _, body in bodies} == {f"ev_{number}" for number in range(150)}


def test_both_secrets_verify_while_one_replaces_the_other(tmp_path: Path) -> None:
    """A receiver that knows either secret is satisfied."""
    with Receiver() as receiver, opened(tmp_path / "service.sqlite", guard=_GUARD) as office:
        endpoint, first = office.endpoints.create("tn_a", receiver.url())
        second = office.endpoints.rotate("tn_a", endpoint.id)
        office.tell()
        with _courier(office):
            until(lambda: bool(receiver.received))
    assert verified(receiver.received[0], first)
    assert verified(receiver.received[0], second)
    assert not verified(receiver.received[0], "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")


def test_a_receiver_that_hangs_keeps_no_one_waiting(tmp_path: Path) -> None:
    """While one receiver holds every request open, another's messages, written later, all arrive."""
    limits = Limits(in_flight=8, per_tenant=6, per_endpoint=4, poll_s=0.02, drain_s=0.1)
    with (
        Receiver(lambda _, __: Answer(instead="hang")) as slow,
        Receiver() as quick,
        opened(tmp_path / "service.sqlite", guard=_GUARD) as office,
    ):
        office.endpoints.create("tn_slow", slow.url())
        office.endpoints.create("tn_a", quick.url())
        for number in range(40):
            office.tell("tn_slow", f"ev_{number}")
        for number in range(40):
            office.tell("tn_a", f"ev_{number}")
        with _courier(office, limits, timeout_s=20):
            until(lambda: len(quick.received) == 40)
            assert len(slow.received) == 4


def test_two_processes_share_the_work(place: Path | str) -> None:
    """Of two couriers over one database, no message is sent by both."""
    with (
        Receiver() as receiver,
        opened(place, guard=_GUARD) as office,
        opened(place, guard=_GUARD) as other,
    ):
        office.endpoints.create("tn_a", receiver.url())
        for number in range(80):
            office.tell(subject=f"ev_{number}")
        with _courier(office), _courier(other):
            until(lambda: _standing(office)["delivered"] == 80)
        sent = Counter(one.headers["webhook-id"] for one in receiver.received)
    assert set(sent.values()) == {1}
    assert len(sent) == 80


def test_the_end_of_the_service_waits_for_no_receiver(tmp_path: Path) -> None:
    """Closing breaks off what hangs; it is sent at once by the next process, under the same id."""
    hanging = True

    def answer(_: int, __: Received) -> Answer:
        return Answer(instead="hang") if hanging else Answer()

    with Receiver(answer) as receiver, opened(tmp_path / "service.sqlite", guard=_GUARD) as office:
        office.endpoints.create("tn_a", receiver.url())
        office.tell()
        with _courier(office, Limits(poll_s=0.02, drain_s=0.2), timeout_s=20) as courier:
            until(lambda: bool(receiver.received))
            courier.close()
        hanging = False
        with _courier(office):
            until(lambda: _standing(office)["delivered"] == 1)
        assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
        assert len(receiver.received) == 2


def test_what_is_under_way_may_finish(tmp_path: Path) -> None:
    """An attempt whose answer comes within the time of the drain is settled, not repeated."""
    with Receiver() as receiver, opened(tmp_path / "service.sqlite", guard=_GUARD) as office:
        office.endpoints.create("tn_a", receiver.url())
        office.tell()
        with _courier(office):
            until(lambda: bool(receiver.received))
        assert _standing(office) == {"delivered": 1}


def test_one_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    """A service that fails while it starts can close all its parts."""
    with opened(tmp_path / "service.sqlite") as office:
        courier = Courier(office.ledger, Scripted)
        courier.close()
        assert _standing(office) == {}


def test_without_a_readable_secret_nothing_is_sent(tmp_path: Path) -> None:
    """A message that can't be signed isn't sent; the attempt says why."""
    place = tmp_path / "service.sqlite"
    with Receiver() as receiver:
        with opened(place, guard=_GUARD) as office:
            endpoint = office.endpoints.create("tn_a", receiver.url())[0].id
            office.tell()
        with opened(place, guard=_GUARD, sealer=Sealer(b"z" * 32)) as other, _courier(other):
            until(lambda: bool(other.deliveries.page("tn_a", endpoint)[0][0].attempts))
            assert other.deliveries.page("tn_a", endpoint)[0][0].attempts[0].error == "secret_unreadable"
        assert receiver.received == []


class _Ailing(Ledger):
    """A ledger whose database is away for the first questions."""

    away = 3

    def due(self, most: int) -> list[tuple[str, str]]:
        if self.away:
            self.away -= 1
            raise DatabaseFailed("the database can't be used")
        return super().due(most)


def test_a_database_that_is_away_is_asked_again(tmp_path: Path) -> None:
    """The courier outlives an outage of its database."""
    with Receiver() as receiver, opened(tmp_path / "service.sqlite", guard=_GUARD) as office:
        office.endpoints.create("tn_a", receiver.url())
        office.tell()
        ledger = _Ailing(office.database, office.sealer)
        courier = Courier(ledger, lambda: WebSender(_GUARD), limits=Limits(poll_s=0.02))
        courier.start()
        until(lambda: _standing(office)["delivered"] == 1)
        courier.close()
        assert ledger.away == 0
        assert len(receiver.received) == 1


def test_logs_tell_ids_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line for each attempt names the delivery; no url, body, secret or signature is in it."""
    caplog.set_level(logging.DEBUG, logger="evaluator")
    with Receiver() as receiver, opened(tmp_path / "service.sqlite", guard=_GUARD) as office:
        endpoint, secret = office.endpoints.create("tn_a", receiver.url(path="/token-in-path"))
        office.tell(subject="ev_private")
        with _courier(office):
            until(lambda: _standing(office)["delivered"] == 1)
        (delivery,), _ = office.deliveries.page("tn_a", endpoint.id)
    (record,) = [record for record in caplog.records if record.getMessage() == "webhook_attempted"]
    told = repr(vars(record))
    line = json.loads(JsonLines().format(record))
    assert (line["delivery"], line["tenant"], line["status"]) == (delivery.id, "tn_a", 204)
    assert line["duration_ms"] >= 0
    for private in ("token-in-path", "ev_private", secret, receiver.received[0].headers["webhook-signature"]):
        assert private not in told


_PLACES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("uvwxyz")), unique_by=lambda place: place[1])


@given(_PLACES, st.lists(st.sampled_from([("a", "u"), ("b", "v")]), max_size=6), st.integers(0, 12))
def test_shares_keep_every_limit(due: Sequence[tuple[str, str]], flying: Sequence[tuple[str, str]], room: int) -> None:
    """No endpoint, no tenant and not the whole gets more than its limit; and no room is left that somebody may use."""
    limits = Limits(in_flight=room + len(flying), per_tenant=5, per_endpoint=3)
    dealt = shares(due, flying, limits)
    at_endpoint = Counter(endpoint for _, endpoint in flying)
    at_tenant = Counter(tenant for tenant, _ in flying)
    tenant_of = {endpoint: tenant for tenant, endpoint in due}
    for endpoint, share in dealt.items():
        assert share >= 1
        at_endpoint[endpoint] += share
        at_tenant[tenant_of[endpoint]] += share
        assert at_endpoint[endpoint] <= 3
    assert sum(dealt.values()) <= room
    for tenant, endpoint in due:
        may = at_endpoint[endpoint] < 3 and at_tenant[tenant] < 5
        assert not may or sum(dealt.values()) == room
    assert all(
        at_tenant[tenant_of[endpoint]] <= max(5, Counter(t for t, _ in flying)[tenant_of[endpoint]])
        for endpoint in dealt
    )
