"""One row of a table into one item: which column holds what, the transcript in it, and the columns beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from evaluator.batch.inputs.columns import column_texts, find_column, scalar_text, seen
from evaluator.batch.inputs.options import ReadOptions
from evaluator.batch.inputs.origins import Origin
from evaluator.batch.records import Item, Problem
from evaluator.errors import InputError, OptionError, TranscriptError
from evaluator.transcripts import parse_transcript, parse_turns_row
from evaluator.values.transcript import Transcript

__all__ = ["Layout", "Row", "lay_out", "layout_of", "no_text_column", "row_failed", "row_item", "unknown_columns"]

_TEXT_COLUMNS: Final = ("turns", "transcript", "text")
_GOLD_COLUMNS: Final = ("labels", "evidence", "band", "disputed")
_REMEDY: Final = "name the column that holds the transcript"


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column of a table holds what; ``None`` where there is none.

    Attributes:
        text: The transcript.
        question: The question asked.
        question_type: Its type.
        candidate: The candidate's label.
        name: The name of the item.
        keep: Columns to keep; ``None`` keeps all.
    """

    text: str | None
    question: str | None
    question_type: str | None
    candidate: str | None
    name: str | None
    keep: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        origin: The table.
        number: Where it stands, from 1.
        unit: What ``number`` counts: ``line`` or ``row``.
    """

    origin: Origin
    number: int
    unit: str

    @property
    def name(self) -> str:
        """Name of its item, if no column names it."""
        return f"{self.origin.name}:{self.number}"

    @property
    def where(self) -> str:
        """Place for messages."""
        return f"{self.origin.name}, {self.unit} {self.number}"


def layout_of(columns: Sequence[str], options: ReadOptions) -> Layout:
    """Return what the columns of one row or table hold, as far as they are there."""

    def found(wanted: str | None, usual: Sequence[str] = ()) -> str | None:
        names = usual if wanted is None else (wanted,)
        return next((column for name in names if (column := find_column(columns, name)) is not None), None)

    kept = None if options.keep is None else tuple(c for name in options.keep if (c := find_column(columns, name)))
    return Layout(
        text=found(options.text_column, _TEXT_COLUMNS),
        question=found(options.question_column, ("question",)),
        question_type=found(options.question_type_column, ("question_type", "question type")),
        candidate=found(options.candidate_column, ("candidate",)),
        name=found(options.name_column),
        keep=kept,
    )


def lay_out(columns: Sequence[str], options: ReadOptions, origin: Origin) -> Layout:
    """Return the layout of a table by its header.

    Raises:
        OptionError: A column that the caller named isn't there.
        InputError: No column holds a transcript.
    """
    missing = [name for name in options.mapped() if find_column(columns, name) is None]
    if missing:
        raise unknown_columns(missing, columns, origin)
    layout = layout_of(columns, options)
    if layout.text is None:
        raise no_text_column(columns, origin)
    return layout


def unknown_columns(missing: Sequence[str], columns: Sequence[str], origin: Origin) -> OptionError:
    """Return the error about columns that the caller named and the table doesn't have."""
    remedy = f"columns seen: {seen(columns)}"
    return OptionError(f"there is no column {seen(missing)}", where=origin.name, remedy=remedy)


def no_text_column(columns: Sequence[str], origin: Origin) -> InputError:
    """Return the error about a table in which nothing says where the transcripts are."""
    wanted = ", ".join(f"`{name}`" for name in _TEXT_COLUMNS)
    return InputError(
        f"none of its columns is called {wanted}",
        where=origin.name,
        remedy=f"{_REMEDY}; columns seen: {seen(columns)}",
    )


def row_failed(row: Row, message: str, remedy: str) -> Item:
    """Return the record of a row that can't be taken apart."""
    error = InputError(message, where=row.where, remedy=remedy)
    return Item(row.name, None, Problem("row", str(error)), row.origin.columns())


def row_item(row: Row, values: Mapping[str, object], layout: Layout, options: ReadOptions) -> Item:
    """Return the item of a row whose values are known by column; a row without a transcript is a failed item."""
    name = (scalar_text(values.get(layout.name)) if layout.name is not None else None) or row.name
    columns = _columns(row, values, layout)
    try:
        return Item(name, _transcript(row, values, layout, options), None, columns)
    except TranscriptError as error:
        return Item(name, None, Problem("transcript", str(error)), columns)


def _columns(row: Row, values: Mapping[str, object], layout: Layout) -> dict[str, str]:
    """Return what the row and its place tell; labels of the gold form are verdicts, nothing to slice by."""
    left_out = {layout.text, layout.name, *_TEXT_COLUMNS}
    if isinstance(values.get("labels"), dict):
        left_out.update(_GOLD_COLUMNS)
    told: dict[str, object] = {**row.origin.columns()}
    for key, value in values.items():
        kept = key not in left_out if layout.keep is None else key in layout.keep
        if kept and (key not in told or scalar_text(value) is not None):
            told[key] = value
    return column_texts(told)


def _transcript(row: Row, values: Mapping[str, object], layout: Layout, options: ReadOptions) -> Transcript:
    def told(wish: str | None, column: str | None) -> str | None:
        return wish if wish is not None or column is None else scalar_text(values.get(column))

    source = values.get(layout.text) if layout.text is not None else None
    if source is None:
        raise TranscriptError("it holds no transcript", where=row.where, remedy=_REMEDY)
    question = told(options.question, layout.question)
    question_type = told(options.question_type, layout.question_type)
    candidate = told(options.candidate, layout.candidate)

    def parse(label: str | None) -> Transcript:
        if isinstance(source, str | bytes):
            return _text_transcript(source, row, options.format, label, question, question_type)
        turns = _turns_row(source, row)
        if "segments" in turns and "turns" not in turns:  # a recogniser's own JSON inside the row
            text = json.dumps(turns, default=str)
            return _text_transcript(text, row, None, label, question, question_type)
        return parse_turns_row(turns, row.where, candidate=label, question=question, question_type=question_type)

    guessed = candidate is not None and options.candidate is None and options.candidate_column is None
    return _with_label_if_there(parse, candidate) if guessed else parse(candidate)


def _with_label_if_there(parse: Callable[[str | None], Transcript], candidate: str | None) -> Transcript:
    """Parse with a label that nobody vouches for: most columns called ``candidate`` hold a name, not a label."""
    try:
        return parse(candidate)
    except TranscriptError as error:
        if (error.where or "").rpartition(", ")[2] != "candidate":
            raise
        return parse(None)


def _text_transcript(  # noqa: PLR0913, PLR0917 - what parse_transcript takes, and the row
    source: str | bytes,
    row: Row,
    form: str | None,
    candidate: str | None,
    question: str | None,
    question_type: str | None,
) -> Transcript:
    try:
        return parse_transcript(
            source, format=form, candidate=candidate, question=question, question_type=question_type
        )
    except TranscriptError as error:
        raise error.located(row.where) from error


def _turns_row(source: object, row: Row) -> Mapping[str, object]:
    if isinstance(source, list):
        return {"turns": cast("list[object]", source)}
    if isinstance(source, dict):
        return cast("dict[str, object]", source)
    raise TranscriptError("the transcript is neither text nor turns", where=row.where, remedy=_REMEDY)
