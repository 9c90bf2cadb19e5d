"""What the trained heads look at: one case in, arrays out; a row for each sentence, and rows for the whole answer.

Columns are scaled here, once, so that one strength of regularisation fits them all; the scales are part of what a
calibration is trained for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.encoder import Encoder, Vectors
from evaluator.backends.local.counting import Counts, Floats, count_phrases
from evaluator.backends.local.lexicon import Lexicon
from evaluator.judging import Case
from evaluator.segments import sentence_spans

__all__ = [
    "FEATURES_VERSION",
    "OWN_PLACE_COLUMNS",
    "REPLY_COMPARISONS",
    "SCALES",
    "Features",
    "Places",
    "Sentence",
    "make_features",
    "read_features",
    "read_sentences",
    "texts_to_encode",
]

Places: TypeAlias = NDArray[np.intp]

FEATURES_VERSION: Final = 3  # raised when the same case would give other numbers; calibrations of other ones are stale
REPLY_COMPARISONS: Final = 7  # numbers that compare later turns with the first; phrase counts follow them
OWN_PLACE_COLUMNS: Final = 7  # the last of a row: where a sentence stands, and how near it is to the question
SCALES: Final = {
    "sentence": 2.5,
    "context": 2.5,
    "phrases": 0.7,
    "neighbours": 0.25,
    "pairs": 0.7,
    "texture": 2.0,
    "position": 0.5,
    "question": 1.0,
    "replies": 4.0,
    "documents": 0.3,
}
_MOST_COUNTED: Final = 2  # in one sentence; a third "retention" adds nothing
_USUAL_WORDS: Final = 3.0  # natural logarithm of a usual sentence's words


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the candidate.

    Attributes:
        turn: Number of its turn in the transcript.
        start: Code points, inclusive.
        end: Code points, exclusive.
        text: The words, exactly as they stand.
        answer: Number of its turn among the candidate's that hold words, from 0.
        place: Where it stands in its turn, from 0 to 1.
    """

    turn: int
    start: int
    end: int
    text: str
    answer: int
    place: float


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One case as numbers; ``n`` sentences, ``g`` phrase groups, ``p`` pairs, ``d`` dimensions of the encoder.

    Attributes:
        sentences: The candidate's, in order; ``n``, at least one.
        vectors: ``(n, d)`` float32, unit rows.
        rows: ``(n, width)`` float32: vector, vector with its predecessor, phrases here, before and after, pairs and
            numbers, texture, position, likeness to the question.
        phrases: ``(n, g)``, phrases counted up to two.
        pairs: ``(n, p + 5)``, which pairs of groups meet, then `NUMERIC_COLUMNS` doubled.
        document: Counts over the whole answer, the question type and lengths.
        later: Places of the sentences after the candidate's first turn.
        replies: ``(7 + g,)``, how later turns differ from the first; zeros without a follow-up.
        reply_vectors: ``(2 d,)``, the last turn and all later ones, scaled; zeros without a follow-up.
        longest_words: Words of the candidate's longest turn.
        over_limit: Ids of measured criteria whose limit the main answer broke.
    """

    sentences: tuple[Sentence, ...]
    vectors: Vectors
    rows: Vectors
    phrases: Floats
    pairs: Floats
    document: Floats
    later: Places
    replies: Floats
    reply_vectors: Floats
    longest_words: float
    over_limit: frozenset[str]


def read_sentences(case: Case) -> tuple[Sentence, ...]:
    """Return the candidate's sentences; those that hold no letter or digit are left out."""
    found: list[Sentence] = []
    answer = 0
    for number, turn in enumerate(case.transcript.turns):
        if turn.role != "candidate":
            continue
        spans = [(a, b) for a, b in sentence_spans(turn.text) if any(map(str.isalnum, turn.text[a:b]))]
        last = max(1, len(spans) - 1)
        found += [Sentence(number, a, b, turn.text[a:b], answer, k / last) for k, (a, b) in enumerate(spans)]
        answer += bool(spans)
    return tuple(found)


def read_features(
    case: Case,
    sentences: tuple[Sentence, ...],
    lexicon: Lexicon,
    encoder: Encoder,
    *,
    over_limit: frozenset[str] = frozenset(),
) -> Features:
    """Compute the numbers of one case.

    Args:
        case: The interview and its question type.
        sentences: From `read_sentences`; at least one.
        lexicon: What to count.
        encoder: Asked once, for all that is needed.
        over_limit: Measured criteria over their limit. A judge is never asked about those, so only training knows any.

    Raises:
        JudgeError: The encoder can't answer.
        MissingExtra: The encoder's packages aren't installed.
    """
    counts = count_phrases([sentence.text for sentence in sentences], lexicon)
    encoded = encoder.encode(texts_to_encode(case, sentences))
    return make_features(case, sentences, lexicon, counts, encoded, over_limit=over_limit)


def texts_to_encode(case: Case, sentences: Sequence[Sentence]) -> list[str]:
    """Return what `make_features` needs the vectors of: the sentences, the question and the last one asked."""
    return [*(sentence.text for sentence in sentences), case.transcript.question or "", _last_question(case) or ""]


