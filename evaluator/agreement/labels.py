"""Labelled transcripts: a file of one JSON object a line in, rows checked against a rubric out.

A row holds ``id``, ``turns`` (as in turns JSON) and ``labels {criterion: present | absent | na}``; it may hold
``question``, ``question_type``, ``evidence {criterion: words of a candidate turn | null}``, ``band`` and ``disputed
[criteria]``. Unknown keys are ignored; unknown criteria, words and bands are refused, since a misspelt label would
pass for a missing one. A transcript that can't be read is kept as a problem of its row: it is a finding of the
measurement, not a mistake in the labels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from evaluator.errors import LabelsError, TranscriptError
from evaluator.judging import Quote
from evaluator.quotes import find_quote
from evaluator.rubric import Rubric
from evaluator.transcripts import parse_turns_row
from evaluator.transcripts.strict_json import JsonObject, parse_json
from evaluator.values.transcript import Transcript

__all__ = ["Label", "LabelSet", "LabelledRow", "Span", "parse_labels", "read_labels"]

Label: TypeAlias = Literal["present", "absent", "na"]

_MAX_BYTES: Final = 256 * 1024 * 1024  # about 50,000 rows
_MAX_REPORTED: Final = 8
_SHOWN_CHARS: Final = 60
_NOTE_BYTES: Final = 4000


@dataclass(frozen=True, slots=True)
class Span:
    """Words of one turn: ``turns[turn].text[start:end]``.

    Attributes:
        turn: Number of the turn, from 0.
        start: Code points, inclusive.
        end: Code points, exclusive.
    """

    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One transcript and what people (or models) say about it.

    Attributes:
        id: Unique in its file.
        line: Line of the file, from 1.
        question_type: Id of a question type of the rubric; ``None`` if the row names none.
        transcript: ``None`` if it can't be read; then `problem` says why.
        problem: Why there is no transcript.
        labels: By criterion; one that is missing does not apply, and nothing is measured on it.
        evidence: Where the labelled words stand in the transcript, by criterion; only those that were found.
        lost_evidence: Criteria whose labelled words no candidate turn holds.
        band: Band id of the rubric; ``None`` if the row names none.
        disputed: Criteria on which annotators differ.
    """

    id: str
    line: int
    question_type: str | None
    transcript: Transcript | None
    problem: str | None
    labels: Mapping[str, Label]
    evidence: Mapping[str, Span]
    lost_evidence: tuple[str, ...]
    band: str | None
    disputed: frozenset[str]

    @property
    def author(self) -> str:
        """The id before its first ``-``; the whole id if it has none."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class LabelSet:
    """A file of labels, or the head of one.

    Attributes:
        name: File name, for reports.
        sha256: Hash of the whole file's bytes.
        rows: In the order of the file.
        total: Rows of the whole file.
        note: Who labelled them, in a few sentences; ``None`` if nobody said.
    """

    name: str
    sha256: str
    rows: tuple[LabelledRow, ...]
    total: int
    note: str | None = None

    def head(self, count: int) -> LabelSet:
        """Return the same labels with the first ``count`` rows alone."""
        return replace(self, rows=self.rows[:count])

    def noted(self, note: str) -> LabelSet:
        """Return the same labels with another word on who labelled them."""
        return replace(self, note=note)


class _Row(BaseModel):
    """The form of one line; what it names is checked against the rubric afterwards."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    question: str | None = None
    question_type: str | None = None
    turns: tuple[JsonValue, ...]
    labels: dict[str, Label] = Field(min_length=1)
    evidence: dict[str, str | None] = {}
    band: str | None = None
    disputed: tuple[str, ...] = ()


