"""Tests of the service's page as people use it: judge, keep, compare, practise, review; by keyboard, without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from evaluator.resources import resource_dir
from evaluator.service.context import Service
from evaluator.service.evaluations.store import Filters
from evaluator.service.tenants.caller import LOCAL_TENANT
from tests.service.running import config_at, running
from tests.waiting import until

pytestmark = pytest.mark.loopback

_WEAK: Final = (resource_dir("fixtures") / "transcripts" / "weak.md").read_text(encoding="utf-8")
_STRONG: Final = resource_dir("fixtures") / "transcripts" / "strong.srt"
_HOSTILE: Final = (
    "Interviewer: How would you measure it? </textarea><script>document.title = 'run'</script>\n"
    "Candidate: I would track clicks <img src=x onerror=\"document.title='run'\"> and total views "
    "<svg onload=alert(1)> https://evil.example/p.png {{ 7 * 7 }} <style>body { display: none }</style> all day long."
)
_NAME: Final = '"><img src=x onerror=alert(1)>'
_AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_WIDE: Final[ViewportSize] = {"width": 1280, "height": 900}
_NARROW: Final[ViewportSize] = {"width": 375, "height": 800}
_SERIOUS: Final = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
    .filter(one => ["serious", "critical"].includes(one.impact))
    .map(one => one.id + ": " + one.nodes.map(node => node.html).join(" | "))"""


@dataclass(frozen=True, slots=True)
class Site:
    """A service that runs.

    Attributes:
        url: Where.
        service: Its parts.
        send_batch: Sends JSON lines as a batch, waits until they are judged, and returns its id.
    """

    url: str
    service: Service
    send_batch: Callable[[str], str]

    def stored(self) -> int:
        """Return how many evaluations are kept."""
        return len(self.service.evaluations.page(LOCAL_TENANT, Filters(), 2**62, 1000)[0])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """Serve the page, to this machine alone and without keys."""
    with running(config_at(tmp_path_factory.mktemp("service"))) as (client, service):

        def send_batch(lines: str) -> str:
            sent = client.post(
                "/v1/batches?title=Cohort&name_column=name",
                content=lines,
                headers={"Content-Type": "application/jsonl"},
            )
            id_ = str(sent.json()["id"])
            until(lambda: client.get(f"/v1/batches/{id_}").json()["status"] == "completed", 120.0)
            return id_

        yield Site(str(client.base_url).rstrip("/"), service, send_batch)


@pytest.fixture
def addresses(site: Site) -> tuple[str, ...]:
    """Return how addresses begin that the page may ask for: the service's own."""
    return (site.url, "data:")


def _judge(page: Page, site: Site, text: str, candidate: str = "") -> str:
    """Judge a text on the first page, kept if a candidate is named; return the address of the result."""
    page.goto(site.url)
    page.get_by_label("Transcript", exact=True).fill(text)
    if candidate:
        page.get_by_label("Keep this attempt").check()
        page.get_by_label("Your own id for the candidate").fill(candidate)
    page.get_by_role("button", name="Judge this answer").click()
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible(timeout=120_000)
    return page.url


def test_a_sample_is_judged_and_nothing_is_kept(page: Page, site: Site) -> None:
    """Two clicks show the evidence of a sample in place; the page says that nothing was kept, and nothing was."""
    before = site.stored()
    page.goto(site.url)
    page.get_by_role("link", name="A list of frameworks").click()
    page.get_by_role("button", name="Judge this answer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("hire|review", re.IGNORECASE), timeout=120_000)
    expect(page.get_by_text("Nothing of this was kept.")).to_be_visible()
    assert page.locator("#transcript mark").count() > 3
    for part in ("What each band asks", "What mending would change", "Delivery, counted", "What they may ask next"):
        expect(page.get_by_role("heading", name=part)).to_be_visible()
    assert site.stored() == before


def test_evidence_and_cards_lead_to_each_other(page: Page, site: Site) -> None:
    """A number in the transcript leads to its card, the card's quote back to the words, and each lights the other."""
    _judge(page, site, _WEAK)
    page.locator("#transcript a.ref").first.click()
    card = page.locator(":target")
    expect(card).to_have_class(re.compile("card"))
    card.hover()
    assert page.locator("#transcript mark.lit").count() > 0
    card.locator("blockquote a").first.click()
    expect(page.locator("#transcript :target")).to_have_count(1)


def test_a_file_is_dropped_and_judged(page: Page, site: Site) -> None:
    """A caption file that is dropped on the page is judged with its times."""
    page.goto(site.url)
    handle = page.evaluate_handle(
        "text => { const it = new DataTransfer(); it.items.add(new File([text], 'talk.srt')); return it; }",
        _STRONG.read_text(encoding="utf-8"),
    )
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": handle})
    page.get_by_role("button", name="Judge this answer").click()
    expect(page.locator("#transcript time").first).to_have_text("0:00", timeout=120_000)


def test_what_is_wrong_is_said_and_the_words_stay(browser: Browser, site: Site) -> None:
    """An empty form comes back with what would help; what was filled in stays."""
    page = browser.new_page()
    page.goto(site.url)
    page.get_by_label("Question", exact=False).last.fill("How would you measure it?")
    page.get_by_role("button", name="Judge this answer").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing to judge")
    expect(page.locator("[name=question]")).to_have_value("How would you measure it?")
    page.close()


def test_attempts_make_a_history_and_are_compared(page: Page, site: Site) -> None:
    """Two kept attempts of a candidate show their trend, and side by side what was mended between them."""
    _judge(page, site, _WEAK, "ana-7")
    _judge(page, site, _STRONG.read_text(encoding="utf-8"), "ana-7")
    page.get_by_role("link", name="History of ana-7").click()
    expect(page.locator(".grid-table .trend.mended").first).to_have_text("mended")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".shift strong")).to_have_text(re.compile(r"^\+\d"))
    expect(page.locator(".flips tr.mended").first).to_contain_text("mended")
    expect(page.locator("#a-title")).to_be_visible()
    page.locator("#a-turn-2 a.ref").first.click()
    expect(page.locator(".sides section:first-child :target")).to_have_count(1)
    page.goto(f"{site.url}/evaluations")
    expect(page.get_by_role("link", name=re.compile("^ana-7.*2 attempts"))).to_be_visible()


