"""Selective risk: what is right among the verdicts of which a judge is surest; labels with verdicts in, a curve out.

El-Yaniv and Wiener, 2010: risk against coverage as the bar for being decided rises. Ours starts where the judge itself
stops deciding, and tells the macro precision and recall of what is left beside the risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from evaluator.agreement.figures import RiskPoint
from evaluator.values.judge import Verdict

__all__ = ["Decided", "risk_curve"]

_KEPT: Final = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)  # shares of the decided verdicts


@dataclass(frozen=True, slots=True)
class Decided:
    """One verdict that a label applies to.

    Attributes:
        criterion: Number of its criterion.
        label: What people say.
        verdict: What the judge says.
        confidence: ``None`` if it gave none; then the verdict is kept last.
    """

    criterion: int
    label: Literal["present", "absent"]
    verdict: Verdict
    confidence: float | None


def risk_curve(verdicts: Sequence[Decided]) -> tuple[RiskPoint, ...]:
    """Return the curve, from all that was decided to its surer half; nothing if no verdict came with a confidence.

    Verdicts of one confidence are kept or left together, so the order of rows doesn't matter.
    """
    decided = [item for item in verdicts if item.verdict in ("present", "absent")]
    said = np.array([-1.0 if item.confidence is None else item.confidence for item in decided])
    if not len(said) or said.max() < 0:
        return ()
    points: dict[float, RiskPoint] = {}
    for share in _KEPT:
        least = float(np.quantile(said, 1 - share, method="lower"))
        kept = [item for item, confidence in zip(decided, said.tolist(), strict=True) if confidence >= least]
        points[least] = _point(kept, least, len(verdicts))
    return tuple(points.values())


def _point(kept: Sequence[Decided], least: float, applying: int) -> RiskPoint:
    wrong = sum(item.verdict != item.label for item in kept)
    precisions: list[float] = []
    recalls: list[float] = []
    for criterion in sorted({item.criterion for item in kept}):
        own = [item for item in kept if item.criterion == criterion]
        hits = sum(item.label == item.verdict == "present" for item in own)
        judged, labelled = (sum(getattr(item, key) == "present" for item in own) for key in ("verdict", "label"))
        precisions += [hits / judged] if judged else []
        recalls += [hits / labelled] if labelled else []
    return RiskPoint(
        coverage=len(kept) / applying,
        least_confidence=max(0.0, least),
        risk=wrong / len(kept),
        precision=sum(precisions) / len(precisions) if precisions else None,
        recall=sum(recalls) / len(recalls) if recalls else None,
    )
