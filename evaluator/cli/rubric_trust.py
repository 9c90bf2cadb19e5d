"""How far the local judge can be trusted by a rubric: its calibration in, sentences for the terminal out."""

from __future__ import annotations

from typing import Final

from evaluator.backends.local.calibration import Calibration
from evaluator.backends.similarity_judge import shipped_calibration
from evaluator.rubric import Rubric

__all__ = ["trust_lines", "trust_of"]

_UNTRAINED: Final = (
    "It was not trained for this rubric: verdicts rest on likeness to exemplars alone. Take them for hints."
)


def trust_of(rubric: Rubric) -> list[str]:
    """Return what is known of the local judge by the calibration that is shipped with the rubric of this id.

    Raises:
        RubricError: The calibration is damaged.
    """
    return trust_lines(shipped_calibration(rubric.id))


def trust_lines(calibration: Calibration | None) -> list[str]:
    """Return what a calibration says of itself: its labels, its figures, and what it can't judge."""
    if calibration is None:
        return [_UNTRAINED]
    rows = sum(used.rows for used in (calibration.labels, *calibration.also))
    lines = [f"Trained on {rows} labelled transcripts."]
    figures = calibration.held_out
    if figures is not None:
        told = {
            "macro F1": figures.macro_f1,
            "precision": figures.precision,
            "recall of what it decides": figures.recall_decided,
            "coverage": figures.coverage,
        }
        known = [f"{name} {value:.2f}" for name, value in told.items() if value is not None]
        lines.append(f"On authors it had not seen: {', '.join(known)}.")
    if calibration.weak:
        lines.append(f"Too often wrong about these, so take its verdicts for hints: {', '.join(calibration.weak)}.")
    if calibration.untrained:
        lacking = "; ".join(f"{criterion} ({reason})" for criterion, reason in calibration.untrained.items())
        lines.append(f"Judged without training, for want of labels: {lacking}.")
    return lines