def read_labels(path: Path, rubric: Rubric) -> LabelSet:
    """Read a file of labels, and who labelled them from ``NAME.note.txt`` beside ``NAME.jsonl``, if it is there.

    Raises:
        LabelsError: The file can't be read, or a row breaks the form; ``where`` holds file, line and key path.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise LabelsError(f"the file is larger than {_MAX_BYTES // 2**20} MB", where=path.name, remedy="split it")
        content = path.read_bytes()
    except OSError as error:
        raise LabelsError(f"the file can't be read: {error.strerror}", where=path.name) from error
    labels = parse_labels(content, rubric, name=path.name)
    note = _note_beside(path)
    return labels.noted(note) if note else labels


def parse_labels(content: bytes, rubric: Rubric, *, name: str = "labels") -> LabelSet:
    """Parse the bytes of a file of labels; ``name`` stands before line numbers in errors.

    Raises:
        LabelsError: As `read_labels`.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LabelsError("this is not UTF-8 text", where=f"{name}, line {line}") from error
    rows: list[LabelledRow] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        row = _row(line, number, rubric, where)
        if row.id in lines:
            raise LabelsError(f"the id of line {lines[row.id]} stands here again", where=f"{where}, id")
        lines[row.id] = number
        rows.append(row)
    if not rows:
        raise LabelsError("the file holds no rows", where=name, remedy="write one JSON object a line")
    return LabelSet(name, hashlib.sha256(content).hexdigest(), tuple(rows), len(rows))


def _note_beside(path: Path) -> str | None:
    try:
        with path.with_suffix(".note.txt").open("rb") as file:
            return " ".join(file.read(_NOTE_BYTES).decode("utf-8", errors="replace").split()) or None
    except OSError:
        return None  # nobody said


def _row(line: str, number: int, rubric: Rubric, where: str) -> LabelledRow:
    try:
        found = parse_json(line)
    except TranscriptError as error:
        raise LabelsError(error.message, where=where, remedy="write one JSON object a line") from error
    if not isinstance(found, dict):
        raise LabelsError("a row is a JSON object", where=where, remedy='{"id": …, "turns": […], "labels": {…}}')
    turns = found.get("turns")
    checked = {**found, "turns": []} if isinstance(turns, list) else found  # read by `_transcript`, which forgives more
    try:
        row = _Row.model_validate_json(json.dumps(checked), strict=True)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":  # it was read already: no UTF-8 can hold such text
            raise LabelsError("text holds half of a surrogate pair", where=where, remedy="take it out") from None
        lines = [f"{_key_path(p['loc'])}: {p['msg']}" for p in problems[:_MAX_REPORTED]]
        raise LabelsError("; ".join(lines), where=where) from None
    _check_names(row, rubric, where)
    transcript, problem = _transcript(found, f"line {number}")
    spans = {key: _locate(words, transcript) for key, words in row.evidence.items() if words and transcript}
    return LabelledRow(
        id=row.id,
        line=number,
        question_type=row.question_type,
        transcript=transcript,
        problem=problem,
        labels=row.labels,
        evidence={key: span for key, span in spans.items() if span is not None},
        lost_evidence=tuple(key for key, span in spans.items() if span is None),
        band=row.band,
        disputed=frozenset(row.disputed),
    )


def _check_names(row: _Row, rubric: Rubric, where: str) -> None:
    bands = [band.id for band in rubric.scoring.bands]
    kinds = [kind.id for kind in rubric.question_types]
    for key in ("labels", "evidence"):
        for criterion in getattr(row, key):
            _expect(f"{where}, {key}", "criterion", criterion, rubric.by_id)
    for place, criterion in enumerate(row.disputed):
        _expect(f"{where}, disputed[{place}]", "criterion", criterion, rubric.by_id)
    if row.band is not None:
        _expect(f"{where}, band", "band", row.band, bands)
    if row.question_type is not None:
        _expect(f"{where}, question_type", "question type", row.question_type, kinds)


def _expect(where: str, what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise LabelsError(
            f"the rubric has no {what} {name[:_SHOWN_CHARS]!r}", where=where, remedy=f"one of: {', '.join(known)}"
        )


def _key_path(loc: tuple[str | int, ...]) -> str:
    return ".".join(str(part) if isinstance(part, int) else repr(part[:_SHOWN_CHARS])[1:-1] for part in loc)


def _locate(words: str, transcript: Transcript) -> Span | None:
    found = find_quote(Quote(0, words), transcript)
    return Span(found.turn, found.start, found.end) if found else None


def _transcript(row: JsonObject, where: str) -> tuple[Transcript | None, str | None]:
    """Return the transcript of a row, or why it has none."""
    try:
        return parse_turns_row(row, where), None
    except TranscriptError as error:
        return None, str(error)
