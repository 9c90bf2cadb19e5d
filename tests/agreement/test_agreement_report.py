"""The report: what it says beside the figures, how it reads, and that nothing in it can do harm."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len

from evaluator.agreement.labels import LabelSet
from evaluator.agreement.measure import measure
from evaluator.agreement.report import AgreementReport, calibration_warnings, report_of
from evaluator.agreement.report_page import render_page
from evaluator.agreement.report_text import render_text
from evaluator.judging import Judge
from evaluator.values.judge import JudgeInfo
from tests.agreement.cases import label_set, row_of
from tests.fakes import RUBRIC_YAML, FakeJudge, make_rubric, opinion

_HOSTILE = "</q><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}\x1b[2J\u202e[bold red]"


def _report(labels: LabelSet, judge: Judge | None = None, *warnings: str) -> AgreementReport:
    judge = judge or FakeJudge(
        [
            opinion("vanity", "present", "I would track clicks"),
            opinion("no_goal", "absent", "The goal is that members stay"),
        ]
    )
    rubric = make_rubric()
    measurement = asyncio.run(measure(labels.rows, rubric, judge))
    return report_of(labels, rubric, judge.info(rubric), measurement, warnings=warnings)


def _set() -> LabelSet:
    return label_set(
        row_of("A-1", "pa", band="hire", evidence={"vanity": "track clicks"}),
        row_of("A-2", "ap", band="no_hire", evidence={"vanity": "Cancellations must not rise"}),
        row_of("B-1", "pp", band="no_hire"),
        row_of("B-2", "p", turns=[]),
    )


def _hostile() -> AgreementReport:
    turns = [{"speaker": "candidate", "text": f"I would track clicks {_HOSTILE} every day."}]
    labels = label_set(
        row_of(f"{_HOSTILE}-1", "a", turns=turns, evidence={"vanity": f"track clicks {_HOSTILE}"}),
        row_of(f"{_HOSTILE}-2", "a", turns=[]),
    )
    judge = FakeJudge([opinion("vanity", "present", f"I would track clicks {_HOSTILE}", reason=_HOSTILE)])
    return _report(labels.noted(_HOSTILE), judge, _HOSTILE)


class _Page(HTMLParser):
    """Collects what a browser would see: elements, attributes, words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_report_survives_json() -> None:
    """What is written is read back equal; its form has a version."""
    report = _report(_set())
    assert AgreementReport.model_validate_json(report.model_dump_json()) == report
    assert report.schema_version == "1.0"


def test_a_report_says_what_it_stands_on() -> None:
    """Which labels, how many, which judge, and who labelled them; where nobody said, that."""
    shown = render_text(_report(_set()))
    assert "set.jsonl, 3 of 4 transcripts" in shown
    assert "fake, by_hand, model opinions on small, no calibration" in shown
    assert "Nothing is said about who labelled them" in shown
    assert "Two coaches." in render_text(_report(_set().noted("Two coaches.")))


def test_a_failed_row_is_shown_and_warned_of() -> None:
    """It is no gap: a warning counts it and a table names it, in the text and on the page."""
    report = _report(_set())
    assert [failure.id for failure in report.failures] == ["B-2"]
    assert report.warnings == ("Transcripts that failed and count in no figure: 1 of 4.",)
    for shown in (render_text(report), render_page(report)):
        assert "count in no figure: 1 of 4" in shown
        assert "TranscriptError" in shown


def test_rows_left_out_and_words_not_found_are_warned_of() -> None:
    """A part of the file, quotes that nobody said, another version of the rubric: each has its warning."""
    labels = label_set(row_of("A-1", "p", evidence={"vanity": "never said"}), row_of("A-2", "p")).head(1)
    rubric = make_rubric()
    judge = FakeJudge()
    measurement = asyncio.run(measure(labels.rows, rubric, judge))
    newer = make_rubric(RUBRIC_YAML.replace("Small metrics rubric", "Another"))
    text = " ".join(report_of(labels, newer, judge.info(rubric), measurement).warnings)
    assert "Only 1 of 2 rows" in text
    assert "the span check leave out: 1; the first: line 1, vanity." in text
    assert "another version of the rubric: 1." in text


