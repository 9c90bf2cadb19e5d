"""Tests of a service's batch that is looked at while it is judged: its page goes on by itself."""

from __future__ import annotations

from collections.abc import Generator

import httpx2
import pytest
from playwright.sync_api import Page, expect

from evaluator.service.batches.store import KeptBatch
from evaluator.service.context import Service
from evaluator.service.evaluations.store import Kept
from tests.service.running import config_at, running

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[httpx2.Client, Service]]:
    """Serve the page."""
    with running(config_at(tmp_path_factory.mktemp("service"))) as parts:
        yield parts


@pytest.fixture
def addresses(site: tuple[httpx2.Client, Service]) -> tuple[str, ...]:
    """Return how addresses begin that the page may ask for: the service's own."""
    return (str(site[0].base_url), "data:")


def _keep(service: Service, number: int) -> None:
    now_s = service.clock()
    service.evaluations.add(
        Kept(
            tenant="local",
            id=f"eval_{number}",
            status="queued",
            created_s=now_s + 1000,  # not yet so old that it would be put into work
            expires_s=now_s + 2000,
            rubric="netflix_pm_metrics",
            judge="local",
            metadata={},
            batch="batch_1",
            name=f"answer {number}",
        )
    )


def _fail(service: Service, number: int) -> None:
    change = "UPDATE sv_evaluations SET status = 'failed', code = 'judge_failed', message = 'No.' WHERE id = :id"
    service.database.write(lambda transaction: transaction.run(change, {"id": f"eval_{number}"}))


def test_a_batch_in_work_is_followed_without_a_click(page: Page, site: tuple[httpx2.Client, Service]) -> None:
    """Its figures go on while it is judged, where the visitor stays; at its end the page is the finished one."""
    client, service = site
    now_s = service.clock()
    service.batches.add(KeptBatch("local", "batch_1", "Autumn", "netflix_pm_metrics", "local", now_s, now_s + 2000))
    for number in (1, 2):
        _keep(service, number)
    service.batches.ready("local", "batch_1")
    page.goto(f"{client.base_url}/batches/batch_1#%E0%A4%A")  # no address of a part: it hinders nothing
    page.evaluate("window.stayed = true")
    waiting = page.locator("dl.tiles div", has_text="Waiting").locator("dd")
    expect(waiting).to_have_text("2")
    _fail(service, 1)
    expect(waiting).to_have_text("1", timeout=20_000)
    assert page.evaluate("window.stayed")
    _fail(service, 2)
    expect(page.get_by_text("Completed")).to_be_visible(timeout=20_000)
    expect(waiting).to_have_count(0)


def test_a_browser_that_keeps_nothing_shows_the_review_all_the_same(
    page: Page, site: tuple[httpx2.Client, Service]
) -> None:
    """Where storage is refused, the page's other parts work."""
    client, _ = site
    answer = "Candidate: I would track clicks, since more clicks show that people like it."
    kept = client.post("/v1/evaluations", json={"transcript": answer, "store": True}).json()["id"]
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('refused'); }})"
    )
    page.goto(f"{client.base_url}/evaluations/{kept}/review")
    expect(page.get_by_role("heading", name="Is the judge right?")).to_be_visible()
