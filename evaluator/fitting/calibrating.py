"""From examples to a calibration: chooses what can be trained, trains it, and writes down where it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from evaluator.agreement.labels import LabelledRow, LabelSet
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.calibration import (
    Calibration,
    CriterionCalibration,
    EncoderRef,
    HeldOutFigures,
    LabelsUsed,
)
from evaluator.backends.local.freshness import criterion_digest, criterion_form, features_digest
from evaluator.backends.local.lexicon import Lexicon, lexicon_for
from evaluator.backends.local.packed_array import PackedArray
from evaluator.errors import LabelsError
from evaluator.fitting.bare_speech import bare_row
from evaluator.fitting.examples import Example, make_examples
from evaluator.fitting.folds import folds_of
from evaluator.fitting.made_sentences import MadeRow, average_place, made_rows, made_sentences_for
from evaluator.fitting.training import HYPER_PARAMETERS, RECIPE_VERSION, train_heads
from evaluator.rubric import Rubric
from evaluator.version import __version__

__all__ = ["LEAST_LABELS", "TrainingSet", "calibrate", "check_trainable", "make_training_set", "too_few"]

LEAST_LABELS: Final = 10  # present and absent each, over two folds at least; with fewer a head learns the author


class _RememberingEncoder:
    """An encoder that computes each sentence once; holds all of them, so it lives as long as a training run."""

    def __init__(self, encoder: Encoder) -> None:
        """Wrap ``encoder``."""
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    @property
    def name(self) -> str:
        """Name of the model inside."""
        return self._encoder.name

    @property
    def sha256(self) -> str:
        """Hash of its weights."""
        return self._encoder.sha256

    def encode(self, sentences: Sequence[str]) -> Vectors:
        """Return one unit row for each sentence, as `Encoder.encode`."""
        missing = list(dict.fromkeys(sentence for sentence in sentences if sentence not in self._known))
        rows = self._encoder.encode(missing)
        self._known.update(zip(missing, rows, strict=True))
        if not sentences:
            return rows
        return np.stack([self._known[sentence] for sentence in sentences])

    def width(self, sentence: str) -> int:
        """Return what the encoder inside does, as `Encoder.width`."""
        return self._encoder.width(sentence)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that is computed once, however often heads are trained.

    Attributes:
        labels: The file of labels that figures are told of.
        also: More labels, to learn from alone.
        rubric: What they judge by.
        lexicon: What is counted.
        encoder: Who computed the vectors.
        examples: Every row that can be judged, and its bare spoken form.
        made: Sentences that nobody said.
        made_sha256: Hash of the file that they come from.
        folds: Fold of each row id, for training.
        held_out: Fold of each row id of `labels`, for measuring.
    """

    labels: LabelSet
    also: tuple[LabelSet, ...]
    rubric: Rubric
    lexicon: Lexicon
    encoder: Encoder
    examples: tuple[Example, ...]
    made: tuple[MadeRow, ...]
    made_sha256: str
    folds: Mapping[str, str]
    held_out: Mapping[str, str]

    @property
    def authors(self) -> frozenset[str]:
        """Who wrote `labels`; of a single author, groups of rows are held out."""
        return frozenset(row.author for row in self.labels.rows)

    @property
    def unlearned(self) -> tuple[LabelledRow, ...]:
        """Rows that hold nothing to judge, so that nothing is learned from them; those of `labels` first."""
        learned = {example.row_id for example in self.examples}
        return tuple(row for row in self.rows if row.id not in learned)

    @property
    def rows(self) -> tuple[LabelledRow, ...]:
        """All rows, of whichever file."""
        return _rows_of((self.labels, *self.also))

    def without(self, fold: str) -> TrainingSet:
        """Return the same set without the examples of one fold that is held out; the rest is folded anew.

        Raises:
            LabelsError: Too few rows are left.
        """
        kept = tuple(example for example in self.examples if self.held_out.get(example.row_id) != fold)
        folds = folds_of([row for row in self.rows if self.held_out.get(row.id) != fold])
        return replace(self, examples=kept, folds=folds)


def make_training_set(
    labels: LabelSet,
    rubric: Rubric,
    encoder: Encoder,
    *,
    also: Sequence[LabelSet] = (),
    rubric_file: Path | None = None,
) -> TrainingSet:
    """Compute the examples of all rows, as they stand and as bare speech.

    Args:
        labels: What to learn from and to be measured on.
        rubric: What they judge by.
        encoder: Asked for each sentence.
        also: More to learn from, by other authors.
        rubric_file: Where the rubric lies, for the sentences beside it.

    Raises:
        LabelsError: There are too few rows, none of ``labels`` can be judged, or an author stands in two files.
        RubricError: The file of sentences breaks a rule.
        JudgeError: The encoder can't answer.
        MissingExtra: Its packages aren't installed.
    """
    lexicon, encoder = lexicon_for(rubric), _RememberingEncoder(encoder)
    rows = _rows_of((labels, *also))
    examples = make_examples([*rows, *map(bare_row, rows)], rubric, lexicon, encoder)
    if {row.id for row in labels.rows}.isdisjoint(example.row_id for example in examples):
        raise LabelsError(
            "no row holds an answer that can be judged",
            where=labels.name,
            remedy="each needs words of a candidate, in English; `evaluator grade` tells what one lacks",
        )
    made = made_sentences_for(rubric, rubric_file)
    place = average_place([example.features.rows for example in examples])
    return TrainingSet(
        labels=labels,
        also=tuple(also),
        rubric=rubric,
        lexicon=lexicon,
        encoder=encoder,
        examples=tuple(examples),
        made=made_rows(made, rubric, lexicon, encoder, place),
        made_sha256=made.sha256,
        folds=folds_of(rows),
        held_out=folds_of(labels.rows),
    )


