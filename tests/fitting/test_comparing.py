"""What new heads are held against: the judge as it was, by figures that don't flatter it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evaluator.backends.local.calibration import CriterionHeldOut, HeldOutFigures
from evaluator.fitting.calibrating import TrainingSet, calibrate, make_training_set
from evaluator.fitting.comparing import Before, measure_before
from evaluator.fitting.cross_validation import cross_validate, summarise
from evaluator.rubric import Rubric
from tests.encoders import WordEncoder
from tests.fakes import make_rubric
from tests.fitting.cases import label_set


@pytest.fixture(scope="module")
def training() -> TrainingSet:
    """Rows that can be learned."""
    return make_training_set(label_set(each=20), make_rubric(), WordEncoder())


@pytest.fixture(scope="module")
def figures(training: TrainingSet) -> HeldOutFigures:
    """What heads reach on them."""
    return summarise(cross_validate(training), training)


def test_without_a_calibration_the_exemplars_are_measured(training: TrainingSet, figures: HeldOutFigures) -> None:
    """A rubric without exemplars decides nothing, and everything is better than that."""
    before = measure_before(training, None)
    assert before.name == "the rubric's exemplars alone"
    assert not before.betters(figures)


def test_a_calibration_of_the_same_labels_stands_by_what_it_measured(
    training: TrainingSet, figures: HeldOutFigures
) -> None:
    """It would remember the rows; so equal training is no worse and no better."""
    before = measure_before(training, calibrate(training, figures))
    assert before.macro_f1 == figures.macro_f1
    assert not before.betters(figures)
    assert before.lost(figures) == {}


def test_a_calibration_of_other_labels_is_measured_on_these(training: TrainingSet) -> None:
    """What it once reached elsewhere says nothing here."""
    others = make_training_set(label_set(authors="CD", each=20), make_rubric(), WordEncoder())
    before = measure_before(training, calibrate(others))
    assert before.name == "the calibration that is there"
    assert before.macro_f1 == pytest.approx(1.0, abs=0.1)


def test_a_calibration_that_learned_from_these_labels_beside_others_is_not_measured_on_them(
    training: TrainingSet, figures: HeldOutFigures
) -> None:
    """It would remember the rows, and its own figures are of others: new heads needn't reach either."""
    others = label_set(authors="CD", each=20)
    remembering = make_training_set(others, make_rubric(), WordEncoder(), also=[training.labels])
    before = measure_before(training, calibrate(remembering, figures))
    assert before.name == "the rubric's exemplars alone"
    assert not before.betters(figures)


def test_a_calibration_that_was_never_held_out_is_not_measured_on_what_it_learned(
    training: TrainingSet, figures: HeldOutFigures
) -> None:
    """What it remembers is no bar for heads that are judged on authors they haven't seen."""
    before = measure_before(training, calibrate(training))
    assert before.name == "the rubric's exemplars alone"
    assert not before.betters(figures)


@pytest.mark.parametrize(
    ("old", "new", "better"), [(0.8, 0.7, True), (0.8, 0.8, False), (None, 0.1, False), (0.1, None, True)]
)
def test_less_agreement_is_noticed(
    figures: HeldOutFigures, old: float | None, new: float | None, *, better: bool
) -> None:
    """On the whole and by criterion; an undefined figure is less than any."""
    line = CriterionHeldOut(f1=new, precision=None, recall_decided=None, coverage=None)
    after = figures.model_copy(update={"macro_f1": new, "by_criterion": {"vanity": line}})
    before = Before("it", old, {"vanity": old, "gone": 0.5})
    assert before.betters(after) is better
    assert before.lost(after) == ({"vanity": (0.8, 0.7)} if new == 0.7 else {})


def test_a_calibration_that_learned_from_these_authors_is_not_measured_on_them(figures: HeldOutFigures) -> None:
    """A file that grew has another hash, and the rows that were in it before are remembered all the same."""
    grown = make_training_set(label_set(authors="ABC", each=20), make_rubric(), WordEncoder())
    less = make_training_set(label_set(each=20), make_rubric(), WordEncoder())
    before = measure_before(grown, calibrate(less, figures))
    assert before.name == "the rubric's exemplars alone"
    assert before.elsewhere == figures


@pytest.mark.parametrize(
    ("interval", "worse"), [((0.3, 0.4), True), ((0.5, 0.8), False), (None, False)], ids=["apart", "overlap", "unknown"]
)
def test_figures_of_other_rows_count_if_chance_does_not_explain_them(
    figures: HeldOutFigures, interval: tuple[float, float] | None, *, worse: bool
) -> None:
    """Rows differ, and so do figures of equal heads; only intervals that lie apart say that something was lost."""
    once = figures.model_copy(update={"macro_f1": 0.8, "macro_f1_interval": (0.7, 0.9)})
    after = figures.model_copy(update={"macro_f1": 0.35, "macro_f1_interval": interval})
    assert Before("the rubric's exemplars alone", 0.2, {}, elsewhere=once).betters(after) is worse


def test_stale_heads_are_no_bar(training: TrainingSet, figures: HeldOutFigures) -> None:
    """What a calibration reached by a definition that was edited since is not how the judge does now."""
    old = calibrate(training, figures)
    rubric = make_rubric()
    edited = [
        criterion.model_copy(update={"definition": "Another meaning."}) if criterion.id == "vanity" else criterion
        for criterion in rubric.criteria
    ]
    changed = replace(training, rubric=Rubric.model_validate(rubric.model_copy(update={"criteria": tuple(edited)})))
    before = measure_before(changed, old)
    assert before.by_criterion["no_goal"] == figures.by_criterion["no_goal"].f1
    assert before.by_criterion["vanity"] != figures.by_criterion["vanity"].f1
