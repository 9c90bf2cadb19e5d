"""Every error this package raises on purpose, as one tree.

A caller branches by what it can do about the error::

    EvaluatorError
    ├── InputError            mend the input, then call again
    │   ├── TranscriptError   the transcript can't be read as a transcript
    │   ├── RubricError       the rubric, or its calibration file, breaks a rule
    │   ├── LabelsError       a file of labels can't be used
    │   ├── RecordingError    a recording can't be read, written or trusted
    │   ├── RecordingMissing  replay holds no recording of a request
    │   └── OptionError       an argument or setting has no meaning here
    ├── JudgeError            the judge gave no answer
    │   ├── JudgeUnavailable  try later: the same call may go through
    │   └── JudgeMisuse       give up: the same call will fail again
    └── MissingExtra          install the named extra

Messages name the place and the remedy. They never hold candidate text or a key.
"""

from __future__ import annotations

from typing import Self

__all__ = [
    "EvaluatorError",
    "InputError",
    "JudgeError",
    "JudgeMisuse",
    "JudgeUnavailable",
    "LabelsError",
    "MissingExtra",
    "OptionError",
    "RecordingError",
    "RecordingMissing",
    "RubricError",
    "TranscriptError",
]


class EvaluatorError(Exception):
    """Root of the tree.

    Attributes:
        message: What is wrong, in one sentence.
        where: The place: a line (``line 12``), a key path (``turns[3].text``), a file; ``None`` if it has none.
        remedy: What would put it right; ``None`` if nothing short of another input would.
    """

    def __init__(self, message: str, *, where: str | None = None, remedy: str | None = None) -> None:
        """Hold the three parts; ``str()`` joins them as ``where: message (remedy)``."""
        self.message = message
        self.where = where
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        """Return ``where: message (remedy)`` without the parts that are missing."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.remedy})" if self.remedy else text

    def located(self, place: str) -> Self:
        """Return the same error with ``place`` (a file name, a line of a larger file) put before its own place."""
        where = f"{place}, {self.where}" if self.where else place
        return type(self)(self.message, where=where, remedy=self.remedy)


class InputError(EvaluatorError):
    """The caller's input is wrong; the same call will fail until it is mended."""


class TranscriptError(InputError):
    """A transcript can't be read, or holds nothing to judge."""


class RubricError(InputError):
    """A rubric file, or the calibration beside it, breaks a rule of its form."""


class LabelsError(InputError):
    """A file of labels can't be used against this rubric."""


class RecordingError(InputError):
    """A recording of an exchange with a provider is damaged, holds a secret or can't be written."""


class RecordingMissing(InputError):
    """A request was to be answered from recordings and none holds it; the remedy is the command that records it."""


class OptionError(InputError):
    """An argument or setting names something that doesn't exist or can't be combined."""


class JudgeError(EvaluatorError):
    """A judge gave no answer; nothing is said about the candidate."""


class JudgeUnavailable(JudgeError):
    """The judge can't answer now (time-out, overload); a later call may succeed.

    Attributes:
        retry_after_s: Seconds that the provider asks to wait before the next call; ``None`` if it said nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Hold the three parts and the provider's wish."""
        super().__init__(message, where=where, remedy=remedy)
        self.retry_after_s = retry_after_s

    def located(self, place: str) -> EvaluatorError:
        """Return the same error with ``place`` put before its own place; the wish to wait stays."""
        where = f"{place}, {self.where}" if self.where else place
        return JudgeUnavailable(self.message, where=where, remedy=self.remedy, retry_after_s=self.retry_after_s)


class JudgeMisuse(JudgeError):
    """The judge will never answer this call (bad key, unknown model, damaged weights).

    Attributes:
        for_all: Whether it would answer no other transcript either, so that asking on is in vain.
    """

    for_all: bool = True


class MissingExtra(EvaluatorError):
    """A feature needs a package that isn't installed; the remedy holds the command."""