def _rows_of(files: Sequence[LabelSet]) -> tuple[LabelledRow, ...]:
    """Return the rows of all files.

    Raises:
        LabelsError: An author stands in two of them: who is held out must not be learned from.
    """
    known: dict[str, LabelSet] = {}
    for file in files:
        for row in file.rows:
            if known.setdefault(row.author, file) is not file:
                raise LabelsError(
                    f"{known[row.author].name} holds transcripts of this author too",
                    where=f"{file.name}, line {row.line}, id",
                    remedy="put all transcripts of an author, the id before its first dash, into one file",
                )
    return tuple(row for file in files for row in file.rows)


def too_few(training: TrainingSet) -> dict[str, str]:
    """Return the criteria that can't be trained, each with what it lacks."""
    lacking: dict[str, str] = {}
    for criterion in training.rubric.by_id:
        present, absent = (_labelled(training, criterion, label) for label in ("present", "absent"))
        if min(len(present), len(absent)) < LEAST_LABELS:
            seen = f"{len(present)} labels present and {len(absent)} absent"
            lacking[criterion] = f"{seen}; {LEAST_LABELS} of each are needed"
        elif any(len({training.folds[row_id] for row_id in rows}) == 1 for rows in (present, absent)):
            lacking[criterion] = "all labels present, or all labels absent, are one author's"
    return lacking


def check_trainable(training: TrainingSet) -> None:
    """Refuse labels that no criterion can be trained on.

    Raises:
        LabelsError: Each lacks some.
    """
    if too_few(training).keys() == training.rubric.by_id.keys():
        raise LabelsError(
            f"no criterion has {LEAST_LABELS} labels present and {LEAST_LABELS} absent",
            where=training.labels.name,
            remedy="label more transcripts",
        )


def calibrate(training: TrainingSet, held_out: HeldOutFigures | None = None) -> Calibration:
    """Train every criterion that has labels enough.

    Args:
        training: What to learn from.
        held_out: What the same training reached on rows it had not seen; travels with the heads.

    Raises:
        LabelsError: None has.
        MissingExtra: scipy isn't installed.
    """
    rubric, lacking = training.rubric, too_few(training)
    criteria = [criterion for criterion in rubric.criteria if criterion.id not in lacking]
    check_trainable(training)
    trained = train_heads(
        training.examples,
        training.folds,
        tuple(criterion_form(criterion, rubric) for criterion in criteria),
        made=training.made,
    )
    used = {example.row_id for example in training.examples}
    parts = [
        CriterionCalibration(
            id=criterion.id,
            depends_on=criterion_digest(criterion, rubric),
            answers_follow_up=form.answers_follow_up,
            word_limit=form.word_limit,
            present=len(_labelled(training, criterion.id, "present")),
            absent=len(_labelled(training, criterion.id, "absent")),
            document=PackedArray.of(document),
        )
        for criterion, form, document in zip(criteria, trained.sentences.forms, trained.documents, strict=True)
    ]
    return Calibration(
        rubric=rubric.id,
        recipe=RECIPE_VERSION,
        evaluator_version=__version__,
        encoder=EncoderRef(name=training.encoder.name, sha256=training.encoder.sha256),
        features=features_digest(rubric, training.lexicon),
        lexicon=training.lexicon.sha256,
        made_sentences=training.made_sha256,
        labels=_used(training.labels, used),
        also=tuple(_used(labels, used) for labels in training.also),
        hyper_parameters=HYPER_PARAMETERS,
        held_out=held_out,
        untrained=lacking,
        present=trained.present,
        absent=trained.absent,
        criteria=tuple(parts),
        sentences=PackedArray.of(trained.sentences.sentences),
        polarity=PackedArray.of(trained.sentences.polarity),
        replies=PackedArray.of(trained.sentences.replies),
    )


def _used(labels: LabelSet, used: Container[str]) -> LabelsUsed:
    authors = Counter(row.author for row in labels.rows if row.id in used)
    return LabelsUsed(
        name=labels.name, sha256=labels.sha256, rows=authors.total(), authors=dict(sorted(authors.items()))
    )


def _labelled(training: TrainingSet, criterion: str, label: str) -> set[str]:
    """Return the ids of the rows that can be learned from and say this of the criterion."""
    return {example.row_id for example in training.examples if example.labels[criterion] == label}
