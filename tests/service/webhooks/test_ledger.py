"""Tests of the outbox, the ledger and the list of deliveries, on both databases."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from evaluator.batch.database import Transaction
from evaluator.errors import OptionError
from evaluator.service.webhooks.deliveries import Delivery
from evaluator.service.webhooks.endpoint import EndpointDisabled, EndpointMissing
from evaluator.service.webhooks.ledger import Claim
from evaluator.service.webhooks.outbox import forget_subject
from evaluator.service.webhooks.schedule import SPEC_DELAYS_S
from evaluator.service.webhooks.sealing import Sealer, check_sealer
from evaluator.service.webhooks.sending import Outcome
from tests.service.conftest import Clock
from tests.service.webhooks.office import Office, opened

pytestmark = pytest.mark.loopback
_URL = "https://example.com/hook"
_HEARD = Outcome(204, None, 0.1)
_BROKEN = Outcome(500, "status", 0.1)
_GONE = Outcome(410, "gone", 0.1)


def _endpoint(office: Office, tenant: str = "tn_a") -> str:
    return office.endpoints.create(tenant, _URL)[0].id


def _claim(office: Office, most: int = 10) -> list[Claim]:
    return office.ledger.claim({endpoint: most for _, endpoint in office.ledger.due(10)})


def _only(office: Office, endpoint: str) -> Delivery:
    (delivery,), _ = office.deliveries.page("tn_a", endpoint)
    return delivery


def test_an_event_is_written_with_what_it_tells_of_or_not_at_all(office: Office) -> None:
    """If the transaction around an event fails, nothing of the event remains."""
    endpoint = _endpoint(office)

    def work(transaction: Transaction) -> None:
        office.outbox.add(transaction, tenant="tn_a", type="batch.completed", data={"id": "batch_1"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        office.database.write(work)
    assert office.rows("SELECT * FROM sv_webhook_messages") == []
    assert office.deliveries.page("tn_a", endpoint) == ([], None)


def test_only_who_wants_a_type_is_told(office: Office) -> None:
    """An event goes to the tenant's enabled endpoints that want its type, and is written for no one else."""
    office.endpoints.create("tn_a", _URL, ["batch.completed"])
    assert office.tell() is None
    off = _endpoint(office)
    office.endpoints.change("tn_a", off, disabled=True)
    _endpoint(office, "tn_b")
    assert office.tell() is None
    assert office.rows("SELECT * FROM sv_webhook_messages") == []
    every = _endpoint(office)
    some = office.endpoints.create("tn_a", _URL, ["batch.failed", "evaluation.completed"])[0].id
    assert office.tell() is not None
    assert {claim.endpoint for claim in _claim(office)} == {every, some}


def test_a_body_says_what_happened_and_when(office: Office) -> None:
    """The body is the specification's: type, timestamp and data."""
    _endpoint(office)
    office.tell(subject="ev_é")
    (claim,) = _claim(office)
    assert json.loads(claim.body) == {
        "type": "evaluation.completed",
        "timestamp": "2026-11-23T10:15:00.000Z",
        "data": {"id": "ev_é", "score": 61.5},
    }
    assert claim.body.isascii()


def test_a_claim_is_nobody_elses_until_its_lease_runs_out(office: Office, clock: Clock) -> None:
    """What is claimed isn't due; if its process dies, it is claimed again with the same message and number of steps."""
    _endpoint(office)
    office.tell()
    (first,) = _claim(office)
    assert _claim(office) == []
    clock.wait(59)
    assert _claim(office) == []
    clock.wait(2)
    (second,) = _claim(office)
    assert (second.message, second.step, second.number) == (first.message, 1, 2)
    assert second.lease != first.lease


def test_a_late_outcome_changes_nothing(office: Office, clock: Clock) -> None:
    """A process that stood still past its lease is written down as an attempt, and decides nothing."""
    endpoint = _endpoint(office)
    office.tell()
    (late,) = _claim(office)
    clock.wait(61)
    (current,) = _claim(office)
    office.ledger.settle(late, _HEARD)
    assert _only(office, endpoint).status == "pending"
    office.ledger.settle(current, _BROKEN)
    delivery = _only(office, endpoint)
    assert (delivery.status, delivery.next_s) == ("pending", clock.now_s + 5)
    assert [attempt.code for attempt in delivery.attempts] == [204, 500]


