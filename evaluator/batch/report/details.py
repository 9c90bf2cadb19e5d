"""What the page knows of each item beyond its row: an evaluation in, a small JSON value with the marked transcript out.

Apart because this is the border to the page's script: every string is harmless text (`evaluator.reports.characters`),
transcripts come cut at the borders of evidence, and the rubric's own words are left out, for the page holds them once.
The shapes are lists, because names repeated ten thousand times would be half the page; `batch.js` reads them.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from evaluator.batch.records import GradedItem
from evaluator.feedback import worst_first
from evaluator.reports.characters import one_line
from evaluator.reports.parts import Quoted, TurnView
from evaluator.reports.view import view
from evaluator.values.judge import Verdict

__all__ = ["Json", "as_text", "detail_of", "pack", "pack_texts"]

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
_VALUE_CHARS: Final = 500
_OTHERS: Final[tuple[Verdict, ...]] = ("unscored", "na", "absent")


def detail_of(record: GradedItem, places: Mapping[str, int]) -> Json:
    """Return what the page shows when the item is opened.

    Args:
        record: The item.
        places: Number of each criterion in the page's list; a criterion that is not in it is left out of the cards.
    """
    evaluation = record.evaluation
    shown = view(evaluation)
    found = worst_first([finding for finding in evaluation.findings if finding.verdict == "present"])
    return {
        "columns": [[one_line(name, _VALUE_CHARS), one_line(value, _VALUE_CHARS)] for name, value in _told(record)],
        "lines": [line for line in (shown.spread, shown.coverage, f"question type {shown.question_type}") if line],
        "review": [*shown.alerts, *shown.review_reasons],
        "summary": shown.summary,
        "question": None if shown.question_in_transcript else shown.question,
        "turns": [_turn(turn) for turn in shown.turns],
        "failed": [
            [card.label, places[finding.criterion], card.confidence, _quotes(card.quotes), card.due, card.reason]
            for card, finding in zip(shown.failures, found, strict=True)
            if finding.criterion in places
        ],
        "strong": [[strong.label, strong.note, _quotes(strong.quotes)] for strong in shown.strengths],
        "others": [
            [places[f.criterion] for f in evaluation.findings if f.verdict == verdict and f.criterion in places]
            for verdict in _OTHERS
        ],
        "answer": shown.answer if evaluation.feedback.origin == "model" else None,
        "next": list(shown.questions),
        "account": [
            *(shown.score_sum, *shown.band_lines, *shown.debrief, f"Delivery: {shown.delivery}."),
            *((f"Cost: {shown.cost}.",) if shown.cost else ()),
            *(f"Note: {note}" for note in shown.notes),
            f"Judged by: {shown.judge}. Rubric: {shown.rubric}. Evaluation {shown.evaluation_id}.",
        ],
    }


def pack(values: Iterable[Json]) -> str:
    """Return values as one JSON list, deflated and in base64: nothing in it can end or start an element of a page."""
    return pack_texts(map(as_text, values))


def pack_texts(texts: Iterable[str]) -> str:
    """Return values that are JSON already, packed as `pack` does."""
    return b64encode(zlib.compress(f"[{','.join(texts)}]".encode(), 9)).decode()


def as_text(value: Json) -> str:
    """Return a value as JSON without blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _told(record: GradedItem) -> Iterable[tuple[str, str]]:
    if record.same_as is not None:
        yield "same words as", record.same_as
    yield from record.columns.items()


def _turn(turn: TurnView) -> Json:
    """Return role, speaker, time, pieces and what is missing.

    A piece is a text, or a text with its marks: label, tone, and the number of the quote that starts here or 0.
    """
    pieces: list[Json] = [
        [
            piece.text,
            [[m.label, m.tone, int(m.anchor.rpartition("-")[2]) if m in piece.opening else 0] for m in piece.marks],
        ]
        if piece.marks
        else piece.text
        for piece in turn.segments
    ]
    missing: list[Json] = [[failure.label, failure.severity] for failure in turn.missing]
    return [turn.role, turn.speaker, turn.time, pieces, missing]


def _quotes(quotes: tuple[Quoted, ...]) -> Json:
    return [[quote.text, quote.place] for quote in quotes]
