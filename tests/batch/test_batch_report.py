"""Tests of the batch's page: self-contained, its one script allowed by hash, and words that stay words."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import pytest

import evaluator.batch.report.page as page_module
from evaluator.batch.outputs import write_outputs
from evaluator.batch.records import FailedItem, GradedItem
from evaluator.reports.characters import one_line, visible
from tests.batch.batch_cases import HOSTILE, failed, graded, hostile_batch, small_rubric, varied_batch
from tests.fakes import opinion
from tests.reports.page_reader import read_page

_TEMPLATES: Final = Path(page_module.__file__).with_name("templates")
_BLOCK: Final = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)
_HARMFUL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def _page(folder: Path, records: Sequence[GradedItem | FailedItem], budget: int = 40_000_000) -> str:
    write_outputs(folder, records, small_rubric(), budget=budget)
    return (folder / "report.html").read_text(encoding="utf-8")


def _packed(page: str, kind: str) -> list[list[object]]:
    """Return what the script would unpack from the blocks of one kind."""
    chunks = [text for attributes, text in _BLOCK.findall(page) if f'class="{kind}"' in attributes]
    return [json.loads(zlib.decompress(base64.b64decode(chunk))) for chunk in chunks]


def _rows(page: str) -> list[list[object]]:
    return [cast("list[object]", row) for chunk in _packed(page, "rows") for row in chunk]


def _details(page: str) -> list[dict[str, object]]:
    return [cast("dict[str, object]", detail) for chunk in _packed(page, "details") for detail in chunk]


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in cast("dict[str, object]", value).values() for text in _texts(part)]
    return [text for part in cast("list[object]", value) for text in _texts(part)] if isinstance(value, list) else []


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(tmp_path: Path) -> None:
    """Both hashes of the content policy are those of the page's own style sheet and script."""
    page = _page(tmp_path, varied_batch())
    policy = html.unescape(re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[0])
    scripts = [text for attributes, text in _BLOCK.findall(page) if not attributes]
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    hashed = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (styles[0], scripts[0])]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashed[0]}'; script-src 'sha256-{hashed[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize(
    "records", [varied_batch(), hostile_batch(), [failed("a")], []], ids=["varied", "hostile", "failed", "empty"]
)
def test_the_page_is_whole_and_asks_for_nothing_outside(
    tmp_path: Path, records: Sequence[GradedItem | FailedItem]
) -> None:
    """Elements nest, ids are unique, links stay in the page, no element carries a handler, a style or an address."""
    page = read_page(_page(tmp_path, records))
    assert (page.unclosed, page.misnested) == ([], [])
    assert len(page.ids()) == len(set(page.ids()))
    assert all(link.startswith("#") and link[1:] in page.ids() for link in page.links())
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed", "link", "base", "form", "img"}
        assert not any(name.startswith("on") or name in {"style", "src"} for name in attributes)
        if tag == "script":
            assert attributes.get("type") in {None, "text/plain"}


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    """Markup in names, columns, messages, quotes and transcripts makes no element, and no harmful character is left."""
    tags = {tag for tag, _ in read_page(_page(tmp_path / "plain", varied_batch())).tags}
    page = _page(tmp_path / "hostile", hostile_batch())
    assert {tag for tag, _ in read_page(page).tags} <= tags
    assert sum("<script>" in line for line in page.splitlines()) == 1
    assert not _HARMFUL.search(page)
    told = [text for part in (*_rows(page), *_details(page)) for text in _texts(part)]
    assert any("<script>alert(1)" in text for text in told)
    assert not any(_HARMFUL.search(text) for text in told)


def test_opened_answers_hold_the_transcript_as_it_was_said(tmp_path: Path) -> None:
    """The pieces of a turn joined are its words, and a mark covers exactly the quote."""
    records = [record for record in hostile_batch() if isinstance(record, GradedItem)]
    details = _details(_page(tmp_path, records))
    for record, detail in zip(records, details, strict=True):
        turns = cast("list[tuple[str, str, str, list[str | tuple[str, list[object]]], list[object]]]", detail["turns"])
        pieces = [piece if isinstance(piece, str) else piece[0] for piece in turns[0][3]]
        marked = [piece[0] for piece in turns[0][3] if not isinstance(piece, str)]
        assert "".join(pieces) == visible(record.evaluation.transcript.turns[0].text)
        assert marked == ["I would track clicks"]


def test_every_item_has_its_row_and_every_evaluation_its_detail(tmp_path: Path) -> None:
    """Rows come in the order of the items; each that says its detail is embedded finds it in its turn."""
    records = varied_batch(130)
    page = _page(tmp_path, records)
    rows = _rows(page)
    assert [row[0] for row in rows] == [record.item for record in records]
    assert [row[1] == 2 for row in rows] == [isinstance(record, FailedItem) for record in records]
    good = [record for record in records if isinstance(record, GradedItem)]
    assert [row[5] for row in rows if row[1] != 2] == [1] * len(good)
    ids = [cast("list[str]", detail["account"])[-1].rpartition(" ")[2].rstrip(".") for detail in _details(page)]
    assert ids == [record.evaluation.id for record in good]
    holds = {attributes for attributes, _ in _BLOCK.findall(page) if 'class="details"' in attributes}
    assert holds == {f' type="text/plain" class="details" data-holds="{len(_packed(page, "details")[0])}"'}


def test_over_the_budget_the_ones_worth_opening_first_are_kept(tmp_path: Path) -> None:
    """Items for review and the lowest scores go in, the page says how many are left out and where they are."""
    records = varied_batch(400)
    whole = sum(
        len(text) for attributes, text in _BLOCK.findall(_page(tmp_path / "a", records)) if "details" in attributes
    )
    budget = whole // 3
    page = _page(tmp_path / "b", records, budget)
    size = sum(len(text) for attributes, text in _BLOCK.findall(page) if "details" in attributes)
    assert budget / 2 < size <= budget
    rows = [row for row in _rows(page) if row[1] != 2]
    ranks = [(row[1] != 1, cast("float | None", row[2]) or 0.0) for row in rows]
    kept = [rank for rank, row in zip(ranks, rows, strict=True) if row[5]]
    left = [rank for rank, row in zip(ranks, rows, strict=True) if not row[5]]
    assert max(kept) <= min(left)
    assert f"The other {len(left)} stand in the table" in page
    assert "evaluations.jsonl" in page
    assert len(_details(page)) == len(kept)


def test_the_figures_stand_in_the_page_without_its_script(tmp_path: Path) -> None:
    """Headline, bands, rates, quotes, what to teach, slices and failures are plain markup."""
    page = _BLOCK.sub("", _page(tmp_path, varied_batch()))
    summary = write_outputs(tmp_path, varied_batch(), small_rubric())
    assert f"{summary.items} answers, {summary.graded + summary.needs_review} evaluated" in page
    for line in summary.criteria:
        assert html.escape(line.title) in page
        assert all(html.escape(one_line(proof.quote)) in page for proof in line.quotes)
    first = next(line for line in summary.criteria if line.criterion == summary.teach_next[0])
    assert html.escape(first.drill) in page
    assert "By cohort" in page
    assert "It holds no words (export it)." in page
    assert "evaluations.csv beside this page holds the same" in page


def test_many_failures_are_listed_in_part_and_counted_in_full(tmp_path: Path) -> None:
    """The page lists the first hundred failures in words and says where the others are."""
    page = _page(tmp_path, [failed(f"i{number}") for number in range(250)])
    assert "first 100 of 250" in page
    assert len(_rows(page)) == 250


def test_many_candidates_share_the_columns_of_the_heat_map(tmp_path: Path) -> None:
    """The static map of hundreds of candidates stays small: columns are bins, and says so."""
    evaluations = [graded("x", opinion("vanity", verdict)).evaluation for verdict in ("present", "absent")]
    records = [GradedItem(item=f"i{n}", evaluation=evaluations[n % 2]) for n in range(600)]
    assert "Each column holds up to 10 answers" in _page(tmp_path / "many", records)
    assert "Each column is one answer" in _page(tmp_path / "few", records[:40])


def test_the_script_writes_text_only() -> None:
    """Nothing in the script turns text into markup or code, or asks another place for anything, and it stays small."""
    script = (_TEMPLATES / "batch.js").read_text(encoding="utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "import(",
    ):
        assert word not in script
    assert "XMLHttpRequest" not in script
    assert len(script.splitlines()) < 300


def test_hostile_values_fill_the_filters_unharmed(tmp_path: Path) -> None:
    """The page's description of columns and criteria is harmless too."""
    page = _page(tmp_path, hostile_batch())
    (meta,) = [text for attributes, text in _BLOCK.findall(page) if 'id="meta"' in attributes]
    told = _texts(json.loads(zlib.decompress(base64.b64decode(meta))))
    assert one_line(HOSTILE, 60) in told
    assert not any(_HARMFUL.search(text) for text in told)
