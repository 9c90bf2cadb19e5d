"""The flat facts of one record, which tables, summary and report all draw on: a record in, a `Row` out.

Apart so that all of them count the same. A row is small where an evaluation is not: rows are kept on the disk between
the one pass over the records and the files that need every record counted first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import IO, Final, Literal, TypeAlias

from evaluator.batch.records import FailedItem, GradedItem
from evaluator.rubric import Rubric
from evaluator.values.judge import Verdict

__all__ = ["CODES", "Row", "RowSpool", "Status", "row_of"]

Status: TypeAlias = Literal["graded", "needs_review", "failed"]
CODES: Final[dict[Verdict, str]] = {"present": "p", "absent": "a", "na": "n", "unscored": "u"}
"""One letter a verdict."""
NO_VERDICT: Final = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """What a table tells of one item; texts are as they came, untrusted.

    Attributes:
        item: Its name.
        status: ``graded`` if it has a band, ``needs_review`` if it has an evaluation without one.
        columns: What the input told.
        code: Why it failed; empty if it did not.
        message: The same as a sentence, or the reasons for a review.
        same_as: Earlier item with the same words.
        score: 0 to 100; ``None`` if failed or nothing was decided.
        band: Band id.
        coverage: Share of the criteria that apply and were decided.
        question_type: Its id.
        question: What was asked.
        verdicts: One letter a criterion in the rubric's order, as in `CODES`; ``-`` where there is no verdict.
        confidences: Beside them.
        words: Words spoken.
        wpm: Pace, where timestamps tell it.
        duration_s: Spoken time.
        cost_usd: What judging it cost; 0 for repeated words, which were paid for once.
        flags: Codes of its flags.
    """

    item: str
    status: Status
    columns: dict[str, str]
    code: str = ""
    message: str = ""
    same_as: str | None = None
    score: float | None = None
    band: str | None = None
    coverage: float | None = None
    question_type: str | None = None
    question: str | None = None
    verdicts: str = ""
    confidences: tuple[float | None, ...] = ()
    words: int | None = None
    wpm: float | None = None
    duration_s: float | None = None
    cost_usd: float | None = None
    flags: tuple[str, ...] = ()


_FIELDS: Final = tuple(field.name for field in fields(Row))


def row_of(record: GradedItem | FailedItem, rubric: Rubric) -> Row:
    """Return the flat facts of a record."""
    if isinstance(record, FailedItem):
        return Row(record.item, "failed", record.columns, code=record.code, message=record.message)
    evaluation = record.evaluation
    card, spoken = evaluation.scorecard, evaluation.delivery
    found = {finding.criterion: finding for finding in evaluation.findings}
    findings = [found.get(criterion) for criterion in rubric.by_id]
    return Row(
        item=record.item,
        status="needs_review" if card.needs_review else "graded",
        columns=record.columns,
        message=" ".join(card.review_reasons),
        same_as=record.same_as,
        score=card.score,
        band=card.band,
        coverage=card.coverage,
        question_type=evaluation.question_type.value,
        question=evaluation.question,
        verdicts="".join(NO_VERDICT if finding is None else CODES[finding.verdict] for finding in findings),
        confidences=tuple(None if finding is None else finding.confidence for finding in findings),
        words=spoken.words,
        wpm=spoken.wpm,
        duration_s=spoken.duration_s,
        cost_usd=0.0 if record.same_as is not None else evaluation.usage.cost_usd,
        flags=tuple(dict.fromkeys(flag.code for flag in evaluation.flags)),
    )


class RowSpool:
    """Rows on the disk: appended in one pass, read as often as needed."""

    def __init__(self, file: IO[bytes]) -> None:
        """Take a file that can be read back, such as an unnamed temporary one."""
        self._file = file

    def append(self, row: Row) -> None:
        """Add a row."""
        told = [getattr(row, name) for name in _FIELDS]
        self._file.write(json.dumps(told, separators=(",", ":")).encode() + b"\n")

    def __iter__(self) -> Iterator[Row]:
        """Read the rows in order; one reader at a time."""
        self._file.seek(0)
        for line in self._file:
            told = dict(zip(_FIELDS, json.loads(line), strict=True))
            told["confidences"], told["flags"] = tuple(told["confidences"]), tuple(told["flags"])
            yield Row(**told)
        self._file.seek(0, 2)
