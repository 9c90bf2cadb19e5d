"""Labelled rows as a bare speech recogniser would have written them: lower case, no punctuation.

Training sees every row in both forms, so that no head leans on commas; figures are told for both.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from evaluator.agreement.labels import LabelledRow, Span
from evaluator.values.transcript import Transcript

__all__ = ["bare_row", "bare_text"]

_DROPPED: Final = re.compile(r"[^\w\s'%]|_")


def bare_text(text: str) -> str:
    """Return ``text`` in lower case with nothing but words, apostrophes and percent signs; may be empty."""
    return " ".join(_DROPPED.sub(" ", text.lower()).split())


def bare_row(row: LabelledRow) -> LabelledRow:
    """Return the row with bare turns and question, its evidence moved along; evidence that vanishes is left out."""
    if row.transcript is None:
        return row
    turns = tuple(
        turn.model_copy(update={"text": text}) for turn in row.transcript.turns if (text := bare_text(turn.text))
    )
    if len(turns) != len(row.transcript.turns):
        return row  # a turn without a word would shift the numbers of the others
    question = row.transcript.question
    bare = row.transcript.model_copy(update={"turns": turns, "question": bare_text(question) if question else question})
    moved = {key: _moved(span, row.transcript, bare) for key, span in row.evidence.items()}
    return replace(row, transcript=bare, evidence={key: span for key, span in moved.items() if span is not None})


def _moved(span: Span, before: Transcript, after: Transcript) -> Span | None:
    text = before.turns[span.turn].text
    words = bare_text(text[span.start : span.end])
    lead = len(bare_text(text[: span.start]))
    # Bare text joins what is before and after a cut with one blank or none, so look a little earlier.
    start = after.turns[span.turn].text.find(words, max(0, lead - 1)) if words else -1
    return Span(span.turn, start, start + len(words)) if start >= 0 else None