def test_a_message_is_tried_ten_times_and_then_given_up(office: Office, clock: Clock) -> None:
    """Failed attempts follow the schedule under one id; after the last the delivery has failed."""
    endpoint = _endpoint(office)
    message = office.tell()
    for delay_s in (*SPEC_DELAYS_S, None):
        (claim,) = _claim(office)
        assert claim.message == message
        office.ledger.settle(claim, _BROKEN)
        if delay_s is not None:
            assert _only(office, endpoint).next_s == clock.now_s + delay_s
            clock.wait(delay_s - 1)
            assert _claim(office) == []
            clock.wait(1)
    delivery = _only(office, endpoint)
    assert (delivery.status, delivery.next_s, delivery.finished_s) == ("failed", None, clock.now_s)
    assert len(delivery.attempts) == 10
    clock.wait(86_400 * 9)
    assert _claim(office) == []


def test_a_wish_to_wait_is_granted(office: Office, clock: Clock) -> None:
    """A receiver under load is left alone for as long as it asks, up to an hour."""
    endpoint = _endpoint(office)
    office.tell()
    office.ledger.settle(_claim(office)[0], Outcome(429, "status", 0.1, wish_s=100.0))
    assert _only(office, endpoint).next_s == clock.now_s + 100


def test_a_receiver_that_is_gone_is_left_alone(office: Office, clock: Clock) -> None:
    """410 disables the endpoint and ends the delivery; what else waits is sent if it is enabled again."""
    endpoint = _endpoint(office)
    for _ in range(2):
        office.tell()
    first, _ = _claim(office)
    office.ledger.settle(first, _GONE)
    found = office.endpoints.get("tn_a", endpoint)
    assert (found.disabled_reason, found.disabled_s) == ("gone", clock.now_s)
    clock.wait(61)
    assert office.ledger.due(10) == []
    office.endpoints.change("tn_a", endpoint, disabled=False)
    (claim,) = _claim(office)
    assert claim.delivery != first.delivery


def test_an_endpoint_that_fails_for_days_is_disabled(office: Office, clock: Clock) -> None:
    """It is disabled when a message has used up its attempts and nothing got through for five days."""
    endpoint = _endpoint(office)

    def exhaust() -> None:
        office.tell()
        for delay_s in (*SPEC_DELAYS_S, 0.0):
            office.ledger.settle(_claim(office)[0], _BROKEN)
            clock.wait(delay_s)

    exhaust()
    assert office.endpoints.get("tn_a", endpoint).disabled_s is None
    exhaust()
    found = office.endpoints.get("tn_a", endpoint)
    assert found.disabled_reason == "failing"
    assert found.failing_since_s == clock.now_s - 2 * sum(SPEC_DELAYS_S)


def test_one_success_ends_the_count_of_failing_days(office: Office, clock: Clock) -> None:
    """An endpoint to which something gets through isn't disabled, whatever else fails."""
    endpoint = _endpoint(office)
    office.tell()
    office.ledger.settle(_claim(office)[0], _BROKEN)
    assert office.endpoints.get("tn_a", endpoint).failing_since_s == clock.now_s
    clock.wait(5)
    office.ledger.settle(_claim(office)[0], _HEARD)
    assert office.endpoints.get("tn_a", endpoint).failing_since_s is None
    assert _only(office, endpoint).status == "delivered"


def test_what_is_given_back_is_due_at_once(office: Office) -> None:
    """An attempt that was broken off takes none of the steps away."""
    _endpoint(office)
    office.tell()
    claims = _claim(office)
    office.ledger.release(claims)
    (again,) = _claim(office)
    assert (again.delivery, again.step) == (claims[0].delivery, 1)


