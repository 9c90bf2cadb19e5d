"""Monthly budgets: never over-spent, whoever asks and whatever dies."""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.batch.database import Database, Transaction
from evaluator.service.tables import create_service_tables
from evaluator.service.tenants.budgets import BudgetExhausted, Budgets, Reservation
from evaluator.service.tenants.limits import Limits, TenantStore, nano
from evaluator.service.tenants.months import month_end_s, month_of
from tests.service.conftest import Clock

pytestmark = pytest.mark.loopback


def _tenant(database: Database, usd: float | None, name: str = "Acme") -> str:
    tenants = TenantStore(database)
    tenant = tenants.ensure(name).tenant
    tenants.limit(tenant, Limits(monthly_budget_usd=usd))
    return tenant


def test_a_call_is_reserved_and_settled(database: Database, clock: Clock) -> None:
    """What is reserved can't be spent by others; what the call didn't cost is free again."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    held = budgets.reserve(tenant, 0.75)
    assert budgets.left_usd(tenant) == 0.25
    with pytest.raises(BudgetExhausted) as refused:
        budgets.reserve(tenant, 0.26)
    assert (refused.value.status, refused.value.code) == (402, "budget_exhausted")
    budgets.settle(held, 0.5)
    standing = budgets.standing(tenant)
    assert (standing.spent_usd, standing.reserved_usd, standing.left_usd) == (0.5, 0.0, 0.5)


def test_what_ends_counts_with_the_transaction_that_ends_it(database: Database, clock: Clock) -> None:
    """A job's cost is counted together with its result, or neither is; and once."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    budgets.reserve(tenant, 0.75, name="eval_1")

    def fail(transaction: Transaction) -> None:
        budgets.settle_named(transaction, tenant, "eval_1", 0.5)
        raise KeyError

    with pytest.raises(KeyError):
        database.write(fail)
    assert budgets.standing(tenant).reserved_usd == 0.75
    for _ in range(2):
        database.write(lambda transaction: budgets.settle_named(transaction, tenant, "eval_1", 0.5))
    standing = budgets.standing(tenant)
    assert (standing.spent_usd, standing.reserved_usd) == (0.5, 0.0)


def test_what_is_given_up_counts_as_far_as_it_came(database: Database, clock: Clock) -> None:
    """What a deleted batch had cost stays spent, the rest of its reservation is free, and it may be begun anew."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    for cost_usd in (0.25, 0.0):
        budgets.reserve(tenant, 0.5, name="batch_1")
        database.write(lambda transaction, usd=cost_usd: budgets.close_named(transaction, tenant, "batch_1", usd))
        standing = budgets.standing(tenant)
        assert (standing.spent_usd, standing.reserved_usd) == (0.25, 0.0)
    budgets.reserve(tenant, 0.5, name="batch_1")
    assert budgets.standing(tenant).reserved_usd == 0.5


def test_a_refusal_says_when_the_month_ends(database: Database, clock: Clock) -> None:
    """Retry-After is the seconds to the first of the next month, UTC; then the budget is whole."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    budgets.settle(budgets.reserve(tenant, 1.0), 1.0)
    with pytest.raises(BudgetExhausted) as refused:
        budgets.reserve(tenant, 0.01)
    clock.wait(float(refused.value.headers["Retry-After"]) - 1)
    with pytest.raises(BudgetExhausted):
        budgets.reserve(tenant, 0.01)
    clock.wait(1)
    assert budgets.left_usd(tenant) == 1.0


def test_local_judges_are_never_refused(database: Database, clock: Clock) -> None:
    """What costs nothing is granted though nothing is left, and leaves no trace."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 0.0)
    free = budgets.reserve(tenant, 0.0)
    budgets.settle(free, 0.0)
    assert budgets.left_usd(tenant) == 0.0
    assert database.read(lambda transaction: transaction.rows("SELECT * FROM sv_spend")) == []


def test_without_a_budget_costs_are_counted_and_nothing_is_refused(database: Database, clock: Clock) -> None:
    """A tenant without a budget, or one that was never made, spends what it likes, and sees what it was."""
    budgets = Budgets(database, clock)
    for tenant in (_tenant(database, None), "local"):
        budgets.settle(budgets.reserve(tenant, 500.0), 321.5)
        assert budgets.left_usd(tenant) is None
        assert budgets.standing(tenant).spent_usd == 321.5


def test_a_dead_process_holds_its_money_until_the_reservation_lapses(database: Database, clock: Clock) -> None:
    """What nobody settles counts as spent for an hour, and then no more."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    budgets.reserve(tenant, 1.0)
    clock.wait(3599)
    assert budgets.left_usd(tenant) == 0.0
    clock.wait(1)
    assert budgets.left_usd(tenant) == 1.0


def test_a_reservation_that_is_renewed_lasts(database: Database, clock: Clock) -> None:
    """What waits in a queue holds its money for as long as it says so."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    held = budgets.reserve(tenant, 1.0)
    for _ in range(3):
        clock.wait(3000)
        budgets.renew(held)
    assert budgets.left_usd(tenant) == 0.0


def test_a_cost_that_comes_late_is_counted_once(database: Database, clock: Clock) -> None:
    """A call whose reservation lapsed was billed all the same; settling it again adds nothing."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    held = budgets.reserve(tenant, 0.5)
    clock.wait(7200)
    for _ in range(3):
        budgets.settle(held, 0.25)
    assert budgets.standing(tenant).spent_usd == 0.25


