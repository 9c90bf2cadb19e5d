"""Answers as they might have been: one label turned round, and what is said changed with it."""

from __future__ import annotations

import numpy as np

from evaluator.fitting.calibrating import TrainingSet, make_training_set
from evaluator.fitting.counterfactuals import make_counterfactuals
from evaluator.fitting.examples import Example
from tests.encoders import WordEncoder
from tests.fakes import make_rubric
from tests.fitting.cases import label_set


def _training(authors: str = "AB") -> TrainingSet:
    return make_training_set(label_set(authors=authors, each=6), make_rubric(), WordEncoder())


def _changed(training: TrainingSet) -> list[tuple[Example, Example]]:
    """Return each changed answer with the one that it was made from."""
    whole = [example for example in training.examples if example.changed is None]
    by_case = {id(example.case): example for example in whole}
    return [(example, by_case[id(example.case)]) for example in training.examples if example.changed is not None]


def test_one_label_is_turned_round_and_the_proof_goes_or_comes() -> None:
    """What proves a label is taken out, or proof of its opposite put in; the answer is that much shorter or longer."""
    pairs = _changed(_training())
    assert {example.changed.how for example, _ in pairs if example.changed} == {"taken", "put"}
    for example, before in pairs:
        assert example.changed is not None
        criterion = example.changed.criterion
        assert {example.labels[criterion], before.labels[criterion]} == {"present", "absent"}
        fewer = len(before.features.sentences) - len(example.features.sentences)
        assert fewer >= 1 if example.changed.how == "taken" else fewer == -1
        kept = {key for key, label in example.labels.items() if label == before.labels[key] and key != criterion}
        assert all(example.labels[key] is None for key in set(before.labels) - kept - {criterion})


def test_proof_comes_from_the_same_author() -> None:
    """A held-out author's words never reach a fold that is trained without them."""
    for example, before in _changed(_training()):
        assert example.author == before.author
        if example.changed is not None and example.changed.how == "put":
            own = {s.text for e in _training().examples if e.author == example.author for s in e.features.sentences}
            assert {sentence.text for sentence in example.features.sentences} <= own


def test_transcripts_of_one_author_lend_nothing_to_one_another() -> None:
    """Where rows of one author are dealt into folds, no words may pass between them."""
    assert {example.changed.how for example, _ in _changed(_training("A")) if example.changed} == {"taken"}


def test_the_same_examples_give_the_same_answers() -> None:
    """Chance is seeded: training can be repeated to the byte."""
    training = _training()
    whole = [example for example in training.examples if example.changed is None]
    first, second = (make_counterfactuals(whole, training.rubric, training.lexicon) for _ in range(2))
    assert len(first) == len(second) > 0
    assert all(np.array_equal(a.features.rows, b.features.rows) for a, b in zip(first, second, strict=True))
