"""Tests of who gets to the page: sign-ins, forms of other sites, addresses to go on to, and foreign tenants."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.hygiene import SAFE
from evaluator.service.page.guard import local_path
from tests.service.keeping import judged, kept
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback

_FOREIGN = "eval_of_another"
_PAGES = (
    f"/evaluations/{_FOREIGN}",
    f"/evaluations/{_FOREIGN}/review",
    f"/evaluations/{_FOREIGN}/report.html",
    f"/evaluations/{_FOREIGN}/evaluation.json",
    f"/compare?a={_FOREIGN}&b={_FOREIGN}",
    "/candidate?id=theirs",
    "/batches/batch_of_another",
)


async def _sign_in(client: httpx2.AsyncClient, token: str, onward: str = "/") -> httpx2.Response:
    return await client.post("/login", data={"key": token, "next": onward}, headers={"Sec-Fetch-Site": "same-origin"})


async def test_a_revoked_key_ends_its_sign_ins(tmp_path: Path) -> None:
    """A sign-in is worth what its key is worth at each request."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        made = service.tenancy.keys.create(service.tenancy.tenants.ensure("Acme").tenant)
        first = await client.get("/evaluations?offset=30")
        assert (first.status_code, first.headers["location"]) == (303, "/login?next=%2Fevaluations%3Foffset%3D30")
        signed_in = await _sign_in(client, made.token, "/practice")
        assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/practice")
        assert (await client.get("/practice")).status_code == 200
        service.tenancy.keys.revoke(made.key.key)
        refused = await client.get("/practice")
        assert (refused.status_code, refused.headers["location"]) == (303, "/login?next=%2Fpractice")


async def test_a_key_without_the_scope_sees_why(tmp_path: Path) -> None:
    """A key that may only read can't judge, and is told so on a page."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        tenant = service.tenancy.tenants.ensure("Acme").tenant
        await _sign_in(client, service.tenancy.keys.create(tenant, scopes=["evaluations:read"]).token)
        refused = await client.post("/evaluate", data={"text": "x"}, headers={"Sec-Fetch-Site": "same-origin"})
        assert refused.status_code == 403
        assert "evaluations:write" in refused.text


async def test_what_belongs_to_another_tenant_is_not_there(tmp_path: Path) -> None:
    """No page shows, and no form changes, what another tenant has stored."""
    async with in_memory(config_in(tmp_path)) as (client, service):
        other = service.tenancy.tenants.ensure("Other").tenant
        service.evaluations.add(kept(_FOREIGN, judged(), tenant=other, candidate="theirs"))
        await _sign_in(client, service.tenancy.keys.create(service.tenancy.tenants.ensure("Acme").tenant).token)
        assert [(path, (await client.get(path)).status_code) for path in _PAGES] == [(path, 404) for path in _PAGES]
        assert "theirs" not in (await client.get("/evaluations")).text
        assert (await client.get("/labels.jsonl?rubric=netflix_pm_metrics")).text == ""
        said = {"criterion": "vanity_metric", "verdict": "absent", "reason": "no"}
        for path, form in ((f"/evaluations/{_FOREIGN}/delete", {}), (f"/evaluations/{_FOREIGN}/review", said)):
            answer = await client.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})
            assert answer.status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1"}, 303),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 303),
    ],
)
async def test_a_form_of_another_site_is_refused(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    """Only our own pages, and programs that are no browser, may send a form, whatever cookie comes with it."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        assert (await client.post("/logout", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_without_a_key_no_other_site_uses_the_service(
    tmp_path: Path, headers: dict[str, str], status: int
) -> None:
    """What a browser sends for another site is refused, one among them that tells its origin and no more."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        told = {**headers, "Content-Type": "application/yaml"}
        assert (await client.post("/v1/rubrics/validate", content="id: x", headers=told)).status_code == status


async def test_every_answer_tells_browsers_what_is_allowed(tmp_path: Path) -> None:
    """Pages, files, errors and the API carry the content policy and its companions; pages aren't cached."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        for path in ("/", "/docs", "/nothing", "/evaluations/none", "/v1/evaluations", "/healthz", "/openapi.json"):
            headers = (await client.get(path)).headers
            assert {name: headers.get(name) for name in SAFE} == SAFE
            assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
        assert (await client.get("/")).headers["cache-control"] == "no-store"


@given(
    st.text() | st.sampled_from(["//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nX: y", "\t//x"])
)
def test_one_goes_on_within_the_service_only(address: str) -> None:
    """An address to go on to after the sign-in is a path here, or the first page."""
    onward = local_path(address)
    assert onward in (address, "/")
    assert onward.startswith("/")
    assert not onward.startswith(("//", "/\\"))
    assert onward.isprintable()


async def test_an_address_that_is_none_leads_nowhere_else(tmp_path: Path) -> None:
    """What only looks like an address is no defect: a sign-in goes to the first page, a form is somebody else's."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        shown = await client.get("/login", params={"next": "http://[x"})
        sent = await client.post("/logout", headers={"Origin": "http://[x"})
    assert (shown.status_code, shown.headers["Location"]) == (303, "/")
    assert sent.status_code == 403
