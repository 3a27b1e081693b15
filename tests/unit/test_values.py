"""What the values that everything is made of can do."""

from __future__ import annotations

from decimal import Decimal

import attrs

from wren_async.cnaught import Portfolios
from wren_async.models import cnaught, wren


def test_values_are_compared_by_what_they_hold_and_of_the_same_class_only() -> None:
    one, same = cnaught.OrderByAmount(amount_kg=Decimal(1)), cnaught.OrderByAmount(amount_kg=Decimal("1.0"))
    assert one == same
    assert hash(one) == hash(same)
    assert one != cnaught.OrderByAmount(amount_kg=Decimal(2))
    assert one != cnaught.MassQuoteRequest(amount_kg=Decimal(1))
    assert one != "OrderByAmount"


def test_unknown_fields_count_in_comparing_but_are_neither_hashed_nor_shown() -> None:
    balance = wren.CreditBalance(credit_balance_usd_cents=5)
    other = attrs.evolve(balance, extra_fields={"unit": ["cents"]})
    assert balance != other
    assert hash(balance) == hash(other)
    assert repr(other) == "CreditBalance(credit_balance_usd_cents=5, test=None)"


def test_a_call_and_its_operation_are_shown_by_the_names_that_make_them() -> None:
    call = Portfolios.get("p1", headers={"X-Trace": "secret"})
    assert repr(call.operation).startswith(
        "Operation(id='getPortfolio', method='GET', path='/portfolios/{id}', answer="
    )
    assert "headers=['X-Trace']" in repr(call)
    assert "secret" not in repr(call)