def test_shares_bound_what_is_claimed(office: Office) -> None:
    """Of each endpoint no more is claimed than its share, the longest waiting first."""
    _endpoint(office)
    told = [office.tell(subject=f"ev_{number}") for number in range(5)]
    ((_, endpoint),) = office.ledger.due(10)
    assert office.ledger.claim({}) == []
    taken = office.ledger.claim({endpoint: 2}) + office.ledger.claim({endpoint: 9})
    assert {claim.message for claim in taken} == set(told)
    assert len({claim.delivery for claim in taken}) == 5


def test_many_processes_claim_each_delivery_once(place: Path | str) -> None:
    """Several couriers over one database never hold the same delivery at the same time."""
    with opened(place, clock=Clock()) as office:
        _endpoint(office)
        for _ in range(60):
            office.tell()
        taken: list[list[str]] = [[] for _ in range(4)]

        def work(mine: list[str]) -> None:
            with opened(place, clock=Clock()) as other:
                while claims := _claim(other, 3):
                    mine.extend(claim.delivery for claim in claims)

        threads = [threading.Thread(target=work, args=(mine,)) for mine in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        everything = [delivery for mine in taken for delivery in mine]
        assert len(everything) == len(set(everything)) == 60


def test_a_secret_that_cannot_be_opened_is_left_out(place: Path | str, clock: Clock) -> None:
    """With another key nothing can be signed, and the claim says so by having no secrets."""
    with opened(place, clock=clock) as office:
        _endpoint(office)
        office.tell()
    with opened(place, clock=clock, sealer=Sealer(b"z" * 32)) as other:
        assert _claim(other)[0].secrets == ()


def test_machines_with_different_keys_do_not_share_a_database(office: Office) -> None:
    """A machine whose key isn't that of the secrets says so when it starts; without secrets any key will do."""
    other = Sealer(b"z" * 32)
    check_sealer(office.database, other)
    check_sealer(office.database, office.sealer)
    _endpoint(office)
    check_sealer(office.database, office.sealer)
    with pytest.raises(OptionError) as error:
        check_sealer(office.database, other)
    assert "EVALUATOR_WEBHOOK_KEY" in str(error.value)


def test_a_list_goes_from_page_to_page(office: Office, clock: Clock) -> None:
    """Pages are newest first, overlap nowhere and leave nothing out, also while new events come."""
    endpoint = _endpoint(office)
    told: list[str | None] = []
    for number in range(7):
        told.append(office.tell(subject=f"ev_{number}"))
        clock.wait(number % 2)
    seen: list[str] = []
    before = 2**62
    while True:
        page, more = office.deliveries.page("tn_a", endpoint, before=before, limit=3)
        seen += [delivery.message for delivery in page]
        office.tell()
        if more is None:
            break
        before = more
    assert seen == told[::-1]


def test_a_list_is_narrowed_by_status(office: Office) -> None:
    """Each status shows its own deliveries."""
    endpoint = _endpoint(office)
    for _ in range(3):
        office.tell()
    first, second, _ = _claim(office)
    office.ledger.settle(first, _HEARD)
    office.ledger.settle(second, _GONE)
    office.endpoints.change("tn_a", endpoint, disabled=False)
    by_status = {
        status: [one.id for one in office.deliveries.page("tn_a", endpoint, status=status)[0]]
        for status in ("delivered", "failed", "pending")
    }
    assert by_status["delivered"] == [first.delivery]
    assert by_status["failed"] == [second.delivery]
    assert len(by_status["pending"]) == 1


def test_a_replay_is_the_same_message_with_all_its_attempts(office: Office) -> None:
    """A delivery that failed or was delivered is sent again under its id, and keeps what was."""
    endpoint = _endpoint(office)
    message = office.tell()
    office.ledger.settle(_claim(office)[0], _HEARD)
    office.deliveries.replay("tn_a", endpoint, _only(office, endpoint).id)
    (claim,) = _claim(office)
    assert (claim.message, claim.step, claim.steps) == (message, 1, 10)
    office.ledger.settle(claim, _BROKEN)
    delivery = _only(office, endpoint)
    assert (delivery.status, [attempt.code for attempt in delivery.attempts]) == ("pending", [204, 500])


def test_a_replay_wins_over_the_attempt_under_way(office: Office) -> None:
    """The outcome of an attempt that began before a replay doesn't end the replayed delivery."""
    endpoint = _endpoint(office)
    office.tell()
    (claim,) = _claim(office)
    office.deliveries.replay("tn_a", endpoint, claim.delivery)
    office.ledger.settle(claim, _HEARD)
    assert _only(office, endpoint).status == "pending"
    assert len(_claim(office)) == 1


def test_a_test_event_is_tried_once(office: Office) -> None:
    """A test goes to its endpoint alone, whatever types it wants, and isn't repeated."""
    endpoint = office.endpoints.create("tn_a", _URL, ["batch.failed"])[0].id
    _endpoint(office)
    delivery = office.deliveries.test("tn_a", endpoint)
    assert (delivery.event, delivery.status) == ("webhook.test", "pending")
    (claim,) = _claim(office)
    assert json.loads(claim.body)["data"] == {"webhook": endpoint}
    office.ledger.settle(claim, _BROKEN)
    assert office.deliveries.get("tn_a", endpoint, delivery.id).status == "failed"


def test_nothing_is_asked_of_a_disabled_endpoint(office: Office) -> None:
    """Tests and replays are refused while it is disabled."""
    endpoint = _endpoint(office)
    office.tell()
    office.endpoints.change("tn_a", endpoint, disabled=True)
    with pytest.raises(EndpointDisabled):
        office.deliveries.test("tn_a", endpoint)
    with pytest.raises(EndpointDisabled):
        office.deliveries.replay("tn_a", endpoint, _only(office, endpoint).id)


def test_another_tenants_deliveries_are_missing(office: Office) -> None:
    """Deliveries are reached by their own tenant through their own endpoint, and no other way."""
    mine, other = _endpoint(office), _endpoint(office)
    office.tell()
    delivery = _only(office, mine).id
    for tenant, endpoint in (("tn_b", mine), ("tn_a", other)):
        with pytest.raises(EndpointMissing):
            office.deliveries.get(tenant, endpoint, delivery)
        with pytest.raises(EndpointMissing):
            office.deliveries.replay(tenant, endpoint, delivery)
    with pytest.raises(EndpointMissing):
        office.deliveries.page("tn_b", mine)
    with pytest.raises(EndpointMissing):
        office.deliveries.test("tn_b", mine)
    assert office.deliveries.get("tn_a", mine, delivery).status == "pending"


def test_what_is_deleted_meanwhile_stays_deleted(office: Office) -> None:
    """An outcome that comes after its endpoint was deleted leaves no row."""
    endpoint = _endpoint(office)
    office.tell()
    (claim,) = _claim(office)
    office.endpoints.delete("tn_a", endpoint)
    office.ledger.settle(claim, _BROKEN)
    for table in ("attempts", "deliveries", "messages", "secrets"):
        assert office.rows(f"SELECT * FROM sv_webhook_{table}") == []  # noqa: S608 - names of our own


def test_a_forgotten_subject_is_told_no_more(office: Office) -> None:
    """When an evaluation is deleted, its messages go with it, sent or not; others and other tenants' stay."""
    endpoint = _endpoint(office)
    _endpoint(office, "tn_b")
    office.tell(subject="ev_1")
    office.ledger.settle(_claim(office)[0], _BROKEN)
    office.tell(subject="ev_2")
    office.tell("tn_b", subject="ev_1")
    office.database.write(lambda transaction: forget_subject(transaction, "tn_a", "ev_1"))
    assert _only(office, endpoint).attempts == ()
    assert office.rows("SELECT tenant, subject FROM sv_webhook_messages ORDER BY tenant") == [
        ("tn_a", "ev_2"),
        ("tn_b", "ev_1"),
    ]
    assert office.rows("SELECT * FROM sv_webhook_attempts") == []


def test_old_messages_are_pruned(office: Office, clock: Clock) -> None:
    """After thirty days a message and its deliveries are gone; younger ones stay."""
    endpoint = _endpoint(office)
    office.tell()
    clock.wait(29 * 86_400)
    young = office.tell()
    clock.wait(2 * 86_400)
    office.ledger.prune()
    assert _only(office, endpoint).message == young
    assert len(office.rows("SELECT * FROM sv_webhook_messages")) == 1
