"""Tests of the figures of a batch: they are what counting again by another way gives."""

from __future__ import annotations

from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.batch.summary import Slice, Summary
from evaluator.batch.tallying import summarise
from tests.batch.batch_cases import WORDS, failed, graded, small_rubric, varied_batch
from tests.fakes import opinion


def _slice(summary: Summary, column: str) -> Slice:
    return next(cut for cut in summary.slices if cut.column == column)


@settings(max_examples=25)
@given(count=st.integers(0, 80), seed=st.integers(0, 3))
def test_every_count_is_what_counting_again_gives(count: int, seed: int) -> None:
    """Statuses, codes, bands, verdicts, rates, the histogram and cost of any batch can be recounted."""
    records = varied_batch(count, seed)
    summary = summarise(records, small_rubric())
    good = [record for record in records if isinstance(record, GradedItem)]
    bad = [record for record in records if isinstance(record, FailedItem)]
    cards = [record.evaluation.scorecard for record in good]
    scores = [card.score for card in cards if card.score is not None]
    assert (summary.items, summary.failed) == (count, len(bad))
    assert summary.needs_review == sum(card.needs_review for card in cards)
    assert summary.graded == sum(card.band is not None for card in cards)
    assert summary.failed_by_code == Counter(record.code for record in bad)
    assert summary.duplicates == sum(record.same_as is not None for record in good)
    bands = Counter(card.band for card in cards)
    assert {line.band: line.count for line in summary.bands} == {
        b.id: bands[b.id] for b in small_rubric().scoring.bands
    }
    paid = [record.evaluation.usage.cost_usd for record in good if record.same_as is None]
    assert summary.spent.cost_usd == pytest.approx(sum(paid))
    assert (summary.score is None) == (not scores)
    if summary.score is not None:
        assert summary.score.histogram == tuple(np.histogram(scores, bins=20, range=(0, 100))[0].tolist())
        quartiles = (summary.score.lower_quartile, summary.score.median, summary.score.upper_quartile)
        assert quartiles == pytest.approx(tuple(np.percentile(scores, (25, 50, 75))))
        assert summary.score.mean == pytest.approx(fmean(scores))
    for line in summary.criteria:
        verdicts = Counter(f.verdict for r in good for f in r.evaluation.findings if f.criterion == line.criterion)
        told = {"present": line.present, "absent": line.absent, "na": line.na, "unscored": line.unscored}
        assert told == {verdict: verdicts[verdict] for verdict in told}
        decided = line.present + line.absent
        assert line.rate == (line.present / decided if decided else None)


def test_slices_add_up_to_the_batch() -> None:
    """Each item with a value counts in one group of the column, in score, band and verdict."""
    records = varied_batch()
    cut = _slice(summarise(records, small_rubric()), "cohort")
    for group in cut.groups:
        here = [r for r in records if isinstance(r, GradedItem) and r.columns["cohort"] == group.value]
        scores = [s for r in here if (s := r.evaluation.scorecard.score) is not None]
        assert (group.n, group.scored) == (len(here), len(scores))
        assert group.mean_score == pytest.approx(fmean(scores))
        bands = Counter(r.evaluation.scorecard.band for r in here)
        assert group.bands == {band.id: bands[band.id] for band in small_rubric().scoring.bands}
        found = sum(f.verdict == "present" for r in here for f in r.evaluation.findings if f.criterion == "vanity")
        assert group.present["vanity"] == found


def test_columns_with_one_or_too_many_values_are_not_cut() -> None:
    """A name for each student is no cohort, and neither is a column without a difference or without values."""
    columns = {cut.column for cut in summarise(varied_batch(), small_rubric()).slices}
    assert "cohort" in columns
    assert columns.isdisjoint({"student", "empty"})


def _cohorts(size: int) -> list[GradedItem]:
    bad, good = opinion("vanity", "present", "track clicks", turn=0), opinion("vanity", "absent")
    decided = opinion("vague", "absent"), opinion("no_goal", "present"), opinion("no_guardrail", "present")
    weak = graded("w", bad, *decided).evaluation
    strong = graded("s", good, *decided).evaluation
    return [
        GradedItem(item=f"{number}{cohort}", columns={"cohort": cohort}, evaluation=evaluation)
        for number in range(size)
        for cohort, evaluation in (("A", weak), ("B", strong))
    ]