def test_a_coach_overrides_a_verdict(page: Page, site: Site) -> None:
    """An override stands beside the judge's verdict with its reason, moves the coach's score, and is exported."""
    address = _judge(page, site, _WEAK, "ben-1")
    page.get_by_role("link", name="Review the verdicts").click()
    form = page.locator("article.judged").first
    form.locator("summary").click()
    form.get_by_label("avoided").check()
    form.get_by_label("Why").fill("One number decides, <b>in the end</b>.")
    form.get_by_label("Your name or id").fill("coach-3")
    form.get_by_role("button", name="Keep it").click()
    expect(page.locator(":target .said")).to_contain_text("Overridden: avoided by coach-3")
    page.goto(address)
    expect(page.locator(".card .said.overridden")).to_contain_text("One number decides, <b>in the end</b>.")
    expect(page.get_by_text("As the coach sees it")).to_be_visible()
    page.goto(f"{address}/review")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="All reviews as labels").click()
    assert '"absent"' in Path(waiting.value.path()).read_text(encoding="utf-8")


def test_practice_runs_by_keyboard(page: Page, site: Site) -> None:
    """The clock starts, warns and overruns; typing counts words; Ctrl and Enter judge what was said, with its time."""
    page.clock.install()
    page.goto(f"{site.url}/practice")
    start = page.get_by_role("button", name="Start the clock")
    start.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your answer")).to_be_focused()
    page.keyboard.insert_text("I decide on one number, because it leads to people who stay and watch again.")
    page.clock.run_for(155_000)
    expect(page.get_by_role("timer")).to_have_text("0:25")
    expect(page.locator("[data-say]")).to_have_text("Thirty seconds left.")
    page.clock.run_for(35_000)
    expect(page.get_by_role("timer")).to_have_text("+0:10")
    expect(page.locator("[data-words]")).to_have_text("15 words")
    page.get_by_label("I spoke it").check()
    page.get_by_label("Your answer").focus()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible(timeout=120_000)
    expect(page.locator(".measures")).to_contain_text("3:10 min")


def test_practice_asks_another_question(page: Page, site: Site) -> None:
    """The next question is never of the same type as the one before, and comes from the rubric that was chosen."""
    page.goto(f"{site.url}/practice")
    for _ in range(4):
        before = page.locator("h1").inner_text()
        page.get_by_role("button", name="Another question").click()
        expect(page.locator("h1")).not_to_have_text(before)
    page.get_by_label("Questions from").select_option("behavioural_star")
    page.get_by_role("button", name="Another question").click()
    expect(page.locator(".lede .kicker")).not_to_have_text("Product metrics at a streaming company")


def test_a_batch_leads_into_each_evaluation(page: Page, site: Site) -> None:
    """The heat map shows every item by failure mode, those that couldn't be judged with the reason."""
    lines = [
        f'{{"name": "item {n}", "text": "Candidate: I would track clicks and views, number {n}."}}' for n in range(3)
    ]
    site.send_batch("\n".join([*lines, '{"name": "empty", "text": " "}']))
    page.goto(f"{site.url}/batches")
    page.get_by_role("link", name="Cohort").first.click()
    expect(page.locator(".heat tbody tr")).to_have_count(4)
    assert page.locator(".heat tbody .cell.present").count() > 0
    expect(page.locator(".heat tbody tr").last).to_contain_text("failed")
    page.get_by_role("link", name="item 1").click()
    expect(page.get_by_role("link", name="Its batch")).to_be_visible()


