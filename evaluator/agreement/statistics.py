"""Figures of agreement from counts: integer arrays in, floats out; nothing here knows a transcript or a rubric.

Apart from `scikit`, which computes the same figures for one criterion at a time, because a bootstrap needs them for
thousands of resamples at once; a test holds the two equal. Inside this module an undefined figure is NaN, so that
arrays stay arrays; `defined` turns it into ``None`` at the border.

Cells are counted as ``(..., 2, 4)``: label present or absent by verdict present, absent, na or unscored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BINS",
    "LABEL_ORDER",
    "RESAMPLES",
    "VERDICT_ORDER",
    "CellFigures",
    "Cells",
    "Floats",
    "brier",
    "cell_figures",
    "defined",
    "expected_calibration_error",
    "interval",
    "macro",
    "resample",
]

Cells: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

LABEL_ORDER: Final = ("present", "absent")
VERDICT_ORDER: Final = ("present", "absent", "na", "unscored")
RESAMPLES: Final = 1000  # moves the ends of an interval by about 0.002 from seed to seed on 200 transcripts
BINS: Final = 10
_TAIL: Final = 2.5  # percent outside a 95 % interval, on either side


@dataclass(frozen=True, slots=True)
class CellFigures:
    """Figures of many tables at once, each of the shape that stood before the cells; NaN where undefined.

    Attributes:
        precision: Of the verdicts ``present``, the share labelled so; undefined if there are none.
        recall: Of the labels ``present``, the share found; ``na`` and ``unscored`` are misses; undefined without any.
        recall_decided: The same with ``unscored`` left out.
        f1: Harmonic mean of the two; undefined only if nothing is labelled and nothing judged ``present``.
        kappa: Cohen's kappa; ``na`` and ``unscored`` agree with no label; undefined if chance alone would agree fully.
        coverage: Share of the labels with a verdict other than ``unscored``; undefined without labels.
    """

    precision: Floats
    recall: Floats
    recall_decided: Floats
    f1: Floats
    kappa: Floats
    coverage: Floats


def cell_figures(cells: Cells) -> CellFigures:
    """Compute all figures for cells of shape ``(..., 2, 4)``."""
    total = cells.sum(axis=(-2, -1))
    hits = cells[..., 0, 0]
    judged, labelled = cells[..., :, 0].sum(axis=-1), cells[..., 0, :].sum(axis=-1)
    agreed = _ratio(hits + cells[..., 1, 1], total)
    chance = _ratio(judged * labelled + cells[..., :, 1].sum(axis=-1) * cells[..., 1, :].sum(axis=-1), total * total)
    return CellFigures(
        precision=_ratio(hits, judged),
        recall=_ratio(hits, labelled),
        recall_decided=_ratio(hits, labelled - cells[..., 0, 3]),
        f1=_ratio(2 * hits, judged + labelled),
        kappa=_ratio(agreed - chance, 1 - chance),
        coverage=_ratio(cells[..., :, :3].sum(axis=(-2, -1)), total),
    )


def resample(cells: Cells, *, seed: int, resamples: int = RESAMPLES) -> Cells:
    """Draw transcripts with replacement and add up their cells.

    Args:
        cells: ``(transcripts, criteria, 2, 4)``.
        seed: Equal seeds draw equally.
        resamples: How often to draw as many transcripts as there are.

    Returns:
        ``(resamples, criteria, 2, 4)``; all zero for fewer than two transcripts, which tell nothing about chance.
    """
    count = cells.shape[0]
    if count < 2:  # noqa: PLR2004 - said above
        return np.zeros((resamples, *cells.shape[1:]), dtype=np.int64)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.tensordot(drawn, cells, axes=1)


def macro(values: Floats) -> Floats:
    """Return the mean over the last axis of what is defined; NaN if nothing is."""
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def interval(samples: Floats) -> tuple[float, float] | None:
    """Return the central 95 % of the resampled figures that are defined; ``None`` if none is."""
    known = samples[~np.isnan(samples)]
    if known.size == 0:
        return None
    low, high = np.percentile(known, (_TAIL, 100 - _TAIL))
    return float(low), float(high)


def brier(confidence: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the mean squared gap between confidence and being right, 0 best; ``None`` without any."""
    if not confidence:
        return None
    return float(np.mean((np.asarray(confidence, dtype=float) - np.asarray(right, dtype=float)) ** 2))


def expected_calibration_error(confidence: Sequence[float], right: Sequence[bool]) -> float | None:
    """Return the gap between mean confidence and share right, averaged over ten bins by their size; ``None`` if empty.

    Bins are equally wide, closed below, the last closed above too (Naeini et al. 2015, with the verdict's own
    confidence in place of a class probability).
    """
    if not confidence:
        return None
    said, true = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    bins = np.minimum((said * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=said - true, minlength=BINS)  # sum in a bin = its size times its gap
    return float(np.abs(gaps).sum() / len(said))


def defined(value: float | np.floating) -> float | None:
    """Return a plain float, or ``None`` for NaN."""
    return None if np.isnan(value) else float(value)


def _ratio(above: NDArray[np.generic], below: NDArray[np.generic]) -> Floats:
    """Divide; NaN where the divisor is 0."""
    top, bottom = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom != 0)