def test_a_real_difference_is_found_and_told_once() -> None:
    """Cohorts that never do the same differ beyond chance, in score and in the criterion that decides it."""
    cut = _slice(summarise(_cohorts(40), small_rubric()), "cohort")
    assert {d.criterion for d in cut.differences if d.beyond_chance} == {None, "vanity"}
    assert {d.value for d in cut.differences} == {"A"}
    assert cut.differences[0].here < cut.differences[0].elsewhere or cut.differences[0].criterion == "vanity"


def test_too_few_items_say_nothing() -> None:
    """Under the least size no difference is claimed, and the comparisons left out are counted."""
    summary = summarise(_cohorts(4), small_rubric())
    cut = _slice(summary, "cohort")
    assert (cut.differences, summary.comparisons) == ((), 0)
    assert cut.too_few == 2


def test_equal_groups_show_no_difference() -> None:
    """Where chance alone decides the cohort, nothing is beyond chance."""
    cut = _slice(summarise(varied_batch(200, 2), small_rubric()), "cohort")
    assert cut.differences
    assert not any(difference.beyond_chance for difference in cut.differences)


def test_teaching_starts_with_what_costs_most() -> None:
    """Criteria are ranked by weight times rate; those that nobody fell into are left out."""
    summary = summarise(varied_batch(), small_rubric())
    lines = {line.criterion: line for line in summary.criteria}
    costs = [lines[name].weight * (lines[name].rate or 0) for name in summary.teach_next]
    assert costs == sorted(costs, reverse=True)
    assert set(summary.teach_next) == {line.criterion for line in summary.criteria if line.present}


def test_the_surest_quotes_are_kept_with_their_items() -> None:
    """At most three words of proof a criterion, surest first, and none from repeated words."""
    quote = "track clicks and look at the trend"
    records = [
        graded(f"i{n}", opinion("vanity", "present", quote, turn=0, confidence=n / 10), words=f"{WORDS} {n}")
        for n in range(10)
    ]
    records.append(graded("copy", opinion("vanity", "present", quote, turn=0, confidence=1.0), same_as="i9"))
    line = summarise(records, small_rubric()).criteria[0]
    assert [proof.item for proof in line.quotes] == ["i9", "i8", "i7"]
    assert {proof.quote for proof in line.quotes} == {quote}


def test_mixed_judges_rubrics_and_repeats_are_warned_of() -> None:
    """Who reads the figures learns that several judges made them, and that words repeat."""
    one, other = graded("a"), graded("b", model="m-2")
    repeated = graded("c", same_as="a")
    assert summarise([one], small_rubric()).warnings == ()
    warnings = summarise([one, other, repeated], small_rubric()).warnings
    assert any("2 different judges" in warning for warning in warnings)
    assert any("earlier one: 1." in warning for warning in warnings)
    rubric = one.evaluation.rubric.model_copy(update={"sha256": "0" * 64})
    changed = one.model_copy(update={"evaluation": one.evaluation.model_copy(update={"rubric": rubric})})
    assert any("another rubric" in warning for warning in summarise([changed], small_rubric()).warnings)


def test_what_may_go_through_again_is_counted() -> None:
    """Failed items that another run may grade are told apart from those that it can't."""
    summary = summarise([failed("a"), failed("b", "judge_unavailable", again=True)], small_rubric())
    assert (summary.failed, summary.retryable, summary.score) == (2, 1, None)


def test_names_without_end_make_no_table_without_end() -> None:
    """When each row brings a column of its own, the first five hundred stand in the tables, and the rest is told."""
    summary = summarise([failed(f"i{n}", columns={f"c{n}": "x"}) for n in range(600)], small_rubric())
    assert summary.input_columns == tuple(f"c{n}" for n in range(500))
    assert any("first 500 columns" in warning for warning in summary.warnings)