def test_without_script_the_flows_still_work(browser: Browser, site: Site) -> None:
    """Judging, keeping, history, review and practice need no script."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    address = _judge(page, site, _WEAK, "no-script")
    assert page.locator("#transcript mark").count() > 3
    page.get_by_role("link", name="History of no-script").click()
    expect(page.locator(".grid-table tbody tr").first).to_be_visible()
    page.goto(f"{address}/review")
    form = page.locator("article.judged").first
    form.locator("summary").click()
    form.get_by_label("Why").fill("So it is.")
    form.get_by_role("button", name="Keep it").click()
    expect(page.locator(":target .said")).to_contain_text("Confirmed")
    page.goto(f"{site.url}/practice")
    page.get_by_label("Your answer").fill("I would decide on one number, the share of members who return.")
    page.get_by_role("button", name="Judge my answer").click()
    expect(page.get_by_text("Nothing of this was kept.")).to_be_visible()
    context.close()


def test_an_attempt_is_deleted_for_good(page: Page, site: Site) -> None:
    """Deleting asks once, and afterwards nothing is there."""
    address = _judge(page, site, _WEAK, "gone")
    id_ = address.rpartition("/")[2]
    page.locator(".danger summary").click()
    page.get_by_role("button", name="Delete it now").click()
    expect(page).to_have_url(f"{site.url}/evaluations")
    assert site.service.evaluations.get(LOCAL_TENANT, id_) is None


def test_markup_never_runs(page: Page, site: Site) -> None:
    """Markup in a transcript, in a candidate's id and in a review is text on every page that shows it."""
    address = _judge(page, site, _HOSTILE, _NAME)
    id_ = address.rpartition("/")[2]
    site.service.reviews.put(LOCAL_TENANT, id_, "vanity_metric", "absent", _HOSTILE, _NAME, 1.0)
    for path in (
        f"/evaluations/{id_}",
        f"/evaluations/{id_}/review",
        f"/compare?a={id_}&b={id_}",
        "/evaluations",
        "/candidate?id=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E",
    ):
        page.goto(site.url + path)
        expect(page.locator("h1")).to_be_visible()
        assert page.title() != "run"
        assert page.locator("img, main script, main style").count() == 0
        assert "<img src=x" in page.locator("main, header").all_inner_texts().__str__()


@pytest.fixture(scope="module")
def all_paths(site: Site) -> Callable[[Browser], list[str]]:
    """Return the addresses of all pages with something on them, made once."""
    made: list[str] = []

    def paths(browser: Browser) -> list[str]:
        if not made:
            page = browser.new_page()
            first = _judge(page, site, _WEAK, "eve").rpartition("/")[2]
            second = _judge(page, site, _STRONG.read_text(encoding="utf-8"), "eve").rpartition("/")[2]
            page.close()
            site.service.reviews.put(LOCAL_TENANT, first, "vanity_metric", "absent", "Not so.", "coach", 1.0)
            batch = site.send_batch(
                f'{{"name": "one", "text": "Candidate: {"I would count clicks. " * 8}"}}\n'
                '{"name": "two", "text": " "}'
            )
            made.extend(
                [
                    "/",
                    "/?sample=weak.md",
                    "/practice",
                    "/evaluations",
                    f"/evaluations/{first}",
                    f"/evaluations/{second}",
                    f"/evaluations/{first}/review",
                    "/candidate?id=eve",
                    f"/compare?a={first}&b={second}",
                    "/batches",
                    f"/batches/{batch}",
                    "/docs",
                ]
            )
        return made

    return paths


@pytest.mark.parametrize("look", [(scheme, size) for scheme in ("light", "dark") for size in (_WIDE, _NARROW)])
def test_pages_can_be_read_by_everybody(
    page: Page,
    browser: Browser,
    site: Site,
    all_paths: Callable[[Browser], list[str]],
    look: tuple[Literal["light", "dark"], ViewportSize],
) -> None:
    """No page has a serious fault of accessibility, folded or unfolded, nor is one wider than its screen."""
    scheme, size = look
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    for path in all_paths(browser):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
        page.evaluate("document.querySelectorAll('details').forEach((one, n) => { one.open = n < 6; })")
        page.evaluate(_AXE)
        assert page.evaluate(_SERIOUS) == [], path


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[str, Service, str]]:
    """Serve with a key; yield the address, the parts and the token."""
    with running(config_at(tmp_path)) as (client, service):
        tenant = service.tenancy.tenants.ensure("Acme").tenant
        token = service.tenancy.keys.create(tenant).token
        yield str(client.base_url).rstrip("/"), service, token


def test_a_key_signs_in_and_out(browser: Browser, keyed: tuple[str, Service, str]) -> None:
    """Without a sign-in every page asks for the key; a cookie that no script reads stands for it until signing out."""
    url, _, token = keyed
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/evaluations")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Key").fill("ev_live_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("key")
    page.get_by_label("Key").fill(token)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{url}/evaluations")
    (cookie,) = context.cookies()
    assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
    assert token not in str(cookie.get("value"))
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{url}/practice")
    expect(page).to_have_url(re.compile("/login"))
    context.close()
