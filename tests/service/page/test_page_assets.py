"""Tests of the page's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.reports.html import page_style
from evaluator.service.page.assets import assets
from tests.service.serving import config_in, in_memory

pytestmark = pytest.mark.loopback


async def test_files_are_kept_by_browsers_and_asked_for_once(tmp_path: Path) -> None:
    """A file is served for good under the address that its contents give it, and not sent twice."""
    async with in_memory(config_in(tmp_path)) as (client, _):
        page = (await client.get("/")).text
        for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
            address = assets()[name].address
            assert address in page
            first = await client.get(address)
            assert first.headers["content-type"].startswith(kind)
            assert "immutable" in first.headers["cache-control"]
            again = await client.get(address, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        former = await client.get("/static/0000000000000000/page.css")
        assert (former.status_code, former.headers["cache-control"]) == (200, "no-cache")
        for missing in ("/static/0/nothing.css", "/static/0/..%2Fassets.py", "/static/0/%2e%2e"):
            assert (await client.get(missing)).status_code == 404


def test_reports_and_pages_share_one_style() -> None:
    """Colours, cards and marks are those of every report."""
    assert assets()["page.css"].body.startswith(page_style().encode())


def test_nothing_asks_for_another_host() -> None:
    """No file of the page names an address elsewhere."""
    for asset in assets().values():
        assert b"://" not in asset.body.replace(b"http://www.w3.org/2000/svg", b"")
