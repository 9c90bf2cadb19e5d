"""What training learns from: labelled rows in, features with labels and the sentences that decide them out.

The case of each row is the one that the pipeline would hand to a judge, recorded as it does so: applicability,
question and question type are the product's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from evaluator.agreement.labels import Label, LabelledRow, Span
from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.counting import count_phrases
from evaluator.backends.local.features import (
    Features,
    Places,
    Sentence,
    make_features,
    read_sentences,
    texts_to_encode,
)
from evaluator.backends.local.lexicon import Lexicon
from evaluator.judging import Case, Judgement
from evaluator.measures import judge_by_count
from evaluator.pipeline import aevaluate
from evaluator.rubric import Rubric
from evaluator.values.judge import JudgeInfo

__all__ = ["Example", "make_examples"]

_OF_SENTENCE: Final = 0.4  # share of a sentence that evidence covers, for the sentence to be the evidence
_OF_EVIDENCE: Final = 0.5  # or share of the evidence that lies in the sentence


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One row as training sees it.

    Attributes:
        row_id: Id of the row; its bare spoken form has the same.
        author: Who wrote it.
        case: What a judge is asked.
        encoded: The rows of `texts_to_encode`.
        features: Its numbers.
        labels: By criterion; ``None`` where people dispute it or say nothing.
        decisive: Places of the sentences that the labelled evidence covers, by criterion.
    """

    row_id: str
    author: str
    case: Case
    encoded: Vectors
    features: Features
    labels: Mapping[str, Label | None]
    decisive: Mapping[str, Places]


def make_examples(rows: Sequence[LabelledRow], rubric: Rubric, lexicon: Lexicon, encoder: Encoder) -> list[Example]:
    """Make an example of every row that the pipeline would have judged; the others are left out.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: Its packages aren't installed.
    """
    cases = asyncio.run(_cases(rows, rubric))
    return [_example(row, case, lexicon, encoder) for row, case in zip(rows, cases, strict=True) if case is not None]


@dataclass(slots=True)
class _Recorder:
    """A judge that only remembers what it is asked."""

    cases: list[Case] = field(default_factory=list[Case])

    @property
    def languages(self) -> frozenset[str]:
        return frozenset({"en"})

    def info(self, rubric: Rubric) -> JudgeInfo:
        return JudgeInfo(backend="none", method="recording", model=rubric.id)

    async def judge(self, case: Case) -> Judgement:
        self.cases.append(case)
        return Judgement(())


async def _cases(rows: Sequence[LabelledRow], rubric: Rubric) -> list[Case | None]:
    return [await _case(row, rubric) for row in rows]


async def _case(row: LabelledRow, rubric: Rubric) -> Case | None:
    if row.transcript is None:
        return None
    recorder = _Recorder()
    await aevaluate(row.transcript, rubric, recorder, question_type=row.question_type)
    return recorder.cases[0] if recorder.cases and read_sentences(recorder.cases[0]) else None


def _example(row: LabelledRow, case: Case, lexicon: Lexicon, encoder: Encoder) -> Example:
    rubric = case.rubric
    counted = {c.id: judge_by_count(c, rubric, case.transcript) for c in rubric.criteria if c.measured}
    over = frozenset(key for key, opinion in counted.items() if opinion.verdict == "present")
    sentences = read_sentences(case)
    counts = count_phrases([sentence.text for sentence in sentences], lexicon)
    encoded = encoder.encode(texts_to_encode(case, sentences))
    decisive = {key: _covered(span, sentences) for key, span in row.evidence.items()}
    return Example(
        row_id=row.id,
        author=row.author,
        case=case,
        encoded=encoded,
        features=make_features(case, sentences, lexicon, counts, encoded, over_limit=over),
        labels={key: None if key in row.disputed else row.labels.get(key) for key in rubric.by_id},
        decisive=decisive,
    )


def _covered(span: Span, sentences: Sequence[Sentence]) -> Places:
    """Return the sentences of which evidence covers a good part, or in which a good part of it lies."""
    found: list[int] = []
    for place, sentence in enumerate(sentences):
        shared = min(sentence.end, span.end) - max(sentence.start, span.start)
        most = shared >= _OF_SENTENCE * (sentence.end - sentence.start) or shared >= _OF_EVIDENCE * (
            span.end - span.start
        )
        if sentence.turn == span.turn and shared > 0 and most:
            found.append(place)
    return np.array(found, np.intp)
