"""A backend for tests of plans: its judge says nothing, and the options that it was built with are kept."""

from __future__ import annotations

from collections.abc import Callable

from evaluator.backends import JudgeOptions
from evaluator.backends.estimates import Estimate
from evaluator.judging import Case, Judge
from tests.judges.judges import Scripted

__all__ = ["BUILT", "build_estimate", "build_judge"]

BUILT: list[JudgeOptions] = []


def build_judge(options: JudgeOptions) -> Judge:
    """Return a judge whose model is the one that was asked for."""
    BUILT.append(options)
    return Scripted((), model=options.model or "own")


def build_estimate(options: JudgeOptions) -> Callable[[Case], Estimate]:
    """Return an estimate of a cent; unpriced if the model is called so."""
    cost = None if options.model == "unpriced" else 0.01
    return lambda case: Estimate(1, 100, len(case.criteria), 10, cost, cost, cost)
