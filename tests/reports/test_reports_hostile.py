"""Words of a transcript stay words in every report, whatever they try."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from evaluator.pipeline import evaluate
from evaluator.reports.characters import escape_json, one_line, visible
from evaluator.reports.html import render_html
from evaluator.reports.markdown import escape, render_markdown
from evaluator.reports.markdown import marked_turn as marked_in_markdown
from evaluator.reports.segments import Mark, cut
from evaluator.reports.text import marked_turn, render_text
from evaluator.reports.view import view
from evaluator.values.evaluation import Evaluation
from tests.fakes import FakeJudge, make_evaluation, make_transcript
from tests.property.strategies import hard_texts, judgements, rubrics, transcripts
from tests.reports.golden import hostile
from tests.reports.page_reader import read_page

_HARMFUL: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2061-\u206f\ufeff\U000e0000-\U000e007f]"
)
_STYLES: Final = re.compile("\x1b\\[[0-9;]*m")
_PAGE_TAGS: Final = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "article", "footer", "div"),
    *(
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "blockquote",
        "a",
        "strong",
        "span",
        "bdi",
        "mark",
        "time",
    ),
    *("svg", "rect", "table", "thead", "tbody", "tr", "th", "td"),
}
_MARKDOWN_TAGS: Final = {
    *("h1", "h2", "h3", "p", "ul", "ol", "li", "strong", "em", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_MARKUP: Final = (
    *(
        "a",
        " ",
        "\n",
        "1.",
        "*",
        "**",
        "_",
        "`",
        "```",
        "~~",
        "|",
        "$",
        "\\",
        "&amp;",
        "&#64;",
        "<",
        ">",
        "<b>",
        "<!--",
    ),
    *(
        "[a](b)",
        "![a](b)",
        "[",
        "]",
        "](b)",
        "<http://a>",
        "http://a",
        "www.a",
        "@a",
        "#1",
        "{",
        "}",
        '"',
        "'",
        "- ",
        "# ",
    ),
)


@st.composite
def _evaluations(draw: st.DrawFn) -> Evaluation:
    rubric, transcript = draw(rubrics()), draw(transcripts())
    return evaluate(transcript, rubric, FakeJudge(draw(judgements(rubric, transcript)).opinions))


def _markdown_page(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


@given(text=hard_texts())
def test_visible_text_keeps_every_place(text: str) -> None:
    """Harmless text has the length of the original and differs only where a character was harmful or a tab."""
    shown = visible(text)
    assert len(shown) == len(text)
    assert not _HARMFUL.search(shown)
    assert all(a == b for a, b in zip(text, shown, strict=True) if not _HARMFUL.search(a))


@given(text=hard_texts(), limit=st.integers(2, 30))
def test_one_line_is_one_short_line(text: str, limit: int) -> None:
    """A line for a message has no line end and keeps its limit."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


@given(
    text=st.text(max_size=30),
    spans=st.lists(st.tuples(st.integers(-2, 32), st.integers(-2, 32)), max_size=6),
)
def test_pieces_joined_give_the_turn(text: str, spans: list[tuple[int, int]]) -> None:
    """Marks may overlap, touch, be empty or reach outside: the pieces are the turn, and each mark covers its span."""
    marks = [Mark("1", "major", f"m{n}", "f1", "Title", 0, start, end) for n, (start, end) in enumerate(spans)]
    pieces = cut(text, marks)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces if text)
    for mark in marks:
        covered = "".join(piece.text for piece in pieces if mark in piece.marks)
        assert covered == text[max(mark.start, 0) : max(mark.end, 0)]
        assert sum(mark in piece.opening for piece in pieces) == bool(covered)


@settings(max_examples=60)
@given(evaluation=_evaluations())
def test_marked_transcript_without_marks_is_the_transcript(evaluation: Evaluation) -> None:
    """In the terminal and in HTML, what is left when the marks are taken away is what was said."""
    page = read_page(render_html(evaluation))
    shown = view(evaluation)
    assert page.words == [visible(turn.text) for turn in evaluation.transcript.turns]
    for turn, source in zip(shown.turns, evaluation.transcript.turns, strict=True):
        assert "".join(piece.text for piece in turn.segments) == visible(source.text)
        if not set("«»[]") & set(source.text):
            plain = re.sub(r"«|»|\[\+?\d+\]", "", marked_turn(turn, color=False).plain)
            assert plain == visible(source.text)
            assert re.sub(r"\[\+?\d+\]", "", marked_turn(turn, color=True).plain) == visible(source.text)


@settings(max_examples=60)
@given(evaluation=_evaluations())
def test_every_quote_is_marked_in_full(evaluation: Evaluation) -> None:
    """The pieces that a mark covers are its quote."""
    shown = view(evaluation)
    for card in (*shown.failures, *shown.strengths):
        for quote in card.quotes:
            pieces = [p for turn in shown.turns for p in turn.segments if quote.anchor in {m.anchor for m in p.marks}]
            assert one_line("".join(piece.text for piece in pieces)) == quote.text


