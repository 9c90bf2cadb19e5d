"""Tests of attempts side by side."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from evaluator.service.page.attempts import Attempt, Judged
from evaluator.service.page.trends import changes, grid, score_line
from evaluator.values.judge import Verdict

_VERDICTS: tuple[Verdict, ...] = ("present", "absent", "na", "unscored")
_CRITERIA = ("one", "two", "three")


def _attempt(number: int, verdicts: dict[str, Verdict], score: float | None = 50.0) -> Attempt:
    return Attempt(
        id=f"eval_{number}",
        status="completed",
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        name="",
        candidate="c",
        rubric="r",
        judge="local",
        score=score,
        band=None,
        review=False,
        message="",
        verdicts={name: Judged(name, name.title(), "major", verdict) for name, verdict in verdicts.items()},
    )


_attempts = st.lists(
    st.builds(
        _attempt,
        st.integers(0, 99),
        st.dictionaries(st.sampled_from(_CRITERIA), st.sampled_from(_VERDICTS)),
        st.none() | st.floats(0, 100),
    ),
    min_size=1,
    max_size=6,
)


@given(_attempts)
def test_a_grid_repeats_every_verdict(attempts: list[Attempt]) -> None:
    """Each cell is the attempt's own verdict, and counts and rates follow from the cells alone."""
    laid = grid(attempts)
    assert {row.criterion for row in laid.rows} == {name for attempt in attempts for name in attempt.verdicts}
    for row in laid.rows:
        verdicts = [a.verdicts[row.criterion].verdict if row.criterion in a.verdicts else None for a in attempts]
        assert [cell.verdict for cell in row.cells] == verdicts
        assert row.failed == verdicts.count("present")
        assert row.decided == verdicts.count("present") + verdicts.count("absent")
        assert row.rate is None if not row.decided else row.rate == row.failed / row.decided


@given(_attempts)
def test_a_trend_speaks_of_the_last_attempt(attempts: list[Attempt]) -> None:
    """`mended`, `new` and `open` are said only where the last attempt decides, and agree with it."""
    for row in grid(attempts).rows:
        last, before = row.cells[-1].verdict, [cell.verdict for cell in row.cells[:-1]]
        expected = {
            "present": "open" if "present" in before else ("new" if "absent" in before else "same"),
            "absent": "mended" if "present" in before else "same",
        }.get(str(last), "same")
        assert row.trend == expected


@given(_attempts.filter(lambda attempts: len(attempts) > 1))
def test_a_comparison_turns_round(attempts: list[Attempt]) -> None:
    """What is new from the first to the second is mended from the second to the first, if both decide."""
    there = {change.criterion: change for change in changes(attempts[0], attempts[1])}
    back = {change.criterion: change for change in changes(attempts[1], attempts[0])}
    assert there.keys() == back.keys()
    for name, change in there.items():
        assert (change.first, change.second) == (back[name].second, back[name].first)
        if {change.first, change.second} == {"present", "absent"}:
            assert {change.turn, back[name].turn} == {"new", "mended"}


@given(_attempts)
def test_scores_stay_in_their_box(attempts: list[Attempt]) -> None:
    """A point for each score, left to right, higher for more."""
    line = score_line(attempts)
    assert len(line) == sum(attempt.score is not None for attempt in attempts)
    assert all(0 <= x <= 600 and 0 <= y <= 120 for x, y, _ in line)
    assert [x for x, _, _ in line] == sorted(x for x, _, _ in line)
