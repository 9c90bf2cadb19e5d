"""A hosted model as it is used: asked within a budget, with patience, through the gate of its provider.

The order is fixed: the budget lies below the retries, so that each request is counted; the gate is shared by all judges
that are built together, so that they don't overrun a provider between them.
"""

from __future__ import annotations

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.gate import Gate
from evaluator.backends.patience import Patience, Patient
from evaluator.backends.pricing import Budget, Budgeted, PricedModel

__all__ = ["hosted"]


def hosted(
    model: PricedModel, options: ChatOptions, *, gate: Gate | None = None, budget: Budget | None = None
) -> Patient:
    """Wrap a provider's model.

    Args:
        model: From a provider's `build_model`.
        options: Those it was built with: attempts, deadline, concurrency, sum.
        gate: Of the provider, if other judges share it; a new one otherwise.
        budget: Of the run, if other judges share it; one of ``options.max_cost_usd`` otherwise, if that is set.

    Raises:
        JudgeMisuse: A budget is asked for and the model has no known price.
    """
    if budget is None and options.max_cost_usd is not None:
        budget = Budget(options.max_cost_usd)
    policy = Patience(attempts=options.attempts, deadline_s=options.deadline_s)
    return Patient(
        Budgeted(model, budget) if budget else model, gate or Gate(model.provider, options.concurrency), policy
    )