@settings(max_examples=40)
@given(evaluation=_evaluations(), width=st.integers(60, 120))
def test_terminal_obeys_styles_alone(evaluation: Evaluation, width: int) -> None:
    """Text holds no control but line ends, colour adds none but styles, and no line is wider than asked."""
    plain = render_text(evaluation, width=width)
    assert not _HARMFUL.search(plain)
    assert max(cell_len(line) for line in plain.splitlines()) <= width
    assert not any(line != line.rstrip(" ") for line in plain.split("\n"))
    colored = render_text(evaluation, width=width, color=True)
    assert not _HARMFUL.search(_STYLES.sub("", colored))


@settings(max_examples=60)
@given(evaluation=_evaluations())
def test_page_is_sound_and_dead(evaluation: Evaluation) -> None:
    """An HTML report nests well, links only within itself, to places that exist once, and holds nothing that acts."""
    _assert_sound(render_html(evaluation))


def test_hostile_words_are_dead_in_html() -> None:
    """Scripts, images, handlers and templates in a transcript are text in the page."""
    text = render_html(hostile())
    _assert_sound(text)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "{{ 7*7 }} {% raw %}" in text
    assert not _HARMFUL.search(text)


def test_page_allows_its_own_style_and_nothing_else() -> None:
    """The policy of the page names the hash of its one style sheet and forbids all else."""
    page = render_html(make_evaluation())
    policy = next(attributes["content"] or "" for _, attributes in read_page(page).tags if "http-equiv" in attributes)
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "url(" not in page
    assert "@import" not in page


def test_hostile_words_are_dead_in_a_terminal() -> None:
    """Escapes, titles, bells, turned text and markup of the terminal library are shown, not obeyed."""
    text = render_text(hostile(), width=80)
    assert not _HARMFUL.search(text)
    assert "[red]look" in text
    assert "[/red]" in text
    assert not _HARMFUL.search(_STYLES.sub("", render_text(hostile(), width=80, color=True)))


def test_hostile_words_are_dead_in_markdown() -> None:
    """Links, images, HTML, headings, code and mentions in a transcript are text in the document."""
    text = render_markdown(hostile())
    page = read_page(_markdown_page(text))
    assert {tag for tag, _ in page.tags} <= _MARKDOWN_TAGS
    assert sum(tag in {"h1", "h2", "h3"} for tag, _ in page.tags) == len(re.findall(r"^#+ ", text, re.MULTILINE))
    assert not re.search(r"@\w", text)
    assert "http://" not in text
    assert "https://" not in text


@given(text=st.lists(st.sampled_from(_MARKUP), max_size=12).map("".join))
def test_escaped_markdown_shows_its_characters(text: str) -> None:
    """Any text comes back from Markdown as the characters that went in, white space aside."""
    page = _markdown_page(f"**Anna**: x {escape(text)} x")
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert shown.replace("\u2060", "").split() == ["Anna:", "x", *text.split(), "x"]


@given(text=st.text(st.sampled_from("ab *_`<[!«"), min_size=1, max_size=20), data=st.data())
def test_marks_in_markdown_bind_anywhere(text: str, data: st.DataObject) -> None:
    """Whatever stands beside it, a marked span is bold, and no asterisk is left over."""
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    turn = view(make_evaluation(make_transcript(text))).turns[0]
    segments = cut(text, [Mark("1", "major", "f1-1", "f1", "Title", 0, start, end)])
    page = _markdown_page(f"**Anna**: x{marked_in_markdown(type(turn)(1, 'candidate', 'Anna', '', segments, ()))}x")
    assert page.count("<strong>") == 1 + bool(text[start:end].strip())
    assert re.sub(r"<[^>]*>", "", page).count("*") == text.count("*")


@given(text=hard_texts())
def test_json_with_escapes_is_the_same_value(text: str) -> None:
    """Escaping what a terminal would obey changes no value, and leaves nothing harmful but layout."""
    evaluation = make_evaluation(make_transcript(text.strip() or "something"))
    document = escape_json(evaluation.model_dump_json(indent=2))
    assert Evaluation.model_validate_json(document) == evaluation
    assert not _HARMFUL.search(document.replace("\n", ""))


def _assert_sound(text: str) -> None:
    page = read_page(text)
    assert not page.unclosed
    assert not page.misnested
    assert {tag for tag, _ in page.tags} <= _PAGE_TAGS
    ids = page.ids()
    assert len(ids) == len(set(ids))
    assert all(link.startswith("#") and link[1:] in ids for link in page.links())
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "src"]
    assert not any("style" in attributes for _, attributes in page.tags)
