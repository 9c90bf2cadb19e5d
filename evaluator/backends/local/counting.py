"""Phrases and numbers in sentences: texts in, arrays of counts out.

Every group is looked for once in all sentences together, with a mark between them that no phrase can cross: that is
several times as fast as sentence by sentence.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.local.lexicon import Lexicon
from evaluator.backends.local.words import FUNCTION_WORDS, Number, numbers_in, plain_words

__all__ = ["NUMERIC_COLUMNS", "Counts", "Floats", "count_phrases"]

Floats: TypeAlias = NDArray[np.float64]

NUMERIC_COLUMNS: Final = ("small_group", "large_group", "commas", "question_mark", "listed")
_BORDER: Final = " | "
_PEOPLE_REACH: Final = 4
_UNIT_REACH: Final = 2
_MOST: Final = 6  # commas or listed phrases; more say no more


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What was counted in ``n`` sentences.

    Attributes:
        phrases: ``(n, g)``, how often each group occurs; columns as `Lexicon.names`.
        named: For each sentence, what it holds of the lexicon's ``distinct`` groups: number of the group and phrase.
        distinct: ``(k,)``, how many different phrases of each of these groups occur in all.
        numeric: ``(n, 5)``, columns as `NUMERIC_COLUMNS`, each between 0 and 2.
        words: ``(n,)``, words of each sentence.
        binding: ``(n,)``, share of them that hold sentences together, as in `FUNCTION_WORDS`.
    """

    phrases: Floats
    named: tuple[frozenset[tuple[int, str]], ...]
    distinct: Floats
    numeric: Floats
    words: Floats
    binding: Floats

    def of(self, places: Sequence[int]) -> Counts:
        """Return the counts of some of the sentences, as if the others had not been said."""
        named = tuple(self.named[place] for place in places)
        return Counts(
            phrases=self.phrases[places],
            named=named,
            distinct=_distinct(named, len(self.distinct)),
            numeric=self.numeric[places],
            words=self.words[places],
            binding=self.binding[places],
        )


def count_phrases(sentences: Sequence[str], lexicon: Lexicon) -> Counts:
    """Count in every sentence; the sentences of one transcript."""
    plain = [plain_words(sentence) for sentence in sentences]
    words = [sentence.split() for sentence in plain]
    starts = np.cumsum([0, *(len(sentence) + len(_BORDER) for sentence in plain)])[:-1].tolist()
    text = _BORDER.join(plain)
    phrases = np.zeros((len(plain), len(lexicon.names)))
    numbers = [list(numbers_in(sentence)) for sentence in words]
    phrases[:, 0] = list(map(len, numbers))
    groups = {name: number for number, name in enumerate(lexicon.distinct)}
    named: list[set[tuple[int, str]]] = [set() for _ in plain]
    listed: list[set[str]] = [set() for _ in plain]
    found = lexicon.phrases.spans(text)
    for column, (name, spans) in enumerate(zip(lexicon.plain_groups, found, strict=True), start=1):
        if not spans:
            continue
        places = [bisect_right(starts, start) - 1 for start, _ in spans]
        for place in places:
            phrases[place, column] += 1.0
        if name in groups or name == lexicon.listed:
            for place, (start, end) in zip(places, spans, strict=True):
                if name in groups:
                    named[place].add((groups[name], text[start:end]))
                if name == lexicon.listed:
                    listed[place].add(text[start:end])
    numeric = [
        (*_group_sizes(spoken, counted, lexicon), _share(said.count(",")), float("?" in said), _share(len(of_list)))
        for said, spoken, counted, of_list in zip(sentences, words, numbers, listed, strict=True)
    ]
    return Counts(
        phrases=phrases,
        named=tuple(map(frozenset, named)),
        distinct=_distinct(named, len(groups)),
        numeric=np.array(numeric, np.float64).reshape(len(plain), len(NUMERIC_COLUMNS)),
        words=np.array([len(sentence) for sentence in words], np.float64),
        binding=np.array([_binding(sentence) for sentence in words], np.float64),
    )


def _distinct(named: Iterable[AbstractSet[tuple[int, str]]], groups: int) -> Floats:
    seen = set[tuple[int, str]]().union(*named)
    return np.bincount(np.array([group for group, _ in seen], np.intp), minlength=groups).astype(np.float64)


def _binding(words: Sequence[str]) -> float:
    return sum(word in FUNCTION_WORDS for word in words) / max(1, len(words))


def _share(count: int) -> float:
    return min(_MOST, count) / 3


def _group_sizes(words: Sequence[str], numbers: Sequence[Number], lexicon: Lexicon) -> tuple[float, float]:
    """Return whether a small and whether a large number of people is named, as 0 or 1."""
    small = large = False
    for number in numbers:
        after = words[number.after : number.after + _PEOPLE_REACH]
        unit = after[:_UNIT_REACH]
        if not set(after).isdisjoint(lexicon.people) and set(unit).isdisjoint(lexicon.not_people):
            small |= lexicon.small_group.at_least <= number.value < lexicon.small_group.below
            large |= number.value >= lexicon.large_group_from
    return float(small), float(large)
