"""Tests of two batches side by side: matched by words, then by name; every change counted once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from evaluator.batch.comparing import compare, compare_batches
from evaluator.batch.comparison import Comparison
from evaluator.batch.comparison_text import render_text
from evaluator.batch.outputs import write_outputs
from evaluator.batch.records import GradedItem
from evaluator.errors import InputError
from evaluator.judging import Opinion
from evaluator.values.judge import Verdict
from tests.batch.batch_cases import HOSTILE, WORDS, graded, hostile_batch, small_rubric, varied_batch
from tests.fakes import opinion


def _judged(count: int, verdict: Verdict, *more: Opinion, model: str = "m-1") -> list[GradedItem]:
    quote = ["track clicks"] if verdict == "present" else []
    said = opinion("vanity", verdict, *quote, turn=0)
    return [graded(f"i{n}", said, *more, words=f"{WORDS} {n}", model=model) for n in range(count)]


def _flips(comparison: Comparison, criterion: str) -> dict[str, int]:
    told = next(flips for flips in comparison.flips if flips.criterion == criterion)
    return {name: value for name, value in told if isinstance(value, int) and value}


@settings(max_examples=10)
@given(seed=st.integers(0, 3))
def test_a_batch_does_not_differ_from_itself(seed: int) -> None:
    """The same evaluations twice show no flip, no shift, no move and no other setting."""
    batch = [record for record in varied_batch(seed=seed) if isinstance(record, GradedItem)]
    comparison = compare(batch, reversed(batch))
    assert comparison.matched == len(batch)
    assert (comparison.flipped, comparison.bands.changed, comparison.settings) == (0, 0, ())
    assert all(flips.same == len(batch) for flips in comparison.flips)
    assert comparison.score is not None
    assert (comparison.score.mean, comparison.score.up, comparison.score.down) == (0, 0, 0)
    assert "Nobody changed band." in render_text(comparison)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("absent", "present", "absent_to_present"),
        ("present", "absent", "present_to_absent"),
        ("present", "unscored", "to_unscored"),
        ("absent", "unscored", "to_unscored"),
        ("unscored", "absent", "from_unscored"),
        ("present", "present", "same"),
    ],
)
def test_each_flip_is_counted_by_its_kind(before: Verdict, after: Verdict, kind: str) -> None:
    """A changed verdict counts once, under its own criterion and nothing else's."""
    comparison = compare(_judged(7, before), _judged(7, after))
    assert _flips(comparison, "vanity") == {kind: 7}
    assert _flips(comparison, "rambling") == {"same": 7}
    assert comparison.flipped == (0 if before == after else 7)


def test_scores_and_bands_follow_the_verdicts() -> None:
    """The shift is B minus A over the pairs, with an interval; who changed band is named."""
    rest = opinion("no_goal", "absent", "track clicks", turn=0), opinion("vague", "absent")
    weak, strong = _judged(25, "present", *rest), _judged(25, "absent", *rest)
    comparison = compare(strong, weak)
    before, after = (side[0].evaluation.scorecard for side in (strong, weak))
    assert before.score is not None
    assert after.score is not None
    assert comparison.score is not None
    assert comparison.score.mean == pytest.approx(after.score - before.score)
    assert comparison.score.interval == pytest.approx((comparison.score.mean,) * 2)
    assert (comparison.score.up, comparison.score.down) == (0, 25)
    assert sum(comparison.score.histogram) == 25
    assert comparison.score.histogram[0] == 25
    assert comparison.bands.changed == 25
    assert comparison.bands.pairs == ((before.band, after.band, 25),)
    assert comparison.bands.items[0].item == "i0"


def test_few_pairs_have_no_interval() -> None:
    """Under twenty pairs the mean stands without an interval."""
    score = compare(_judged(5, "present"), _judged(5, "absent")).score
    assert score is not None
    assert score.interval is None


def test_words_match_before_names() -> None:
    """Renamed items are found by their words; the same name with other words matches by name and is counted so."""
    a = [graded("one", words="I would track clicks, first."), graded("two", words="I would track clicks, second.")]
    b = [graded("two", words="I would track clicks, first."), graded("one", words="Other words, clicks.")]
    comparison = compare(a, b)
    assert (comparison.matched, comparison.matched_by_name) == (1, 0)
    assert (comparison.only_a.items, comparison.only_b.items) == (("two",), ("one",))
    renamed = compare(a, [graded("two", words="Quite other words, clicks."), graded("three")])
    assert (renamed.matched, renamed.matched_by_name) == (1, 1)
    assert (renamed.only_a.items, renamed.only_b.items) == (("one",), ("three",))


def test_repeated_words_are_matched_one_to_one() -> None:
    """Two items with the same words take two partners, each the one of its name."""
    a = [graded("x"), graded("y", same_as="x")]
    comparison = compare(a, [graded("y"), graded("x", same_as="y"), graded("z", same_as="y")])
    assert comparison.matched == 2
    assert comparison.only_b.items == ("z",)
    assert comparison.a.cost_usd == pytest.approx(0.001)


def test_what_judged_is_compared() -> None:
    """Another model, or several of them, is told; what is the same is not."""
    comparison = compare(_judged(2, "present"), [*_judged(1, "present"), *_judged(2, "absent", model="m-2")[1:]])
    assert [(setting.name, setting.a, setting.b) for setting in comparison.settings] == [
        ("model", ("m-1",), ("m-1", "m-2"))
    ]


def test_criteria_on_one_side_are_told() -> None:
    """A criterion that only one rubric has is named with its side and counts nothing."""
    (record,) = _judged(1, "present")
    evaluation = record.evaluation
    fewer = evaluation.model_copy(update={"findings": evaluation.findings[1:]})
    comparison = compare([record], [record.model_copy(update={"evaluation": fewer})])
    vanity = comparison.flips[0]
    assert (vanity.criterion, vanity.side, vanity.same) == ("vanity", "a", 0)
    assert comparison.flipped == 0
    assert "only in A" in render_text(comparison)


def test_nothing_in_common_is_said() -> None:
    """Without a single pair the text says so instead of showing empty tables."""
    comparison = compare([graded("a")], [graded("b", words="Other words, clicks.")])
    assert (comparison.matched, comparison.score) == (0, None)
    assert "nothing to compare" in render_text(comparison)


def test_folders_and_files_compare_alike(tmp_path: Path) -> None:
    """An output folder stands for its evaluations, and tells its failures too."""
    write_outputs(tmp_path / "a", varied_batch(), small_rubric())
    write_outputs(tmp_path / "b", varied_batch(seed=2), small_rubric())
    folders = compare_batches(tmp_path / "a", tmp_path / "b")
    files = compare_batches(tmp_path / "a" / "evaluations.jsonl", tmp_path / "b" / "evaluations.jsonl")
    assert folders.flips == files.flips
    assert folders.a.failed == sum(not isinstance(record, GradedItem) for record in varied_batch())
    with pytest.raises(InputError, match="can't be read"):
        compare_batches(tmp_path / "a", tmp_path / "none")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_hostile_names_are_harmless_in_a_terminal(width: int) -> None:
    """Names of items and folders can't command a terminal, and every line keeps the width."""
    a = [record for record in hostile_batch() if isinstance(record, GradedItem)]
    text = render_text(compare(a, [], names=(HOSTILE, HOSTILE)), width=width)
    assert not set(text) & set("\x00\x1b\u202e\u2028\ufeff\r")
    assert max(map(cell_len, text.splitlines())) <= width
