from __future__ import annotations

import inspect
import json
from decimal import Decimal
from typing import Any

import attrs
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from wren_async import UNSET, CNaughtClient, InvalidArgument
from wren_async.batch.intents import (
    ORDER_TYPES,
    CNaughtMass,
    CNaughtPrice,
    Intent,
    WrenOffset,
    WrenProject,
    WrenTrees,
    canonical,
    digest,
    price_question,
    required,
    restore,
)

TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
AMOUNT = st.decimals(min_value="0.000001", max_value=10**6, places=6)
PAYMENT = st.sampled_from(["stripe", "credits"])
EXTERNAL_ID = st.none() | st.text(st.sampled_from("R-1001 ä"), min_size=1, max_size=200).filter(str.strip)
WRENS = {"payment_method": PAYMENT, "note": TEXT, "on_behalf_of_name": TEXT, "on_behalf_of_email": TEXT}
WRENS["external_id"] = EXTERNAL_ID
CNAUGHTS = {"description": TEXT, "metadata": TEXT, "portfolio_id": TEXT, "external_id": EXTERNAL_ID}

INTENTS: st.SearchStrategy[Intent] = st.one_of(
    st.builds(WrenOffset, tons=AMOUNT, portfolio_id=st.none() | st.integers(1, 99), **WRENS),
    st.builds(WrenProject, project_id=st.integers(1, 99), amount_in_usd_cents=st.integers(100, 10**9), **WRENS),
    st.builds(WrenTrees, amount_of_trees=st.integers(1, 10**6), **WRENS),
    st.builds(CNaughtMass, amount_kg=AMOUNT, **CNAUGHTS),
    st.builds(CNaughtPrice, total_price_usd_cents=st.integers(1, 10**9), **CNAUGHTS),
)


@given(INTENTS)
def test_the_journal_gives_back_what_it_was_given(intent: Intent) -> None:
    assert restore(canonical(intent)) == intent


@given(INTENTS, INTENTS)
def test_only_equal_orders_have_the_same_digest(one: Intent, other: Intent) -> None:
    assert (digest(canonical(one)) == digest(canonical(other))) == (one == other)


def test_a_number_has_one_spelling() -> None:
    spellings = [Decimal("1.50"), Decimal("1.5"), Decimal("15E-1")]
    assert len({canonical(CNaughtMass(amount_kg=each)) for each in spellings}) == 1
    assert canonical(CNaughtMass(amount_kg=100)) == canonical(CNaughtMass(amount_kg=Decimal("1E+2")))


