"""Cases and a small calibration for tests of the local judge."""

from __future__ import annotations

from typing import Final

import numpy as np

from evaluator.backends.local.calibration import (
    Calibration,
    ConfidenceCurve,
    CriterionCalibration,
    EncoderRef,
    LabelsUsed,
)
from evaluator.backends.local.features import read_features, read_sentences
from evaluator.backends.local.freshness import criterion_digest, criterion_form, features_digest
from evaluator.backends.local.heads import SentenceHeads, score_sentences
from evaluator.backends.local.lexicon import lexicon_for
from evaluator.backends.local.packed_array import PackedArray
from evaluator.judging import Case
from evaluator.rubric import Rubric
from evaluator.values.transcript import Transcript
from tests.encoders import WordEncoder
from tests.fakes import RUBRIC_YAML, make_rubric, make_transcript

__all__ = ["DIALOGUE", "case_of", "random_calibration", "rubric_with_exemplars"]

DIALOGUE: Final = (
    ("interviewer", "How would you measure it?"),
    "I would count clicks on the row. If clicks go up, we are done, because more clicks are more joy.",
    ("interviewer", "And what if people cancel?"),
    "Then I would look at cancellations. I still like clicks.",
)


def case_of(rubric: Rubric | None = None, transcript: Transcript | None = None) -> Case:
    """Return a case of all criteria of a rubric."""
    rubric = rubric or make_rubric()
    return Case(transcript or make_transcript(*DIALOGUE), rubric, rubric.question_types[0].id, rubric.criteria)


def rubric_with_exemplars() -> Rubric:
    """Return the small rubric with exemplars for one commission, one omission, and a follow-up criterion."""
    text = RUBRIC_YAML.replace(
        "    probes: [What would that number hide?, Which one would you drop?]\n",
        "    probes: [What would that number hide?, Which one would you drop?]\n"
        "    exemplars: {commits: [I would count clicks on the row], avoids: [minutes watched per member]}\n",
    )
    text = text.replace(
        "    probes: [What could get worse?, Where would you stop?]\n",
        "    probes: [What could get worse?, Where would you stop?]\n"
        "    applies: {interviewer_follows_up: true}\n"
        "    exemplars: {commits: [we are done], avoids: [Then I would look at cancellations]}\n",
    )
    return make_rubric(text)


def random_calibration(rubric: Rubric, encoder: WordEncoder, *, seed: int = 0, leave_out: str = "") -> Calibration:
    """Return a calibration of the right shapes whose heads know nothing."""
    lexicon = lexicon_for(rubric)
    rng = np.random.default_rng(seed)
    criteria = [criterion for criterion in rubric.criteria if criterion.id != leave_out]
    forms = tuple(criterion_form(criterion, rubric) for criterion in criteria)
    case = case_of(rubric)
    features = read_features(case, read_sentences(case), lexicon, encoder)
    width, replies = features.rows.shape[1] + 1, len(features.reply_vectors) + 1
    heads = SentenceHeads(
        forms,
        rng.normal(size=(width, 3 * len(forms) + 1)),
        rng.normal(size=(width, len(forms))),
        rng.normal(size=(replies, sum(form.answers_follow_up for form in forms))),
    )
    scores = score_sentences(features, heads)
    widths = [len(scores.document_row(place, features)[0]) + 1 for place in range(len(forms))]
    return Calibration(
        rubric=rubric.id,
        recipe=1,
        evaluator_version="0",
        encoder=EncoderRef(name=encoder.name, sha256=encoder.sha256),
        features=features_digest(rubric, lexicon),
        lexicon=lexicon.sha256,
        made_sentences="0" * 64,
        labels=LabelsUsed(name="made.jsonl", sha256="0" * 64, rows=2, authors={"A": 1, "B": 1}),
        hyper_parameters={},
        held_out=None,
        present=ConfidenceCurve(slope=1.0, intercept=0.5, least_margin=0.0),
        absent=ConfidenceCurve(slope=1.0, intercept=0.5, least_margin=0.0),
        criteria=tuple(
            CriterionCalibration(
                id=criterion.id,
                depends_on=criterion_digest(criterion, rubric),
                answers_follow_up=form.answers_follow_up,
                word_limit=form.word_limit,
                present=1,
                absent=1,
                document=PackedArray.of(rng.normal(size=columns)),
            )
            for criterion, form, columns in zip(criteria, forms, widths, strict=True)
        ),
        untrained={leave_out: "nobody labelled it"} if leave_out else {},
        sentences=PackedArray.of(heads.sentences),
        polarity=PackedArray.of(heads.polarity),
        replies=PackedArray.of(heads.replies),
    )