def make_features(  # noqa: PLR0913 - all are parts of one case that are computed already
    case: Case,
    sentences: tuple[Sentence, ...],
    lexicon: Lexicon,
    counts: Counts,
    encoded: Vectors,
    *,
    over_limit: frozenset[str] = frozenset(),
) -> Features:
    """Compute the numbers of one case from what was counted in its sentences and the rows of `texts_to_encode`."""
    vectors, question, follow_up = encoded[: len(sentences)], encoded[-2], encoded[-1]
    phrases = np.minimum(counts.phrases, _MOST_COUNTED)
    pairs = _pairs(phrases, counts, lexicon)
    answers = np.array([sentence.answer for sentence in sentences])
    spoken = np.bincount(answers, weights=counts.words).astype(np.float64)
    later = np.flatnonzero(answers > 0)
    replies, reply_vectors = _replies(vectors, follow_up, counts, answers, spoken, _follow_ups(case))
    blank = np.zeros((1, phrases.shape[1]))
    # Not as a product of matrices: that would start threads, see the heads.
    likeness = np.einsum("nd,d->n", vectors, question)[:, None] * (
        SCALES["question"] if case.transcript.question else 0.0
    )
    rows = np.hstack(
        [
            vectors * SCALES["sentence"],
            _in_context(vectors, answers) * SCALES["context"],
            phrases * SCALES["phrases"],
            np.vstack([blank, phrases[:-1]]) * SCALES["neighbours"],
            np.vstack([phrases[1:], blank]) * SCALES["neighbours"],
            pairs * SCALES["pairs"],
            _texture(counts) * SCALES["texture"],
            _positions(sentences, answers, counts.words) * SCALES["position"],
            likeness,
        ],
        dtype=np.float32,
    )
    return Features(
        sentences=sentences,
        vectors=vectors,
        rows=rows,
        phrases=phrases,
        pairs=pairs,
        document=_document(case, counts, phrases, pairs, spoken) * SCALES["documents"],
        later=later,
        replies=replies * SCALES["documents"] * 2,
        reply_vectors=reply_vectors * SCALES["replies"],
        longest_words=float(spoken.max()),
        over_limit=over_limit,
    )


def _pairs(phrases: Floats, counts: Counts, lexicon: Lexicon) -> Floats:
    met = (phrases[:, lexicon.pair_columns] > 0).all(axis=1)
    return np.hstack([met, counts.numeric * 2], dtype=np.float64)


def _in_context(vectors: Vectors, answers: Places) -> Vectors:
    """Return each sentence's direction together with the one before it in the same turn.

    To encode both as one text would say a little more, at three times the cost of the whole judge.
    """
    joined = vectors.copy()
    follows = np.flatnonzero(answers[1:] == answers[:-1]) + 1
    joined[follows] = _unit(vectors[follows] + vectors[follows - 1])
    return joined


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.maximum(np.sqrt((vectors * vectors).sum(axis=-1, keepdims=True)), 1e-9)


def _texture(counts: Counts) -> Floats:
    """Return what tells a list of terms from a sentence: words that bind, and phrases by word."""
    density = counts.phrases.sum(axis=1) / np.maximum(counts.words, 1.0)
    return np.column_stack([counts.binding, np.minimum(density, 1.0)])


def _positions(sentences: Sequence[Sentence], answers: Places, words: Floats) -> Floats:
    places = np.arange(len(sentences))
    return np.column_stack(
        [
            [sentence.place for sentence in sentences],
            answers > 0,
            answers == answers[-1],
            np.log1p(words) / _USUAL_WORDS,
            places == 0,
            places == len(sentences) - 1,
        ]
    ).astype(np.float64)


def _document(case: Case, counts: Counts, phrases: Floats, pairs: Floats, spoken: Floats) -> Floats:
    kinds = [float(kind.id == case.question_type) for kind in case.rubric.question_types]
    lengths = np.log(np.maximum([spoken.sum(), spoken.max(), spoken[-1]], 1.0)) / 2
    return np.concatenate(
        [
            np.log1p(pairs.sum(axis=0)),
            (pairs > 0).any(axis=0) * 0.5,
            np.log1p(counts.phrases.sum(axis=0)),
            (phrases > 0).mean(axis=0) * 3,
            np.log1p(counts.distinct),
            kinds,
            lengths,
            [len(spoken) / 2, _follow_ups(case) / 2],
        ]
    )


def _replies(  # noqa: PLR0913, PLR0917 - all are parts of one case that are computed already
    vectors: Vectors, follow_up: Vectors, counts: Counts, answers: Places, spoken: Floats, follow_ups: int
) -> tuple[Floats, Floats]:
    """Return how the candidate's later turns differ from the first, and their vectors; zeros without any."""
    later = answers > 0
    if not (follow_ups and later.any()):
        nothing: Floats = np.zeros(REPLY_COMPARISONS + int(counts.phrases.shape[1]))
        return nothing, np.zeros(2 * int(vectors.shape[1]))
    is_last = answers == answers[-1]
    before, after = vectors[~later], vectors[later]
    first, last = _unit(before.mean(axis=0)), _unit(vectors[is_last].mean(axis=0))
    repeated = after @ before.T
    words = np.maximum(spoken, 1.0)
    compared = [
        float(last @ first),
        float(repeated.max(axis=1).mean()),
        float(repeated.mean()),
        float(last @ follow_up),
        float(np.log(words[-1])),
        float(np.log(words[-1] / words[0])),
        float(follow_ups),
    ]
    numbers: Floats = np.concatenate([compared, np.log1p(counts.phrases[is_last].sum(axis=0))])
    directions: Floats = np.concatenate([last, after.mean(axis=0)]).astype(np.float64)
    return numbers, directions


def _follow_ups(case: Case) -> int:
    """Return how many turns somebody else takes after the candidate first spoke."""
    roles = [turn.role for turn in case.transcript.turns]
    first = roles.index("candidate")
    return sum(role != "candidate" for role in roles[first:])


def _last_question(case: Case) -> str | None:
    asked = [turn.text for turn in case.transcript.turns if turn.role != "candidate"]
    return asked[-1] if asked else None