@pytest.mark.parametrize(
    ("kind", "values", "argument"),
    [
        (CNaughtMass, {"amount_kg": 1.5}, "amount_kg"),
        (CNaughtMass, {"amount_kg": True}, "amount_kg"),
        (CNaughtMass, {"amount_kg": 0}, "amount_kg"),
        (CNaughtMass, {"amount_kg": Decimal("nan")}, "amount_kg"),
        (CNaughtMass, {"amount_kg": Decimal("1E+999999")}, "amount_kg"),
        (CNaughtMass, {"amount_kg": Decimal("1E+999999999")}, "amount_kg"),
        (CNaughtMass, {"amount_kg": Decimal("1E-999999999")}, "amount_kg"),
        (CNaughtMass, {"amount_kg": 10**5000}, "amount_kg"),
        (CNaughtMass, {"amount_kg": Decimal(10**9 + 1)}, "amount_kg"),
        (CNaughtPrice, {"total_price_usd_cents": 10**30}, "total_price_usd_cents"),
        (CNaughtPrice, {"total_price_usd_cents": -(10**5000)}, "total_price_usd_cents"),
        (WrenProject, {"project_id": 10**30, "amount_in_usd_cents": 100, "payment_method": "credits"}, "project_id"),
        (WrenTrees, {"amount_of_trees": 10**12, "payment_method": "credits"}, "amount_of_trees"),
        (WrenOffset, {"tons": Decimal("1e30"), "payment_method": "credits"}, "tons"),
        (CNaughtMass, {"amount_kg": 1, "metadata": "x" * 458}, "metadata"),
        (CNaughtMass, {"amount_kg": 1, "subaccount_id": ""}, "subaccount_id"),
        (CNaughtPrice, {"total_price_usd_cents": -1}, "total_price_usd_cents"),
        (WrenOffset, {"tons": 1, "payment_method": "card"}, "payment_method"),
        (WrenTrees, {"amount_of_trees": Decimal(1), "payment_method": "credits"}, "amount_of_trees"),
        (WrenOffset, {"tons": 1, "payment_method": "credits", "on_behalf_of_name": "x" * 201}, "on_behalf_of_name"),
        (WrenOffset, {"tons": 1, "payment_method": "credits", "external_id": "x" * 201}, "external_id"),
        (CNaughtMass, {"amount_kg": 1, "external_id": " "}, "external_id"),
        (CNaughtMass, {"amount_kg": 1, "external_id": "a\nb"}, "external_id"),
        (CNaughtMass, {"amount_kg": 1, "external_id": 1001}, "external_id"),
    ],
)
def test_a_bad_order_is_refused_when_it_is_made(kind: Any, values: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        kind(**values)
    assert caught.value.argument == argument


@respx.mock
async def test_metadata_may_fill_the_room_that_the_reference_leaves() -> None:
    answer = {"id": "order_1", "amount_kg": 1, "price_usd_cents": 2, "state": "placed"}
    route = respx.post("https://api.cnaught.com/v1/orders").respond(json=answer)
    async with CNaughtClient("a-key") as client:
        await client.send(CNaughtMass(amount_kg=1, metadata="x" * 457).call("r" * 48, "k" * 48))
    sent = json.loads(route.calls.last.request.content)["metadata"]
    assert "x" * 457 in sent
    assert len(sent) == 512, "all that CNaught takes"


def test_calls_carry_the_reference_and_where_there_are_keys_the_key() -> None:
    order = CNaughtMass(amount_kg=1, subaccount_id="sub").call("ref", "key")
    assert (order.reference, order.idempotency_key, order.subaccount_id) == ("ref", "key", "sub")
    offset = WrenOffset(tons=1, payment_method="credits").call("ref", "key")
    assert (offset.reference, offset.idempotency_key) == ("ref", UNSET)


@pytest.mark.parametrize("kind", ORDER_TYPES.values())
def test_an_intent_has_the_parameters_of_the_operation_that_places_it(kind: Any) -> None:
    builder = inspect.signature(kind._place).parameters
    held = {field.name for field in attrs.fields(kind)} - {"external_id"}
    needed = {name for name, each in builder.items() if each.default is each.empty and each.kind is each.KEYWORD_ONLY}
    assert needed <= set(required(kind)) <= held <= builder.keys()
    if hasattr(kind, "_ask"):
        told = {"note", "description", "metadata", "on_behalf_of_name", "on_behalf_of_email"}
        assert held - told <= inspect.signature(kind._ask).parameters.keys()


@pytest.mark.parametrize(
    "intent",
    [
        WrenOffset(tons=1, payment_method="credits", external_id="R-1001"),
        CNaughtMass(amount_kg=1, external_id="R-1001"),
        CNaughtPrice(total_price_usd_cents=1, external_id="R-1001"),
    ],
)
def test_the_own_number_of_an_order_is_kept_and_not_sent(intent: Intent) -> None:
    assert "R-1001" in canonical(intent)
    assert digest(canonical(intent)) != digest(canonical(attrs.evolve(intent, external_id="R-1002")))
    assert "R-1001" not in str(intent.call("ref", "key"))
    assert price_question(intent) == price_question(attrs.evolve(intent, external_id=None))


def test_a_question_of_price_buys_nothing() -> None:
    asked = WrenOffset(tons=1, payment_method="credits", note="a", portfolio_id=3).price_call()
    assert asked.body is not None
    assert (asked.body.dry_run, asked.body.note, asked.body.portfolio_id) == (True, UNSET, 3)
    quote = CNaughtMass(amount_kg=1, metadata="a", subaccount_id="sub").price_call()
    assert (quote.operation.id, quote.subaccount_id) == ("createQuote", "sub")


def test_what_does_not_bear_on_the_price_is_no_new_question() -> None:
    one = WrenOffset(tons=1, payment_method="credits", note="a", on_behalf_of_name="b")
    assert price_question(one) == price_question(WrenOffset(tons=1, payment_method="credits"))
    assert price_question(one) != price_question(WrenOffset(tons=1, payment_method="credits", portfolio_id=2))


@pytest.mark.parametrize("text", ["", "null", "{}", '{"kind":"wren.gold"}', '{"kind":"wren.offset","tons":"x"}', "[1]"])
def test_a_damaged_intent_is_an_error(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no order intent"):
        restore(text)


def test_every_kind_has_a_name() -> None:
    assert list(ORDER_TYPES) == ["wren.offset", "wren.project", "wren.trees", "cnaught.mass", "cnaught.price"]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: WrenOffset(tons=1, payment_method="credits", note="see [ref:ride-1]"), "note"),
        (lambda: CNaughtMass(amount_kg=1, metadata="see [ref:ride-1]"), "metadata"),
    ],
)
def test_text_that_carries_a_reference_is_refused_when_the_order_is_planned(make: Any, field: str) -> None:
    with pytest.raises(InvalidArgument, match="must not carry") as caught:
        make()
    assert caught.value.argument == field
