"""Training: learns what can be learned, the same way every time, and says what it could not."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.agreement.labels import parse_labels
from evaluator.backends.local.calibration import parse_calibration
from evaluator.errors import LabelsError
from evaluator.fitting.calibrating import TrainingSet, calibrate, make_training_set, too_few
from evaluator.fitting.cross_validation import HELD_OUT, cross_validate, summarise
from evaluator.fitting.folds import folds_of
from evaluator.fitting.regression import fit_logistic
from tests.encoders import WordEncoder
from tests.fakes import make_rubric
from tests.fitting.cases import label_bytes, label_set


def _training(*, authors: str = "AB", each: int = 36) -> TrainingSet:
    return make_training_set(label_set(authors=authors, each=each), make_rubric(), WordEncoder())


def test_what_words_decide_is_learned_across_authors() -> None:
    """On authors it has not seen the trained judge finds nearly all; bare speech costs little."""
    training = _training()
    held_out = cross_validate(training)
    figures = summarise(held_out, training)
    assert figures.folds == ("A", "B")
    assert figures.by_criterion["vanity"].f1 == pytest.approx(1.0, abs=0.1)
    assert figures.by_criterion["no_goal"].f1 == pytest.approx(1.0, abs=0.1)
    assert figures.weak == ()
    assert figures.macro_f1_bare == pytest.approx(1.0, abs=0.15)
    assert figures.span_overlap is not None
    assert figures.span_overlap > 0.5
    assert len(held_out.measurement.evaluations) == len(training.labels.rows)


def test_the_report_names_no_calibration_that_could_be_quoted() -> None:
    """Held-out figures belong to no file, and the report says so without a warning."""
    training = _training(each=22)
    report = cross_validate(training).report(training)
    assert report.judge.calibration == HELD_OUT
    assert report.warnings == ()


def test_the_same_labels_give_the_same_bytes() -> None:
    """A calibration can be made again by anybody who has the labels."""
    assert calibrate(_training(each=20)).to_json() == calibrate(_training(each=20)).to_json()


def test_a_calibration_knows_where_it_comes_from() -> None:
    """Labels, authors, encoder and counts travel with the heads, and the file reads back."""
    training = _training()
    calibration = calibrate(training)
    assert calibration.labels.sha256 == training.labels.sha256
    assert calibration.labels.authors == {"A": 36, "B": 36}
    assert calibration.encoder.name == "words"
    counts = {part.id: (part.present, part.absent) for part in calibration.criteria}
    assert counts == {"vanity": (36, 36), "no_goal": (48, 24)}
    assert parse_calibration(calibration.to_json()) == calibration


def test_criteria_with_too_few_labels_stay_untrained() -> None:
    """What nobody labelled is told with what it lacks, and has no part in the file."""
    training = _training()
    lacking = too_few(training)
    assert set(lacking) == {"no_guardrail", "vague", "misread_test", "rambling"}
    assert lacking["vague"] == "0 labels present and 0 absent; 10 of each are needed"
    assert {part.id for part in calibrate(training).criteria} == {"vanity", "no_goal"}


def test_labels_too_few_for_any_criterion_are_refused() -> None:
    """Nothing is trained on a handful of rows."""
    with pytest.raises(LabelsError, match="no criterion has 10 labels"):
        calibrate(_training(each=4))


def test_labels_to_measure_on_hold_something_to_measure() -> None:
    """Without an answer of theirs there would be no figures, however much is learned beside them."""
    content = label_bytes(authors="CD").replace(b'"candidate"', b'"interviewer"')
    silent = parse_labels(content, make_rubric(), name="silent.jsonl")
    with pytest.raises(LabelsError, match=r"silent\.jsonl: no row holds an answer"):
        make_training_set(silent, make_rubric(), WordEncoder(), also=[label_set(each=20)])


@pytest.mark.parametrize(
    ("authors", "folds"), [("A", {"1", "2", "3", "4", "5"}), ("ABC", {"A", "B", "C"}), ("ABCDEFGHIJ", set("12345"))]
)
def test_an_author_is_never_split_unless_alone(authors: str, folds: set[str]) -> None:
    """A fold is an author; one author is dealt out, and many share folds."""
    rows = label_set(authors=authors, each=6).rows
    found = folds_of(rows)
    assert set(found.values()) == folds
    if len(authors) > 1:
        assert all(len({found[row.id] for row in rows if row.author == author}) == 1 for author in authors)


def test_one_row_can_not_be_held_out() -> None:
    """There must be something to hold out and something to learn from."""
    with pytest.raises(LabelsError, match="two rows"):
        folds_of(label_set(authors="A", each=1).rows)


def test_regression_finds_what_separates_and_ignores_what_weighs_nothing() -> None:
    """Weights point at what decides; rows of weight 0 don't count; a column of weight 0 stays at 0."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    decided = (rows[:, [0, 1]] > 0).astype(np.float64)
    weights = np.ones((200, 2))
    weights[:, 1] = 0
    found = fit_logistic(rows, decided, weights, ridge=0.01)
    assert found.shape == (4, 2)
    assert found[0, 0] > 5 * abs(found[1:3, 0]).max()
    assert not found[:, 1].any()
    lied, ignored = decided.copy(), np.ones((200, 2))
    lied[:50, 0], ignored[:50, 0] = 1 - lied[:50, 0], 0
    honest = fit_logistic(rows[50:], decided[50:, :1], np.ones((150, 1)), ridge=0.01)
    np.testing.assert_allclose(fit_logistic(rows, lied, ignored, ridge=0.01)[:, :1], honest, atol=1e-3)
