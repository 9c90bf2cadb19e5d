"""How inputs are to be read: what holds for every transcript, and which column of a table is what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import OptionError

__all__ = ["ReadOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """Wishes of the caller; each default reads it off the input.

    A table's columns are found by exact name, then by name in any case. Without a mapping, ``turns``, ``transcript``
    or ``text`` holds the transcript (the first of them that is there), ``question`` and ``question_type`` what was
    asked, and ``candidate`` the candidate's label if the transcript has such a label.

    Attributes:
        candidate: Label of the candidate in every transcript.
        question: Question of every transcript; wins over the source.
        question_type: Its type; wins over the source.
        format: Name of a row of FORMATS, for files and for the text in tables; told from the contents if not given.
        text_column: Column with the transcript, as text or as turns.
        question_column: Column with the question.
        question_type_column: Column with its type.
        candidate_column: Column with the candidate's label; a row whose transcript lacks it fails.
        name_column: Column whose value names the item instead of the table and the row.
        keep: Columns to keep beside the words, in the table's order; ``None`` keeps all that are short.
        leave_out: Files and folders that a folder or pattern never yields, such as the batch's own output.
    """

    candidate: str | None = None
    question: str | None = None
    question_type: str | None = None
    format: str | None = None
    text_column: str | None = None
    question_column: str | None = None
    question_type_column: str | None = None
    candidate_column: str | None = None
    name_column: str | None = None
    keep: tuple[str, ...] | None = None
    leave_out: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a value for all together with a column for the same.

        Raises:
            OptionError: Both are given.
        """
        for what in ("candidate", "question", "question_type"):
            if getattr(self, what) is not None and getattr(self, f"{what}_column") is not None:
                raise OptionError(
                    f"the {what.replace('_', ' ')} is given for all items and as a column",
                    where=f"{what}, {what}_column",
                    remedy="give one of the two",
                )

    def mapped(self) -> tuple[str, ...]:
        """Return every column that the caller named."""
        named = (
            self.text_column,
            self.question_column,
            self.question_type_column,
            self.candidate_column,
            self.name_column,
        )
        return (*(name for name in named if name is not None), *(self.keep or ()))
