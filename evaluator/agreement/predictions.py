"""Verdicts to be measured, whoever reached them: one small value per criterion, from an evaluation or from elsewhere.

Apart from `measure`, so that verdicts without a judge behind them (held-out predictions of a training run, a file of
evaluations made last week) go through the very same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from evaluator.agreement.labels import Span
from evaluator.errors import LabelsError
from evaluator.values.evaluation import Evaluation
from evaluator.values.judge import Verdict

__all__ = ["EvaluatedRow", "Predicted", "Predictions", "parse_evaluations", "predictions_of", "read_evaluations"]


@dataclass(frozen=True, slots=True)
class Predicted:
    """One verdict to be measured.

    Attributes:
        verdict: ``unscored`` and ``na`` miss a criterion that is labelled present.
        confidence: That the verdict is right, 0 to 1; ``None`` if unsaid. Counts for ``present`` and ``absent`` only.
        evidence: The words that prove it, as spans of the labelled row's transcript.

    Raises:
        ValueError: The confidence is not a share.
    """

    verdict: Verdict
    confidence: float | None = None
    evidence: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a confidence that no bin holds; NaN too."""
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError("confidence is not between 0 and 1")


Predictions: TypeAlias = Mapping[str, Mapping[str, Predicted]]
"""By row id, then by criterion; a criterion that is missing counts as ``unscored``."""


class EvaluatedRow(BaseModel):
    """One line of a file of evaluations: ``{"id": …, "evaluation": {…}}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    evaluation: Evaluation


def predictions_of(evaluation: Evaluation) -> dict[str, Predicted]:
    """Return the verdicts of one evaluation, by criterion."""
    return {
        finding.criterion: Predicted(
            verdict=finding.verdict,
            confidence=finding.confidence,
            evidence=tuple(Span(item.turn, item.start, item.end) for item in finding.evidence),
        )
        for finding in evaluation.findings
    }


def read_evaluations(path: Path) -> dict[str, Evaluation]:
    """Read a file of evaluations, by row id.

    Raises:
        LabelsError: The file can't be read, or a line is no evaluation; ``where`` holds file and line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LabelsError(f"the file can't be read: {error.strerror}", where=path.name) from error
    return parse_evaluations(content, name=path.name)


def parse_evaluations(content: bytes, *, name: str = "predictions") -> dict[str, Evaluation]:
    """Parse the bytes of a file of evaluations; ``name`` stands before line numbers in errors.

    Raises:
        LabelsError: As `read_evaluations`.
    """
    found: dict[str, Evaluation] = {}
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            row = EvaluatedRow.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part)[:60] for part in first["loc"])
            raise LabelsError(
                f"this is no evaluation: {first['msg']}",
                where=f"{where}, {place}" if place else where,
                remedy='a line reads {"id": …, "evaluation": {…}}, as `--write-predictions` writes it',
            ) from None
        if row.id in found:
            raise LabelsError("an id stands here for the second time", where=f"{where}, id", remedy="keep one")
        found[row.id] = row.evaluation
    if not found:
        raise LabelsError("the file holds no evaluations", where=name)
    return found
