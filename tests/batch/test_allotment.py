"""Tests of one budget for several workers: never exceeded together, given back, nothing granted when it is used up."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.backends.chat_options import ChatOptions
from evaluator.backends.pricing import Budget
from evaluator.backends.sharing import Sharing
from evaluator.batch.allotment import Allotments
from evaluator.batch.database import Database
from evaluator.batch.schema import create_tables
from evaluator.errors import JudgeMisuse


def _database(folder: Path) -> Database:
    database = Database(folder / "run.sqlite")
    create_tables(database)
    return database


@given(costs=st.lists(st.tuples(st.integers(0, 2), st.floats(0.001, 0.4)), max_size=60))
def test_workers_never_spend_more_together_than_the_budget(
    tmp_path_factory: pytest.TempPathFactory, costs: list[tuple[int, float]]
) -> None:
    """Whoever asks for what in which order: the sum of all that was spent stays within the budget."""
    database = _database(tmp_path_factory.mktemp("budget"))
    parts = [Allotments(database).budget("run", 1.0) for _ in range(3)]
    for worker, cost in costs:
        try:
            if parts[worker].reserve(cost):
                parts[worker].settle(cost, cost)
        except JudgeMisuse:
            continue
    assert sum(part.spent_usd for part in parts) <= 1.0 + 1e-9
    database.close()


def test_what_was_not_spent_goes_to_others(tmp_path: Path) -> None:
    """A worker that leaves gives back its rest, and another one can spend it."""
    database = _database(tmp_path)
    leaving, staying = Allotments(database), Allotments(database)
    first = leaving.budget("run", 1.0)
    assert first.reserve(0.6)
    second = staying.budget("run", 1.0)
    with pytest.raises(JudgeMisuse, match="budget is reached"):
        second.reserve(0.6)
    first.settle(0.6, 0.1)
    leaving.give_back()
    assert second.reserve(0.6)
    database.close()


def test_a_budget_that_is_used_up_grants_nothing(tmp_path: Path) -> None:
    """A newcomer to a run whose budget is spent learns it before it asks anything."""
    database = _database(tmp_path)
    part = Allotments(database).budget("run", 1.0)
    assert part.reserve(1.0)
    with pytest.raises(JudgeMisuse, match="spent or granted to other workers"):
        Allotments(database).budget("run", 1.0)
    database.close()


def test_each_run_has_its_own_budget(tmp_path: Path) -> None:
    """What one run spends is no other run's loss."""
    database = _database(tmp_path)
    parts = Allotments(database)
    assert parts.budget("one", 1.0).reserve(1.0)
    assert parts.budget("two", 1.0).reserve(1.0)
    database.close()


def test_gates_stay_shared_where_budgets_are_not() -> None:
    """Two runs of one worker ask a provider through one gate, each with its own budget, and share its limits."""
    sharing = Sharing()
    one, other = sharing.with_budget(Budget(1.0)), sharing.with_budget(Budget(2.0))
    options = ChatOptions(concurrency=8, global_concurrency=8)
    sharing.share(4)
    assert one.gate("openai", options) is other.gate("openai", options)
    assert one.gate("openai", options).limiter.limit == 2
    assert one.budget(9.0) is not other.budget(9.0)
