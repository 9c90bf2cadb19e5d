"""Labelled answers as a careless speaker or a poor recogniser would have left them: fillers, and wrong words."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from evaluator.agreement.labels import LabelledRow
from evaluator.fitting.bare_speech import bare_row

__all__ = ["FORMS", "with_fillers", "with_word_errors"]

_FILLERS: Final = ("um,", "uh,", "you know,", "like,", "I mean,", "sort of", "well,", "so,")
_FILLED: Final = 0.08  # fillers by word; people say three to ten in a hundred
_WRONG: Final = 0.05
_SUBSTITUTED, _DELETED = 0.6, 0.25  # of the wrong words; the rest are insertions
# Words that recognisers write for others.
_MISHEARD: Final = (
    "the", "a", "and", "in", "it", "there", "one", "two", "for", "their", "were", "where", "right", "week", "weak",
    "rate", "great", "wait", "weight", "turn", "learn", "return", "member", "number", "metal", "medical", "share",
    "chair", "stay", "say", "play", "pay", "click", "quick", "lock", "log", "test", "best", "rest", "long", "wrong",
)  # fmt: skip


def with_fillers(text: str, chance: random.Random) -> str:
    """Return the text with a filler after about one word in twelve."""
    said: list[str] = []
    for word in text.split():
        said.append(word)
        if chance.random() < _FILLED:
            said.append(chance.choice(_FILLERS))
    return " ".join(said)


def with_word_errors(text: str, chance: random.Random) -> str:
    """Return the text with about one word in twenty exchanged, lost or added; at least one word stays."""
    said: list[str] = []
    for word in text.split():
        if chance.random() >= _WRONG:
            said.append(word)
            continue
        kind = chance.random()
        if kind < _SUBSTITUTED:
            said.append(chance.choice(_MISHEARD))
        elif kind >= _SUBSTITUTED + _DELETED:
            said += [word, chance.choice(_MISHEARD)]
    return " ".join(said) or text


def _changed(rows: Sequence[LabelledRow], change: Callable[[str, random.Random], str]) -> tuple[LabelledRow, ...]:
    """Return rows whose candidate speaks otherwise; their evidence no longer stands where it stood, so it is gone."""
    return tuple(_row(row, change) for row in rows)


def _row(row: LabelledRow, change: Callable[[str, random.Random], str]) -> LabelledRow:
    if row.transcript is None:
        return row
    chance = random.Random(row.id)
    turns = tuple(
        turn.model_copy(update={"text": change(turn.text, chance)}) if turn.role == "candidate" else turn
        for turn in row.transcript.turns
    )
    return replace(row, transcript=row.transcript.model_copy(update={"turns": turns}), evidence={})


FORMS: Final[dict[str, Callable[[Sequence[LabelledRow]], tuple[LabelledRow, ...]]]] = {
    "as they stand": tuple,
    "no case, no punctuation": lambda rows: tuple(map(bare_row, rows)),
    "with fillers": lambda rows: _changed(rows, with_fillers),
    "with 5 % word errors": lambda rows: _changed(rows, with_word_errors),
}
