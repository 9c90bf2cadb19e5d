"""Tests of a batch's page as a person uses it: the table draws, sorts and opens answers; words stay words."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from evaluator.batch.outputs import write_outputs
from evaluator.batch.records import FailedItem, GradedItem
from tests.batch.batch_cases import hostile_batch, small_rubric, varied_batch


def _open(page: Page, folder: Path, records: list[GradedItem | FailedItem]) -> None:
    write_outputs(folder, records, small_rubric())
    page.goto((folder / "report.html").as_uri())


def test_every_answer_stands_in_the_table(page: Page, tmp_path: Path) -> None:
    """The table is drawn from the page's own data, a page at a time, and a filter finds an item by its name."""
    records = varied_batch(60)
    _open(page, tmp_path, records)
    rows = page.locator("#table tbody tr")
    expect(rows).to_have_count(50)
    page.locator("#table input[type=search], #table input[type=text]").first.fill(records[7].item)
    expect(rows.filter(has_text=records[7].item).first).to_be_visible()


def test_an_answer_opens_by_keyboard_and_closes_again(page: Page, tmp_path: Path) -> None:
    """Enter on a row's button opens its transcript with the evidence marked; Escape closes it."""
    _open(page, tmp_path, varied_batch(20))
    button = page.locator("#table tbody tr button").first
    button.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("I would track clicks")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_words_make_no_element(page: Page, tmp_path: Path, scheme: str) -> None:
    """Markup in transcripts, names and columns is shown as it was written, in the table and in an opened answer."""
    page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType] - one of the two that it takes
    _open(page, tmp_path, hostile_batch())
    page.locator("#table tbody tr button").first.click()
    expect(page.locator("dialog[open]")).to_be_visible()
    assert page.locator("img").count() == 0
    assert page.evaluate("document.querySelectorAll('script:not([type])').length") == 1


def test_a_telephone_shows_it_without_scrolling_sideways(page: Page, tmp_path: Path) -> None:
    """At the width of a telephone the page itself is no wider than the screen."""
    page.set_viewport_size({"width": 380, "height": 800})
    _open(page, tmp_path, varied_batch(30))
    expect(page.locator("#table tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
