"""Verdicts to be measured, whoever reached them: one small value per criterion, from an evaluation or from elsewhere.

Apart from `measure`, so that verdicts without a judge behind them (held-out predictions of a training run, a file of
evaluations made last week) go through the very same figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from evaluator.agreement.labels import Span
from evaluator.types import Evaluation, Verdict

__all__ = ["Predicted", "Predictions", "predictions_of"]


@dataclass(frozen=True, slots=True)
class Predicted:
    """One verdict to be measured.

    Attributes:
        verdict: ``unscored`` and ``na`` miss a criterion that is labelled present.
        confidence: That the verdict is right, 0 to 1; ``None`` if unsaid, always for ``na`` and ``unscored``.
        evidence: The words that prove it, as spans of the labelled row's transcript.
    """

    verdict: Verdict
    confidence: float | None = None
    evidence: tuple[Span, ...] = ()


Predictions: TypeAlias = Mapping[str, Mapping[str, Predicted]]
"""By row id, then by criterion; a criterion that is missing counts as ``unscored``."""


def predictions_of(evaluation: Evaluation) -> dict[str, Predicted]:
    """Return the verdicts of one evaluation, by criterion."""
    return {
        finding.criterion: Predicted(
            verdict=finding.verdict,
            confidence=finding.confidence if finding.verdict in {"present", "absent"} else None,
            evidence=tuple(Span(item.turn, item.start, item.end) for item in finding.evidence),
        )
        for finding in evaluation.findings
    }
