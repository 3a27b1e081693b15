from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async import InvalidArgument
from wren_async.batch.events import Ending
from wren_async.batch.journal.contract import Result, Row, State, Totals
from wren_async.batch.run.budget import Budget, Caps


def row(cents: int = 100, grams: int = 1000, position: int = 1) -> Row:
    return Row(position=position, intent="{}", digest="", reference="r", key="k", cents=cents, grams=grams)


def budget(**caps: Any) -> Budget:
    return Budget(Caps(**caps), 0, 0)


def test_what_is_undecided_counts_as_spent() -> None:
    totals = Totals(
        orders={},
        spent_cents=50,
        reserved_cents=30,
        planned_cents=0,
        spent_grams=1,
        reserved_grams=2,
        planned_grams=0,
    )
    begun = Budget.of(Caps(cents=180), totals)
    assert begun.reserve(row(100)) is None
    assert begun.reserve(row(1)) is not None


def test_the_cap_may_be_reached_and_not_exceeded() -> None:
    tight = budget(cents=200)
    assert tight.reserve(row(100)) is None
    assert tight.reserve(row(100)) is None
    assert tight.reserve(row(1)) == "$2.00 spent or reserved, and $0.01 more would exceed $2.00"


def test_mass_is_capped_too() -> None:
    tight = budget(kilograms=Decimal("1.5"))
    assert tight.reserve(row(grams=1500)) is None
    assert "kg" in (tight.reserve(row(grams=1)) or "")


def test_an_order_that_was_refused_or_came_back_frees_its_reservation() -> None:
    tight = budget(cents=100)
    assert tight.reserve(row()) is None
    tight.release(row())
    assert tight.reserve(row()) is None
    assert tight.settle(row(), Result(state=State.REFUSED)) is None
    assert tight.reserve(row()) is None


def test_a_charge_above_its_reservation_stops_the_run() -> None:
    tight = budget()
    tight.reserve(row(100))
    assert tight.settle(row(100), Result(state=State.PLACED, cents=100)) is None
    tight.reserve(row(100))
    problem = tight.settle(row(100), Result(state=State.PLACED, cents=101))
    assert problem == (Ending.OVERCHARGED, "order 1 cost $1.01, and the plan expected $1.00")


def test_a_charge_that_was_not_read_counts_as_planned() -> None:
    tight = budget()
    tight.reserve(row(100))
    assert tight.settle(row(100), Result(state=State.PLACED)) is None
    assert tight.cents == 100


def test_too_many_failures_stop_the_run() -> None:
    tight = budget(failures=1)
    for state in (State.REFUSED, State.UNDECIDED):
        tight.reserve(row())
        problem = tight.settle(row(), Result(state=state))
    assert problem == (Ending.TOO_MANY_FAILURES, "2 orders were refused or are undecided")


@pytest.mark.parametrize(
    "caps",
    [{"cents": -1}, {"cents": 1.5}, {"cents": Decimal("1.5")}, {"kilograms": 0.5}, {"failures": True}],
)
def test_a_cap_is_a_number_and_no_float(caps: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        Caps(**caps)


@given(
    st.integers(0, 500),
    st.lists(st.tuples(st.integers(1, 200), st.sampled_from(["placed", "cheaper", "refused", "undecided", "back"]))),
)
def test_the_cap_holds_whatever_comes_of_the_orders(cap: int, orders: list[tuple[int, str]]) -> None:
    tight = budget(cents=cap, failures=None)
    spent = 0
    for cents, what in orders:
        if tight.reserve(row(cents)) is not None:
            continue
        assert tight.cents <= cap
        if what == "back":
            tight.release(row(cents))
            continue
        state = State.PLACED if what in ("placed", "cheaper") else State(what)
        paid = cents // 2 if what == "cheaper" else cents
        tight.settle(row(cents), Result(state=state, cents=paid if state is State.PLACED else None))
        spent += 0 if what == "refused" else paid
    assert tight.cents == spent <= cap
