"""The figures that scikit-learn has, with its partial types and undefined cases made plain.

The only module that imports scikit-learn: it loads when the first figure is asked for, and an undefined figure is
``None`` instead of a warning and a zero.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import ModuleType

from evaluator.errors import MissingExtra

__all__ = ["check_installed", "confusion", "kappa", "precision_recall_f1"]


def check_installed() -> None:
    """Load scikit-learn now, so that a lack of it shows before a judge is paid.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    _metrics()


def precision_recall_f1(
    labels: Sequence[bool], verdicts: Sequence[bool]
) -> tuple[float | None, float | None, float | None]:
    """Return precision, recall and F1 of ``True``.

    Precision is ``None`` if no verdict is true, recall if no label is, F1 if neither.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    if not labels:
        return None, None, None
    found = _metrics().precision_recall_fscore_support(
        labels, verdicts, average="binary", pos_label=True, zero_division=float("nan")
    )
    precision, recall, f1 = (float(figure) for figure in found[:3])
    return (
        precision if any(verdicts) else None,
        recall if any(labels) else None,
        f1 if any(labels) or any(verdicts) else None,
    )


def kappa(
    first: Sequence[str], second: Sequence[str], order: Sequence[str], *, quadratic: bool = False
) -> float | None:
    """Return Cohen's kappa; ``None`` if it has no meaning: nothing was rated, or both always say the same one word.

    Args:
        first: One rater's words.
        second: The other's, in the same order.
        order: Every word that may occur; for quadratic weights, from one end of the scale to the other.
        quadratic: Count a disagreement by the square of its distance in ``order``.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    if len({*first, *second}) < 2:  # noqa: PLR2004 - one word alone, or none: chance alone would agree fully
        return None
    weights = "quadratic" if quadratic else None
    return float(_metrics().cohen_kappa_score(first, second, labels=list(order), weights=weights))


def confusion(first: Sequence[str], second: Sequence[str], order: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return how often ``order[i]`` of the first met ``order[j]`` of the second, as rows ``i`` of columns ``j``.

    Raises:
        MissingExtra: scikit-learn isn't installed.
    """
    if not first:
        return tuple((0,) * len(order) for _ in order)
    table = _metrics().confusion_matrix(first, second, labels=list(order))
    return tuple(tuple(int(count) for count in row) for row in table)


def _metrics() -> ModuleType:
    try:
        return importlib.import_module("sklearn.metrics")
    except ImportError as error:
        raise MissingExtra(
            "figures of agreement need scikit-learn", remedy="pip install 'interview-evaluator[stats]'"
        ) from error
