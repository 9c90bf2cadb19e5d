"""Every figure against pencil and paper, against scikit-learn, and within its bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType] - it has no stubs

from evaluator.agreement import scikit
from evaluator.agreement.statistics import (
    LABEL_ORDER,
    VERDICT_ORDER,
    Cells,
    brier,
    cell_figures,
    defined,
    expected_calibration_error,
    interval,
    macro,
    resample,
)

_PAIRS = st.lists(st.tuples(st.sampled_from(LABEL_ORDER), st.sampled_from(VERDICT_ORDER)), max_size=40)
_SAID = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40)


def _cells(pairs: list[tuple[str, str]]) -> Cells:
    cells = np.zeros((2, 4), dtype=np.int64)
    for label, verdict in pairs:
        cells[LABEL_ORDER.index(label), VERDICT_ORDER.index(verdict)] += 1
    return cells


def test_figures_of_one_table_are_those_worked_out_by_hand() -> None:
    """Ten labels: 3 hits, 2 misses (one unscored), 1 false alarm; kappa is (0.7 - 0.45) / (1 - 0.45)."""
    figures = cell_figures(np.array([[3, 1, 0, 1], [1, 4, 0, 0]], dtype=np.int64))
    assert figures.precision == pytest.approx(3 / 4)
    assert figures.recall == pytest.approx(3 / 5)
    assert figures.f1 == pytest.approx(2 / 3)
    assert figures.kappa == pytest.approx(0.25 / 0.55)
    assert figures.coverage == pytest.approx(9 / 10)


@given(_PAIRS)
def test_figures_equal_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    """The formulas behind the intervals and scikit-learn behind the values say the same, undefined cases included."""
    figures = cell_figures(_cells(pairs))
    labels, verdicts = [label for label, _ in pairs], [verdict for _, verdict in pairs]
    expected = scikit.precision_recall_f1([x == "present" for x in labels], [x == "present" for x in verdicts])
    ours = [defined(x.item()) for x in (figures.precision, figures.recall, figures.f1)]
    assert ours == [None if x is None else pytest.approx(x) for x in expected]
    kappa = scikit.kappa(labels, verdicts, VERDICT_ORDER)
    assert defined(figures.kappa.item()) == (None if kappa is None else pytest.approx(kappa, abs=1e-9))


@given(_PAIRS)
def test_figures_keep_their_bounds(pairs: list[tuple[str, str]]) -> None:
    """Shares lie between 0 and 1, kappa between -1 and 1, and F1 between precision and recall."""
    figures = cell_figures(_cells(pairs))
    for share in (figures.precision, figures.recall, figures.f1, figures.coverage):
        assert np.isnan(share) or 0 <= share <= 1
    assert np.isnan(figures.kappa) or -1 <= figures.kappa <= 1
    if not np.isnan(figures.precision) and not np.isnan(figures.recall):
        ends = sorted((figures.precision.item(), figures.recall.item()))
        assert ends[0] - 1e-9 <= figures.f1 <= ends[1] + 1e-9


@given(_PAIRS)
def test_an_abstention_never_helps(pairs: list[tuple[str, str]]) -> None:
    """Turning a right verdict into ``unscored`` raises none of recall, F1 and coverage."""
    right = [number for number, (label, verdict) in enumerate(pairs) if label == verdict]
    if not right:
        return
    silent = list(pairs)
    silent[right[0]] = (pairs[right[0]][0], "unscored")
    before, after = cell_figures(_cells(pairs)), cell_figures(_cells(silent))
    for name in ("recall", "f1", "coverage"):
        was, now = defined(getattr(before, name).item()), defined(getattr(after, name).item())
        assert was is None or now is None or now <= was + 1e-9


def test_nothing_labelled_and_nothing_judged_leaves_f1_undefined() -> None:
    """F1 has no value then; one false alarm makes it 0, and neither is a precision of nothing."""
    quiet = cell_figures(np.array([[0, 0, 0, 0], [0, 5, 0, 1]], dtype=np.int64))
    alarmed = cell_figures(np.array([[0, 0, 0, 0], [1, 5, 0, 0]], dtype=np.int64))
    assert [defined(x.item()) for x in (quiet.f1, quiet.precision, quiet.recall)] == [None, None, None]
    assert [defined(x.item()) for x in (alarmed.f1, alarmed.precision, alarmed.recall)] == [0.0, 0.0, None]


def test_kappa_of_two_raters_who_know_one_word_is_undefined() -> None:
    """Chance alone would agree fully, so agreement shows nothing."""
    assert defined(cell_figures(np.array([[4, 0, 0, 0], [0, 0, 0, 0]], dtype=np.int64)).kappa.item()) is None
    assert scikit.kappa(["present"] * 4, ["present"] * 4, VERDICT_ORDER) is None
    assert scikit.kappa([], [], VERDICT_ORDER) is None


def test_quadratic_kappa_is_that_worked_out_by_hand() -> None:
    """Two neighbours confused in four: squared distances of 2 against 6.5 by chance."""
    labels, bands = ["best", "best", "middle", "worst"], ["best", "middle", "worst", "worst"]
    assert scikit.kappa(labels, bands, ("best", "middle", "worst"), quadratic=True) == pytest.approx(1 - 2 / 6.5)


def test_confusion_counts_labels_down_and_verdicts_across() -> None:
    """Words that never occur keep their row and column; nothing rated gives zeros."""
    assert scikit.confusion(["a", "a", "b"], ["a", "b", "b"], ("a", "b", "c")) == ((1, 1, 0), (0, 1, 0), (0, 0, 0))
    assert scikit.confusion([], [], ("a", "b")) == ((0, 0), (0, 0))


def test_macro_leaves_out_what_is_undefined() -> None:
    """The mean of 0.5 and 1 is 0.75 whatever stands undefined beside them; of nothing it is undefined."""
    assert macro(np.array([0.5, np.nan, 1.0])) == pytest.approx(0.75)
    assert defined(macro(np.array([np.nan, np.nan])).item()) is None


def test_resampling_repeats_with_its_seed() -> None:
    """The same seed draws the same; another one differs."""
    cells = np.random.default_rng(3).integers(0, 2, size=(30, 2, 2, 4))
    assert np.array_equal(resample(cells, seed=1), resample(cells, seed=1))
    assert not np.array_equal(resample(cells, seed=1), resample(cells, seed=2))


def test_resampling_draws_as_many_transcripts_as_there_are() -> None:
    """Every resample of 30 transcripts with one label each holds 30 labels."""
    cells = np.zeros((30, 1, 2, 4), dtype=np.int64)
    cells[:, 0, 0, 0] = 1
    assert set(resample(cells, seed=5, resamples=50).sum(axis=(1, 2, 3)).tolist()) == {30}


def test_fewer_than_two_transcripts_have_no_interval() -> None:
    """One transcript tells nothing about chance."""
    one = np.ones((1, 1, 2, 4), dtype=np.int64)
    assert interval(cell_figures(resample(one, seed=1)).f1) is None
    assert interval(cell_figures(resample(one[:0], seed=1)).f1) is None


def test_interval_is_the_central_95_percent_of_what_is_defined() -> None:
    """Of 0 to 100 it runs from 2.5 to 97.5; undefined resamples are passed over."""
    samples = np.append(np.arange(101, dtype=float), np.nan)
    assert interval(samples) == pytest.approx((2.5, 97.5))
    assert interval(np.array([np.nan])) is None


def test_brier_score_is_that_worked_out_by_hand() -> None:
    """0.9 right and 0.6 wrong: (0.01 + 0.36) / 2."""
    assert brier([0.9, 0.6], [True, False]) == pytest.approx(0.185)
    assert brier([], []) is None


def test_calibration_error_is_that_worked_out_by_hand() -> None:
    """Bin of 0.8 to 0.9: mean 0.85, right half the time, gap 0.35 on 2 of 3; the last bin holds 1.0, gap 0."""
    assert expected_calibration_error([0.8, 0.89, 1.0], [True, False, True]) == pytest.approx(abs(0.845 - 0.5) * 2 / 3)
    assert expected_calibration_error([], []) is None


@given(_SAID)
def test_figures_of_confidence_keep_their_bounds(said: list[tuple[float, bool]]) -> None:
    """Both lie between 0 and 1, the calibration error's square is no more than Brier, and Brier is scikit-learn's."""
    confidence, right = [x for x, _ in said], [x for _, x in said]
    ours, error = brier(confidence, right), expected_calibration_error(confidence, right)
    assert ours is not None
    assert error is not None
    assert 0 <= error <= 1
    assert error**2 <= ours + 1e-9
    assert ours == pytest.approx(brier_score_loss(right, confidence, labels=[False, True]), abs=1e-9)
