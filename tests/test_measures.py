"""What is counted about an answer, checked against counts made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.measures import WORDS_PER_MINUTE, judge_by_count, main_turn, measure, spoken_seconds
from evaluator.values.evaluation import Delivery
from evaluator.values.transcript import Turn
from tests.fakes import make_rubric, make_transcript


def _candidate(text: str, start_s: float | None = None, end_s: float | None = None) -> Turn:
    return Turn(role="candidate", text=text, start_s=start_s, end_s=end_s)


def _measure(*turns: str | tuple[str, str] | Turn) -> Delivery:
    return measure(make_transcript(*turns), make_rubric())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'd measure weekly retention.", 4),
        ("don’t — well, 3.5 of 1,000", 5),
        ("day-28 retention (per member)", 4),
        ("A/B", 2),
        ("… — !", 0),
        ("snake_case", 2),
        ("naïve Straße 留存", 3),
    ],
)
def test_words_are_counted_as_they_are_read(text: str, words: int) -> None:
    """Inner apostrophes, hyphens and decimal points don't part words; marks alone are none."""
    assert _measure(text).words == words


@pytest.mark.parametrize("end_s", [0.0, 5e-324, 1e-300, 0.009])
def test_no_time_has_no_pace(end_s: float) -> None:
    """Times that a source wrote as good as equal give no pace, rather than an endless one."""
    assert _measure(_candidate("I'd measure weekly retention.", 0.0, end_s)).wpm is None


@given(st.text("ab1Z_ '.,-\n!", min_size=1, max_size=30))
def test_plain_text_and_any_other_have_as_many_words(text: str) -> None:
    """Plain text is counted by a quicker way, which an accent rules out: both come to the same."""
    assert _measure(text).words == _measure(text.replace("a", "é")).words


@pytest.mark.parametrize(
    ("start_s", "end_s", "seconds"),
    [(2.0, 12.0, 10.0), (None, None, 2.0), (2.0, None, 2.0), (None, 12.0, 2.0), (5.0, 5.0, 2.0), (12.0, 2.0, 2.0)],
)
def test_time_comes_from_times_else_from_words(start_s: float | None, end_s: float | None, seconds: float) -> None:
    """A turn without a length, or with none above zero, lasts as long as its five words at 150 a minute."""
    assert WORDS_PER_MINUTE == 150
    assert spoken_seconds(_candidate("one two three four five", start_s, end_s)) == seconds


def test_a_timed_answer_has_a_pace() -> None:
    """Eight words in four seconds are 120 a minute; the interviewer's words and time count for nothing."""
    found = _measure(
        Turn(role="interviewer", text="Um, why retention?", start_s=0, end_s=50),
        _candidate("one two three four five", 50, 52),
        _candidate("six seven eight", 60, 62),
    )
    assert (found.words, found.duration_s, found.duration_source, found.wpm) == (8, 4.0, "timestamps", 120.0)
    assert (found.longest_turn_words, found.longest_turn_s) == (5, 2.0)
    assert (found.fillers, found.metrics_named, found.first_metric_s) == (0, 0, None)


def test_mixed_times_are_called_an_estimate() -> None:
    """One turn without times makes the whole an estimate, and an estimate has no pace."""
    found = _measure(_candidate("one two three four five", 0, 10), _candidate("one two three four five"))
    assert (found.duration_s, found.duration_source, found.wpm) == (12.0, "estimated", None)


@pytest.mark.parametrize(
    ("text", "fillers"),
    [
        ("Um, so, uh, you know, it's kind of, erm, basically fine.", 6),
        ("How do you know what kind of guardrail this sort of test needs?", 0),
        ("because you\nknow your readers", 0),
        ("It's kind\nof good, I mean really.", 2),
        ("The umbrella is literally like a hat.", 1),
        ("the um number", 1),
    ],
)
def test_fillers_are_words_that_carry_nothing(text: str, fillers: int) -> None:
    """Phrases that mean something where they stand are not fillers, nor are parts of words."""
    assert _measure(text).fillers == fillers


def test_the_first_metric_is_timed_in_the_candidates_own_speech() -> None:
    """Half way through the second turn's text is half way through its time, after all of the first's."""
    found = _measure(
        _candidate("Let me think about it.", 0, 4),
        Turn(role="interviewer", text="Retention, perhaps?", start_s=4, end_s=90),
        _candidate("12345 78 Retention! ", 90, 100),
    )
    assert found.first_metric_s == pytest.approx(4 + 10 * 9 / 20)
    assert found.metrics_named == 1


def test_metrics_are_counted_once_each() -> None:
    """The same phrase in another case or spacing is the same metric."""
    found = _measure("Clicks, minutes watched, clicks.", "Minutes\nwatched and retention.")
    assert found.metrics_named == 3
    assert found.first_metric_s == 0.0


def test_a_rubric_without_metric_cues_counts_none() -> None:
    """No cues, no metrics: absent, not zero seconds."""
    rubric = make_rubric().model_copy(update={"metric_cues": None})
    found = measure(make_transcript("Clicks and retention."), rubric)
    assert (found.first_metric_s, found.metrics_named) == (None, 0)


def test_a_silent_candidate_measures_zero() -> None:
    """Without a candidate's turn everything is zero or unknown, and nothing fails."""
    transcript = make_transcript(("interviewer", "Hello? Um."))
    assert measure(transcript, make_rubric()) == Delivery(
        words=0,
        duration_s=0,
        duration_source="estimated",
        fillers=0,
        longest_turn_words=0,
        longest_turn_s=0,
        metrics_named=0,
    )
    assert main_turn(transcript) is None
    with pytest.raises(ValueError, match="can't be counted"):
        judge_by_count(make_rubric().criterion("rambling"), make_rubric(), transcript)


def test_the_main_answer_lasted_longest() -> None:
    """Time decides before words; the interviewer's speeches don't count."""
    transcript = make_transcript(
        ("interviewer", "word " * 900), "word " * 20, _candidate("word word", 0, 60), _candidate("word", 60, 61)
    )
    assert main_turn(transcript) == 2


@pytest.mark.parametrize(
    ("turn", "verdict", "reason"),
    [
        (_candidate("word " * 450), "absent", "The main answer ran to 450 words; the limit is 450."),
        (_candidate("word " * 451), "present", "The main answer ran to 451 words; the limit is 450."),
        (_candidate("word " * 900, 10, 190), "absent", "The main answer ran to 180 seconds; the limit is 180."),
        (_candidate("word", 10, 191), "present", "The main answer ran to 181 seconds; the limit is 180."),
    ],
)
def test_a_measured_criterion_is_decided_by_its_limit(turn: Turn, verdict: str, reason: str) -> None:
    """Over the limit is present for certain, at the limit absent with a doubt; times override words both ways."""
    rubric = make_rubric()
    opinion = judge_by_count(rubric.criterion("rambling"), rubric, make_transcript(turn, "word " * 5))
    assert (opinion.verdict, opinion.reason) == (verdict, reason)
    assert (opinion.confidence == 1.0) == (verdict == "present")


def test_only_measured_criteria_are_counted() -> None:
    """A criterion without limits can't be counted."""
    rubric = make_rubric()
    with pytest.raises(ValueError, match="vanity can't be counted"):
        judge_by_count(rubric.criterion("vanity"), rubric, make_transcript())
