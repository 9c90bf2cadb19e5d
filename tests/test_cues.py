"""Tests of phrases that are counted."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.cues import CueMatcher, check_cue, cue_matcher, plain_marks

_WORD: Final = st.text(st.characters(categories=["Ll", "Lu", "Nd"]), min_size=1, max_size=8)
_TOKEN: Final = st.one_of(_WORD, _WORD.map(lambda word: word + "*"), st.sampled_from(["#", "#%"]))
_CUE: Final = st.lists(_TOKEN, min_size=1, max_size=4).map(" ".join) | st.tuples(_TOKEN, _TOKEN).map(" ... ".join)
_SPOKEN: Final = st.lists(
    _WORD | st.sampled_from(["if", "ship", "week", "5%", "twenty-eight", ",", "-", "."]), max_size=30
)


@pytest.mark.parametrize(
    ("cue", "text", "found"),
    [
        ("churn", "Churn went up", "Churn"),
        ("churn", "we churned", None),
        ("churn*", "we churned twice", "churned"),
        ("churn*", "unchurned", None),
        ("trade-off", "a trade off", None),
        ("trade off", "a trade-off here", "trade-off"),
        ("that's fair", "That\u2019s fair, yes", "That\u2019s fair"),
        ("week #", "in week 4 we", "week 4"),
        ("week #", "in week twenty-eight we", "week twenty-eight"),
        ("# days", "after twenty eight days", "twenty eight days"),
        ("# days", "after 1,000 days", "1,000 days"),
        ("# day test", "a 10-day test", "10-day test"),
        ("# million", "half a million", None),
        ("# people", "half a million people", "half a million people"),
        ("# a week", "three a week", "three a week"),
        ("week #", "the week after", None),
        ("below #%", "below 0.5%", "below 0.5%"),
        ("below #%", "below five per cent", "below five per cent"),
        ("below #%", "below two and a half percent", "below two and a half percent"),
        ("below #%", "below 5 people", None),
        ("if ... ship", "if it is up we ship", "if it is up we ship"),
        ("if ... ship", "if it falls by 0.5 percent we ship", "if it falls by 0.5 percent we ship"),
        ("if ... ship", "if ship", "if ship"),
        ("if ... ship", "if it is up. We ship", None),
        ("if ... ship", "if a b c d e f g ship", None),
        ("p < #", "with p < 0.05", "p < 0.05"),
        ("day\u2013seven", "day-seven", "day-seven"),
        ("don't", "I don\u2019t", "don\u2019t"),
        ("surprise me", "a 'surprise me' button", "surprise me"),
        ("surprise me", "a \u2018surprise me\u2019 button", "surprise me"),
        ("t", "I don't", None),
    ],
)
def test_a_cue_finds_what_its_syntax_says(cue: str, text: str, found: str | None) -> None:
    """Endings, numbers, percentages and gaps match as documented, and no more."""
    spans = CueMatcher([cue]).spans(text)
    assert [text[start:end] for start, end in spans] == ([] if found is None else [found])
    assert CueMatcher([cue]).found(text) is (found is not None)


@pytest.mark.parametrize("cue", ["", "   ", "...", "... a", "a ...", "a ... b ... c ... d", "*", "a * b", "-a", ", a"])
def test_a_cue_that_could_mean_anything_is_refused(cue: str) -> None:
    """Empty cues, loose gaps and bare stars are errors, before and while they are compiled."""
    with pytest.raises(ValueError, match="cue"):
        check_cue(cue)
    with pytest.raises(ValueError, match="cue"):
        CueMatcher([cue])


def test_the_longer_of_two_cues_wins() -> None:
    """Where two cues start at one place the span is that of the longer."""
    text = "retention rate at day 7"
    assert CueMatcher(["retention", "retention rate at"]).spans(text) == [(0, 17)]


def test_no_cues_find_nothing() -> None:
    """An empty list is a matcher that never matches."""
    assert CueMatcher([]).spans("anything") == []
    assert not cue_matcher(()).found("anything")


@pytest.mark.parametrize("cue", ["a.c", "(a", "[a", "a|b", "a+b", "\\d", "a{2}", "^a", "a$"])
def test_a_cue_is_never_a_pattern(cue: str) -> None:
    """Signs that mean something in a regular expression mean themselves."""
    assert CueMatcher([cue]).found(f"x {cue} y")
    assert not CueMatcher([cue]).found("x abc 7 aa y")


@given(st.lists(_CUE, max_size=5), st.text(max_size=80) | _SPOKEN.map(" ".join))
def test_spans_lie_in_the_text_in_order_without_overlap(cues: list[str], text: str) -> None:
    """Spans are half-open, not empty, inside the text, left to right, and never overlap."""
    end_before = 0
    for start, end in CueMatcher(cues).spans(text):
        assert end_before <= start < end <= len(text)
        end_before = end


@given(st.lists(_WORD, min_size=1, max_size=4), _SPOKEN, _SPOKEN)
def test_a_phrase_is_found_wherever_it_is_said(words: list[str], before: list[str], after: list[str]) -> None:
    """A cue of plain words is found in any text that holds these words between blanks."""
    cue = " ".join(words)
    assert CueMatcher([cue]).found(f"{' '.join(before)} {cue} {' '.join(after)}")


@given(st.text(max_size=60))
def test_plain_marks_keep_every_place(text: str) -> None:
    """Making marks plain changes no length, so spans hold in the original."""
    assert len(plain_marks(text)) == len(text)


def test_hostile_text_costs_no_more_than_its_length() -> None:
    """Texts made to make a pattern go back and forth end in one short process; quadratic work would take hours."""
    code = (
        "from evaluator.cues import CueMatcher\n"
        "m = CueMatcher(['if ... ship ... now', 'retain* us', 'week #', '#% of', 'a ... b ... c', '# ... #%'])\n"
        "units = ['if ', 'if-', 'a ', 'retain-', 'if' + '-' * 50, '1,', 'twenty-', 'a a-a,a ', 'ten ', ' ', ', ']\n"
        "texts = [u * (100_000 // len(u)) for u in units]\n"
        "texts += ['if' + '-' * 100_000, 'retain' + '-a' * 50_000, 'retain' + 'a' * 100_000, '1' * 100_000]\n"
        "print(sum(m.found(t) for t in texts) >= 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n"


@given(st.lists(_CUE, min_size=1, max_size=8), st.lists(_WORD | st.sampled_from(["one", "week", "5%"]), max_size=30))
def test_many_cues_find_what_each_of_them_finds(cues: list[str], said: list[str]) -> None:
    """The first match of a list is the first of any of its cues: of those that start there, the longest cue's."""
    text = " ".join([*said, *(cue.replace("*", "s").replace("#", "5") for cue in cues)])
    alone = [CueMatcher([cue]).spans(text)[:1] for cue in sorted(cues, key=len, reverse=True)]
    first = [span for spans in alone for span in spans]
    assert CueMatcher(cues).spans(text)[:1] == ([min(first, key=lambda span: span[0])] if first else [])
