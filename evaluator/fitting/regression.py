"""Weighted logistic regression, many targets at once: arrays in, weights out; the only module that imports scipy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from evaluator.backends.local.counting import Floats
from evaluator.errors import MissingExtra
from evaluator.fitting.threads import one_thread

__all__ = ["check_installed", "fit_logistic"]

_STEPS: Final = 80  # far from converged on purpose: stopping early regularises, and more steps gained nothing
_MEMORY: Final = 12
_CLIP: Final = 30.0

_Single: TypeAlias = NDArray[np.float32]


class _Result(Protocol):
    x: Floats


class _Minimise(Protocol):
    def __call__(
        self,
        fun: Callable[[Floats], tuple[float, Floats]],
        x0: Floats,
        *,
        jac: bool,
        method: str,
        options: dict[str, int],
    ) -> _Result: ...


def check_installed() -> None:
    """Load scipy now, so that a lack of it shows before any work is done.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    _minimise()


def fit_logistic(rows: Floats | _Single, targets: Floats, weights: Floats, *, ridge: float) -> Floats:
    """Return weights of ``k`` logistic regressions on the same rows, L2-regularised; intercepts are free.

    Each column's loss is the weighted mean of its rows' log losses plus ``ridge / 2`` times the squared weights.

    Args:
        rows: ``(n, d)``.
        targets: ``(n, k)``, 0 or 1.
        weights: ``(n, k)``, not negative; a column of zeros keeps weights of 0.
        ridge: Above 0.

    Returns:
        ``(d + 1, k)``; the last row holds the intercepts.

    Raises:
        MissingExtra: scipy isn't installed.
    """
    n, d, k = len(rows), int(rows.shape[1]), int(targets.shape[1])
    padded = np.hstack([rows, np.ones((n, 1))]).astype(np.float32)
    share = (weights / np.maximum(weights.sum(axis=0), 1e-9)).astype(np.float32)
    wanted = targets.astype(np.float32)

    def loss(flat: Floats) -> tuple[float, Floats]:
        guess = flat.reshape(d + 1, k).astype(np.float32)
        logits = padded @ guess
        likely = 1 / (1 + np.exp(-np.clip(logits, -_CLIP, _CLIP)))
        slope = padded.T @ (share * (likely - wanted))
        slope[:-1] += np.float32(ridge) * guess[:-1]
        value = float((share * (np.logaddexp(np.float32(0), logits) - wanted * logits)).sum())
        return value + 0.5 * ridge * float((guess[:-1] ** 2).sum()), slope.ravel().astype(np.float64)

    start: Floats = np.zeros((d + 1) * k)
    minimise = _minimise()
    with one_thread():
        found = minimise(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "maxcor": _MEMORY})
    return found.x.reshape(d + 1, k)


def _minimise() -> _Minimise:
    try:
        return cast("_Minimise", importlib.import_module("scipy.optimize").minimize)
    except ImportError as error:
        raise MissingExtra("training needs scipy", remedy="pip install 'interview-evaluator[stats]'") from error
