"""Answers as they might have been: an example in, the same answer with one labelled sentence more or less out.

Failures come together: who names no guardrail mostly names no window either. A head that learns from such answers alone
learns that, and then finds flaws in good answers and misses the one good thing in a weak one. So a labelled proof is
taken out of its answer, which turns that label round, and proof of the same author is put into answers that lack it;
all else stays as it is. Only the second layer learns from these.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from evaluator.agreement.labels import Label
from evaluator.backends.encoder import Vectors
from evaluator.backends.local.claims import answers_renumbered
from evaluator.backends.local.counting import count_phrases
from evaluator.backends.local.features import Features, Sentence, make_features
from evaluator.backends.local.lexicon import Lexicon
from evaluator.fitting.examples import Changed, Example
from evaluator.rubric import Criterion, Rubric

__all__ = ["make_counterfactuals"]

_SEED: Final = 7
_MADE: Final = 0.5  # share of what could be made: all of them teach no more, at twice the time and memory


def make_counterfactuals(examples: Sequence[Example], rubric: Rubric, lexicon: Lexicon) -> tuple[Example, ...]:
    """Return answers with one proof taken out, and some with one put in; the same for the same examples.

    Args:
        examples: Labelled answers; both forms of a row, or one.
        rubric: Tells which labels rest on words: commissions present and omissions absent.
        lexicon: What to count.
    """
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    proofs = _proofs(examples, rubric)
    found: list[Example] = []
    for example in examples:
        for criterion in rubric.criteria:
            if criterion.measured or chance.random() > _MADE:
                continue
            if example.labels[criterion.id] == _proved(criterion):
                found += _without(example, criterion, lexicon)
            elif example.labels[criterion.id] == _unproved(criterion):
                donors = proofs.get((example.author, criterion.id))
                if donors:
                    found.append(_with(example, criterion, *chance.choice(donors), lexicon, chance))
    return tuple(found)


def _proofs(examples: Sequence[Example], rubric: Rubric) -> dict[tuple[str, str], list[tuple[Example, int]]]:
    """Return the sentences that prove something, by author and criterion; none if there is but one author.

    Folds of one author must not borrow from one another.
    """
    proofs: dict[tuple[str, str], list[tuple[Example, int]]] = {}
    if len({example.author for example in examples}) == 1:
        return proofs
    for example in examples:
        for criterion in rubric.criteria:
            if example.labels[criterion.id] == _proved(criterion):
                for place in example.decisive.get(criterion.id, np.array([], np.intp)).tolist():
                    proofs.setdefault((example.author, criterion.id), []).append((example, place))
    return proofs


def _proved(criterion: Criterion) -> Label:
    return "absent" if criterion.kind == "omission" else "present"


def _unproved(criterion: Criterion) -> Label:
    return "present" if criterion.kind == "omission" else "absent"


def _without(example: Example, criterion: Criterion, lexicon: Lexicon) -> Iterator[Example]:
    """Take out what proves a label; labels that rest on the same sentences are no longer known."""
    gone = set(example.decisive.get(criterion.id, np.array([], np.intp)).tolist())
    kept = [place for place in range(len(example.features.sentences)) if place not in gone]
    if not gone or not kept:
        return
    labels: dict[str, Label | None] = {
        key: None if set(example.decisive.get(key, np.array([], np.intp)).tolist()) & gone else label
        for key, label in example.labels.items()
    }
    labels[criterion.id] = _unproved(criterion)
    sentences = [example.features.sentences[place] for place in kept]
    features = _features(example, sentences, example.encoded[[*kept, -2, -1]], lexicon)
    yield replace(example, features=features, labels=labels, decisive={}, changed=Changed(criterion.id, "taken"))


def _with(  # noqa: PLR0913, PLR0917 - what, where, and by what chance
    example: Example, criterion: Criterion, donor: Example, place: int, lexicon: Lexicon, chance: random.Random
) -> Example:
    """Put a sentence that proves the opposite of a label somewhere into the candidate's longest turn."""
    sentences = list(example.features.sentences)
    answers = [sentence.answer for sentence in sentences]
    longest = max(set(answers), key=answers.count)
    after = chance.choice([number for number, answer in enumerate(answers) if answer == longest])
    stand = sentences[after]
    borne = replace(stand, text=donor.features.sentences[place].text)
    sentences.insert(after + 1, borne)
    encoded = np.insert(example.encoded, after + 1, donor.encoded[place], axis=0)
    labels: dict[str, Label | None] = {**example.labels, criterion.id: _proved(criterion)}
    features = _features(example, sentences, encoded, lexicon)
    return replace(example, features=features, labels=labels, decisive={}, changed=Changed(criterion.id, "put"))


def _features(example: Example, sentences: Sequence[Sentence], encoded: Vectors, lexicon: Lexicon) -> Features:
    counts = count_phrases([sentence.text for sentence in sentences], lexicon)
    return make_features(
        example.case,
        answers_renumbered(sentences),
        lexicon,
        counts,
        encoded,
        over_limit=example.features.over_limit,
    )
