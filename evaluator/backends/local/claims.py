"""What is left of an answer without its hollow sentences: lists of terms, and talk about the answer itself.

Such sentences lie near everything that avoids a failure, and claim nothing about the feature; so nothing counts as
avoided by them. What they commit still counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluator.backends.encoder import Vectors
from evaluator.backends.local.counting import Counts
from evaluator.backends.local.features import Features, Sentence, make_features
from evaluator.backends.local.heads import SentenceHeads, find_hollow
from evaluator.backends.local.lexicon import Lexicon
from evaluator.judging import Case

__all__ = ["claims_of"]


def claims_of(  # noqa: PLR0913, PLR0917 - what the numbers were made from, with them
    case: Case, features: Features, counts: Counts, encoded: Vectors, lexicon: Lexicon, heads: SentenceHeads
) -> Features | None:
    """Return the numbers of the same case without hollow sentences; ``None`` if it holds nothing else.

    Args:
        case: The interview.
        features: Of all its sentences; returned as they are if none is hollow.
        counts: What was counted in them.
        encoded: The rows that they were made from, see `texts_to_encode`.
        lexicon: What was counted.
        heads: They tell what is hollow.
    """
    hollow = find_hollow(features, heads)
    if not hollow.any():
        return features
    kept = np.flatnonzero(~hollow).tolist()
    if not kept:
        return None
    sentences = _answers_renumbered([features.sentences[place] for place in kept])
    rows = encoded[[*kept, -2, -1]]
    return make_features(case, sentences, lexicon, counts.of(kept), rows, over_limit=features.over_limit)


def _answers_renumbered(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Return some of a case's sentences, in order, as if the others had not been said."""
    numbers: dict[int, int] = {}
    for sentence in sentences:
        numbers.setdefault(sentence.answer, len(numbers))
    return tuple(replace(sentence, answer=numbers[sentence.answer]) for sentence in sentences)