@pytest.mark.parametrize(
    ("calibration", "trained_on", "says"),
    [
        (None, None, ""),
        ("cal-1", None, "Nothing says on which labels calibration cal-1 was trained"),
        ("cal-1", "other", ""),
        ("cal-1", "same", "TRAINED ON THESE ROWS: calibration cal-1"),
    ],
)
def test_a_judge_measured_on_what_it_learned_from_is_said_so_aloud(
    calibration: str | None, trained_on: str | None, says: str
) -> None:
    """The warning comes where the hash of the training labels is that of the measured ones, or nobody knows."""
    labels = _set()
    info = JudgeInfo(backend="local", method="embedding", model="m", calibration=calibration)
    known = None if trained_on is None else {labels.sha256 if trained_on == "same" else trained_on, "one more"}
    found = calibration_warnings(info, known, labels)
    assert "".join(found).startswith(says)
    assert bool(found) is bool(says)


def test_disagreements_hold_both_sides_words() -> None:
    """Each verdict that differs is listed with the labelled words and the judge's, in the rubric's order."""
    report = _report(_set())
    differ = [(item.criterion, item.id, item.label, item.verdict) for item in report.disagreements]
    assert differ == [
        ("vanity", "A-2", "absent", "present"),
        ("no_goal", "A-2", "present", "absent"),
        ("no_goal", "B-1", "present", "absent"),
    ]
    first = report.disagreements[0]
    assert first.labelled_quote == "Cancellations must not rise"
    assert first.judged_quotes == ("I would track clicks",)


@pytest.mark.parametrize("width", [80, 99, 100, 120])
def test_no_line_of_the_text_is_wider_than_asked(width: int) -> None:
    """The table fits terminals of 80 cells and more; every criterion stands in it, in the rubric's order."""
    shown = render_text(_report(_set(), None, "w" * 300), width=width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    places = [shown.index(f"\n{criterion} ") for criterion in make_rubric().by_id]
    assert places == sorted(places)


def test_undefined_figures_are_dashes_and_named() -> None:
    """No figure is shown as 0 or nan where there is none, and the criteria without F1 are named."""
    shown = render_text(_report(_set()))
    assert "nan" not in shown.lower()
    assert "Left out of macro F1" in shown
    assert re.search(r"^misread_test +maj +0 +0 +– +– +– ", shown, re.MULTILINE)
    assert "undefined" in render_page(_report(_set()))


def test_authors_are_shown_unless_unwanted() -> None:
    """The table by author can be left out of text and page."""
    report = _report(_set())
    for render in (render_text, render_page):
        assert "by author" in render(report)
        assert "by author" not in render(report, by_author=False)


def test_colour_comes_only_when_asked_for() -> None:
    """Plain text holds no escape sequence; coloured text says the same."""
    report = _report(_set())
    colored = render_text(report, color=True)
    assert "\x1b[" not in render_text(report)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).split() == render_text(report).split()


def test_a_criterion_leads_to_its_disagreements() -> None:
    """Every link of the page leads to a place on it."""
    page = _Page(render_page(_report(_set())))
    links = [value for name, value in page.attributes if name == "href"]
    anchors = {f"#{value}" for name, value in page.attributes if name == "id"}
    assert len(links) == len(make_rubric().criteria)
    assert set(links) <= anchors
    assert "Cancellations must not rise" in page.words


def test_hostile_words_stay_words_on_the_page() -> None:
    """Ids, quotes, reasons, notes and warnings add no element, attribute or template code; nothing is loaded."""
    page = _Page(render_page(_hostile()))
    assert not {"script", "img", "iframe", "object", "link"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "src"]
    assert "<script>alert(1)</script>" in page.words
    assert "{{ 7*7 }}" in page.words
    assert not {"\x1b", "\u202e"} & set(page.words)
    assert [value for _, value in page.attributes if value and "default-src 'none'" in value]


def test_hostile_words_stay_words_in_the_terminal() -> None:
    """No control character, no character that turns the direction of text, no markup is obeyed."""
    shown = render_text(_hostile(), width=120)
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[bold red]" in shown


def test_usage_is_added_up() -> None:
    """The report says what the measurement cost."""
    report = _report(_set())
    assert report.usage.requests == 0
    assert report.usage.priced is True
    assert report.usage.duration_ms > 0


def test_many_failures_are_cut_short_in_the_text_alone() -> None:
    """Ten of twelve are shown, and where the others are; the page lists all."""
    report = _report(label_set(*(row_of(f"A-{number}", "p", turns=[]) for number in range(12))))
    assert "and 2 more; the JSON report lists all" in render_text(report)
    assert render_page(report).count("TranscriptError") == 12


def test_nothing_is_said_of_undefined_figures_where_all_are_defined() -> None:
    """No sentence without a cause."""
    report = _report(label_set(row_of("A-1", "pppppp")))
    assert report.figures.f1_undefined == ()
    assert "Left out of macro F1" not in render_text(report)
