"""Tests of endpoints, on both databases."""

from __future__ import annotations

import pytest

from evaluator.service.webhooks.endpoint import EndpointMissing
from evaluator.service.webhooks.endpoints import TooMany
from evaluator.service.webhooks.guard import UrlRefused
from tests.service.conftest import Clock
from tests.service.webhooks.office import Office

pytestmark = pytest.mark.loopback
_URL = "https://example.com/hook"


def test_an_endpoint_is_kept_as_it_was_made(office: Office, clock: Clock) -> None:
    """What was given comes back, without doubled types; its list begins with the oldest."""
    first, secret = office.endpoints.create("tn_a", _URL, ["batch.failed", "batch.failed"], "Grüße")
    clock.wait(1)
    second, _ = office.endpoints.create("tn_a", "https://example.org/")
    assert office.endpoints.get("tn_a", first.id) == first
    assert (first.url, first.events, first.description, first.disabled_s) == (_URL, ("batch.failed",), "Grüße", None)
    assert office.endpoints.all("tn_a") == [first, second]
    assert secret.startswith("whsec_")


def test_what_is_begun_twice_is_made_once(office: Office) -> None:
    """Making the same endpoint again, as after an answer that was lost, leaves one, with the secret told last."""
    office.endpoints.create("tn_a", _URL, id_="we_1")
    again, secret = office.endpoints.create("tn_a", _URL, id_="we_1")
    assert office.endpoints.all("tn_a") == [again]
    office.tell()
    assert _signing(office) == (secret,)


def test_secrets_are_not_readable_in_the_database(office: Office) -> None:
    """A dump of the tables holds no secret, neither the first nor one that came by rotation."""
    endpoint, first = office.endpoints.create("tn_a", _URL)
    second = office.endpoints.rotate("tn_a", endpoint.id)
    dumped = repr(office.rows("SELECT * FROM sv_webhook_secrets") + office.rows("SELECT * FROM sv_webhooks"))
    for secret in (first, second):
        assert secret.removeprefix("whsec_") not in dumped


def test_another_tenants_endpoint_is_missing(office: Office) -> None:
    """Nothing can be read, changed or deleted by an id alone."""
    mine, _ = office.endpoints.create("tn_a", _URL)
    for act in (
        lambda: office.endpoints.get("tn_b", mine.id),
        lambda: office.endpoints.change("tn_b", mine.id, disabled=True),
        lambda: office.endpoints.rotate("tn_b", mine.id),
        lambda: office.endpoints.delete("tn_b", mine.id),
        lambda: office.endpoints.get("tn_a", "we_unknown"),
    ):
        with pytest.raises(EndpointMissing):
            act()
    assert office.endpoints.all("tn_b") == []
    assert office.endpoints.all("tn_a") == [mine]


def test_a_tenant_has_a_limit(office: Office) -> None:
    """One tenant can't fill the service with endpoints; another's count is its own."""
    for _ in range(20):
        office.endpoints.create("tn_a", _URL)
    with pytest.raises(TooMany):
        office.endpoints.create("tn_a", _URL)
    assert office.endpoints.create("tn_b", _URL)[0].url == _URL


def test_what_is_given_changes_and_the_rest_stays(office: Office, clock: Clock) -> None:
    """A change of one thing leaves the others; an url is checked as at the beginning."""
    made, _ = office.endpoints.create("tn_a", _URL, ["batch.failed"], "Ours")
    assert office.endpoints.change("tn_a", made.id) == made
    changed = office.endpoints.change("tn_a", made.id, url="https://example.org/", description="")
    assert (changed.url, changed.description, changed.events) == ("https://example.org/", "", ("batch.failed",))
    assert office.endpoints.change("tn_a", made.id, events=[]).events == ()
    with pytest.raises(UrlRefused):
        office.endpoints.change("tn_a", made.id, url="https://10.0.0.1/")
    disabled = office.endpoints.change("tn_a", made.id, disabled=True)
    assert (disabled.disabled_s, disabled.disabled_reason) == (clock.now_s, "asked")
    clock.wait(9)
    assert office.endpoints.change("tn_a", made.id, disabled=True).disabled_s == clock.now_s - 9
    enabled = office.endpoints.change("tn_a", made.id, disabled=False)
    assert (enabled.disabled_s, enabled.disabled_reason) == (None, None)


def test_deleting_leaves_nothing_but_what_others_still_wait_for(office: Office) -> None:
    """Secrets, deliveries and messages go with the endpoint; a message to another endpoint stays."""
    gone, _ = office.endpoints.create("tn_a", _URL)
    office.tell()
    kept, _ = office.endpoints.create("tn_a", _URL)
    office.tell()
    office.endpoints.delete("tn_a", gone.id)
    assert [row[0] for row in office.rows("SELECT endpoint FROM sv_webhook_deliveries")] == [kept.id]
    assert len(office.rows("SELECT * FROM sv_webhook_messages")) == 1
    assert {row[0] for row in office.rows("SELECT endpoint FROM sv_webhook_secrets")} == {kept.id}


def _signing(office: Office) -> tuple[str, ...]:
    """Return the secrets that would sign now, and give back what was claimed to learn them."""
    ((_, endpoint),) = office.ledger.due(1)
    claims = office.ledger.claim({endpoint: 1})
    office.ledger.release(claims)
    return claims[0].secrets


def test_a_replaced_secret_signs_for_a_day_more(office: Office, clock: Clock) -> None:
    """After a rotation both secrets sign, the new one first; a day later only the new one."""
    endpoint, first = office.endpoints.create("tn_a", _URL)
    office.tell()
    clock.wait(10)
    second = office.endpoints.rotate("tn_a", endpoint.id)
    assert _signing(office) == (second, first)
    clock.wait(3600)
    third = office.endpoints.rotate("tn_a", endpoint.id)
    assert _signing(office) == (third, second, first)
    clock.wait(86_400 - 3600)
    assert _signing(office) == (third, second)
    clock.wait(3600)
    assert _signing(office) == (third,)


def test_a_secret_that_became_known_ends_at_once(office: Office) -> None:
    """Without overlap, none of the secrets of before signs any more."""
    endpoint, _ = office.endpoints.create("tn_a", _URL)
    office.tell()
    office.endpoints.rotate("tn_a", endpoint.id)
    last = office.endpoints.rotate("tn_a", endpoint.id, overlap_s=0)
    assert _signing(office) == (last,)