def test_a_call_over_the_turn_of_the_month_counts_where_it_was_reserved(database: Database, clock: Clock) -> None:
    """Money reserved in November is November's, though the bill comes in December."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    clock.now_s = month_end_s(clock()) - 10
    held = budgets.reserve(tenant, 0.75)
    clock.wait(20)
    assert budgets.left_usd(tenant) == 1.0
    budgets.settle(held, 0.75)
    assert budgets.left_usd(tenant) == 1.0
    clock.wait(-20)
    assert budgets.left_usd(tenant) == 0.25


def test_what_is_long_settled_is_not_kept(database: Database, clock: Clock) -> None:
    """Reservations of months before the last are gone; what was spent then is still known."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)
    began = clock()
    for _ in range(4):
        budgets.settle(budgets.reserve(tenant, 0.5), 0.25)
        clock.wait(31 * 86_400)
    budgets.reserve(tenant, 0.5)
    rows = database.read(lambda transaction: transaction.rows("SELECT month FROM sv_spend ORDER BY month"))
    assert [month for (month,) in rows] == ["2027-02", "2027-03"]
    clock.now_s = began
    assert budgets.standing(tenant).spent_usd == 0.25


def test_tenants_do_not_share_money(database: Database, clock: Clock) -> None:
    """One tenant's spending and its reservations are nobody else's; nor can another settle them."""
    budgets = Budgets(database, clock)
    one, other = _tenant(database, 1.0, "One"), _tenant(database, 1.0, "Other")
    held = budgets.reserve(one, 1.0)
    assert budgets.left_usd(other) == 1.0
    budgets.settle(Reservation(held.reservation, other, held.month, 1.0), 0.0)
    assert budgets.left_usd(one) == 0.0


@pytest.mark.parametrize("usd", [-0.01, float("nan"), float("inf")])
def test_a_cost_is_a_number_of_dollars(database: Database, usd: float) -> None:
    """A figure that is none is a defect of the caller, never money."""
    budgets = Budgets(database)
    with pytest.raises(ValueError, match="dollars"):
        budgets.reserve("local", usd)
    with pytest.raises(ValueError, match="dollars"):
        budgets.settle(budgets.reserve("local", 0), usd)


def test_threads_never_over_spend(database: Database, clock: Clock) -> None:
    """Of 64 calls at once that cost a tenth each, exactly ten are granted, and the budget is spent to the cent."""
    budgets, tenant = Budgets(database, clock), _tenant(database, 1.0)

    def spend(_: int) -> bool:
        try:
            held = budgets.reserve(tenant, 0.1)
        except BudgetExhausted:
            return False
        budgets.settle(held, 0.1)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(64))) == 10
    assert budgets.standing(tenant).spent_usd == 1.0


def test_processes_never_over_spend(file_database: Database, tmp_path: Path) -> None:
    """Two processes on one file are granted no more than there is."""
    tenant = _tenant(file_database, 1.0)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        granted = pool.starmap(_spend, [(tmp_path / "service.sqlite", tenant)] * 2)
    assert sum(granted) == 10
    assert Budgets(file_database).standing(tenant).spent_usd == 1.0


_STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "settle", "wait"]), st.floats(0, 1.2), st.floats(0, 1)), max_size=25
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(_STEPS)
def test_spent_and_reserved_never_exceed_the_budget(steps: list[tuple[str, float, float]]) -> None:
    """Whatever is reserved, settled for less, and left to lapse unsettled, in whatever order, stays in the budget."""
    clock, budget = Clock(), 2.0
    with tempfile.TemporaryDirectory() as folder, closing(Database(Path(folder) / "s.sqlite")) as database:
        create_service_tables(database)
        budgets, tenant = Budgets(database, clock), _tenant(database, budget)
        held, paid = list[Reservation](), 0
        for kind, usd, part in steps:
            if kind == "reserve":
                left = budgets.left_usd(tenant) or 0.0
                try:
                    held.append(budgets.reserve(tenant, usd))
                except BudgetExhausted:
                    assert nano(usd) > nano(left)
                else:
                    assert nano(usd) <= nano(left)
            elif kind == "settle" and held:
                last = held.pop()
                budgets.settle(last, last.usd * part)
                paid += nano(last.usd * part)
            elif kind == "wait":
                clock.wait(part * 600)
            standing = budgets.standing(tenant)
            assert nano(standing.spent_usd) == paid
            assert nano(standing.spent_usd) + nano(standing.reserved_usd) <= nano(budget)


@given(st.floats(0, 4_000_000_000))
def test_a_month_ends_where_the_next_begins(now_s: float) -> None:
    """The end lies ahead, at most 31 days, and is the first moment of another month."""
    end = month_end_s(now_s)
    assert 0 < end - now_s <= 31 * 86_400
    assert month_of(end) != month_of(now_s) == month_of(end - 1)
    assert month_end_s(end - 0.5) == end


@given(st.floats(0, 1e9), st.floats(0, 1e6))
def test_money_is_rounded_up(usd: float, more: float) -> None:
    """A sum in billionths is no less than the sum, by a billionth at most, and keeps the order."""
    assert usd - 1e-6 * max(1, usd) <= nano(usd) / 1e9 <= usd + 1e-6 * max(1, usd)
    assert nano(usd) <= nano(usd + more)


def _spend(path: Path, tenant: str) -> int:
    granted = 0
    with closing(Database(path)) as database:
        budgets = Budgets(database)
        for _ in range(15):
            try:
                held = budgets.reserve(tenant, 0.1)
            except BudgetExhausted:
                continue
            budgets.settle(held, 0.1)
            granted += 1
    return granted
