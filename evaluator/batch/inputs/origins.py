"""Where items come from, and how what can't be read becomes a record."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.batch.records import Item, Problem
from evaluator.errors import EvaluatorError, MissingExtra, TranscriptError

__all__ = ["Origin", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A file, a member of an archive, or standard input.

    Attributes:
        name: As items and messages call it, with ``/`` between its parts; never a path from the root.
        named: Whether the caller named it. Then a table that can't be used is the caller's error; one that was only
            found somewhere is a failed item, so that a stray list of names in a folder stops nothing.
    """

    name: str
    named: bool

    def columns(self) -> dict[str, str]:
        """Return what the place itself tells: the folder."""
        folder = self.name.rpartition("/")[0]
        return {"folder": folder} if folder else {}


def failed(origin: Origin, code: str, message: str, *, again: bool = False) -> Item:
    """Return the record of something that can't be read; ``message`` goes on after the name."""
    return Item(origin.name, None, Problem(code, f"{origin.name}: {message}", again), origin.columns())


def refused(origin: Origin, error: EvaluatorError) -> Item:
    """Return the record of an input that was refused; the error names its place."""
    absent = isinstance(error, MissingExtra)
    code = "missing_extra" if absent else "transcript" if isinstance(error, TranscriptError) else "table"
    problem = Problem(code, str(error), again=absent)
    return Item(origin.name, None, problem, origin.columns())
