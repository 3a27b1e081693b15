"""Charges: which may belong to an order, and which one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wren_async import InvalidArgument
from wren_async.reconcile import Charge, Checkpoint
from wren_async.reconcile.ledger import fitting, unique

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def charge(id: str | None, cents: int = 100, minutes: float | None = 0) -> Charge:
    at = None if minutes is None else NOW + timedelta(minutes=minutes)
    return Charge(where="the ledger", id=id, cents=cents, at=at)


def test_a_charge_fits_by_amount_and_time_and_is_nobody_elses():
    charges = [charge("a"), charge("b", 101), charge("c", minutes=30), charge("d", minutes=None), charge("e")]

    assert [each.id for each in fitting(charges, {100}, NOW, {"e"})] == ["a", "d"]
    assert [each.id for each in fitting(charges, {100}, None, ())] == ["a", "c", "d", "e"]


def test_an_id_comes_from_the_only_charge_of_the_only_order_that_could_have_it():
    a, b, nameless = charge("a"), charge("b"), charge(None)

    assert unique({1: (a,)}) == {1: a}
    assert unique({1: (a, b)}) == {}
    assert unique({1: (a,), 2: (a,)}) == {}
    assert unique({1: (a,), 2: (b,)}) == {1: a, 2: b}
    assert unique({1: (nameless,)}) == {}


def test_a_checkpoint_survives_in_a_journal():
    checkpoint = Checkpoint(total=7, newest="id 901", taken=NOW)

    assert Checkpoint.from_json(checkpoint.to_json()) == checkpoint


@pytest.mark.parametrize(
    "text", ["", "{}", '{"total": "x", "newest": null, "taken": "2026-07-01T12:00:00+00:00"}', "[]"]
)
def test_what_is_no_checkpoint_is_refused(text: str):
    with pytest.raises(InvalidArgument, match="no checkpoint"):
        Checkpoint.from_json(text)
