"""Models to plain data and back: every model, every value, nothing lost."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async import UNSET, CNaughtClient, InvalidArgument, Unset, from_dict, from_json, to_dict, to_json
from wren_async._generated.cnaught import models as cnaught
from wren_async._generated.wren import models as wren
from wren_async.core.values import OpenStrEnum
from wren_async.models.cnaught import Order, OrderByAmount, OrderState

MODELS: list[Any] = [
    kind for package in (wren, cnaught) for name in package.__all__ if attrs.has(kind := getattr(package, name))
]

INTS = st.integers(-(2**63), 2**63 - 1)
DECIMALS = st.decimals(-(10**15), 10**15, places=9)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))])
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | INTS | DECIMALS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: INTS,
    bool: st.booleans(),
    Decimal: DECIMALS,
    datetime: TIMES,
    types.NoneType: st.none(),
    Unset: st.just(UNSET),
    object: VALUES,
    Any: VALUES,
}


def values_of(form: Any) -> st.SearchStrategy[Any]:
    if form in PLAIN:
        return PLAIN[form]
    if attrs.has(form):
        return models_of(form)
    origin, arguments = get_origin(form), get_args(form)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(each) for each in arguments])
    if origin in (dict, Mapping):
        return st.dictionaries(st.text(), values_of(arguments[1]), max_size=3)
    if isinstance(form, type) and issubclass(form, OpenStrEnum):
        return st.sampled_from(form) | st.text().map(form)
    assert issubclass(form, enum.Enum), form
    return st.sampled_from(form)


def models_of(kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    fields = {field.name: field for field in attrs.fields(kind)}
    names = {each for field in fields.values() for each in wire_names(field)}
    given = {name: values_of(hints[name]) for name in fields if name != "extra_fields"}
    if "extra_fields" in fields:
        given["extra_fields"] = st.dictionaries(st.text().filter(lambda each: each not in names), VALUES, max_size=2)
    return st.builds(kind, **given)


def wire_names(field: attrs.Attribute[Any]) -> tuple[str, ...]:
    return field.metadata.get("wire", field.name), *field.metadata.get("aliases", ())


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: f"{kind.__module__.split('.')[2]}.{kind.__name__}")
def test_every_model_comes_back_as_it_was(kind: Any) -> None:
    @settings(max_examples=20, deadline=None)
    @given(models_of(kind))
    def law(model: Any) -> None:
        assert from_dict(kind, to_dict(model)) == model
        assert from_json(kind, to_json(model)) == model
        # What is plain can be kept by any JSON library that keeps digits.
        assert from_dict(kind, json.loads(to_json(model), parse_float=Decimal)) == model

    law()


ORDER = Order(
    id="o1",
    amount_kg=Decimal("10.50"),
    price_usd_cents=319,
    state=OrderState("on_hold"),
    created_on=datetime(2026, 11, 21, 10, 30, tzinfo=timezone(timedelta(hours=1))),
    extra_fields={"new": {"score": Decimal("0.10")}},
)


def test_plain_data_has_the_apis_names_and_exact_values() -> None:
    data = to_dict(ORDER)
    assert data["amount_kg"] == Decimal("10.50")
    assert data["price_usd_cents"] == 319
    assert type(data["state"]) is str
    assert data["created_on"] == "2026-11-21T09:30:00.000000Z"
    assert data["new"] == {"score": Decimal("0.10")}
    assert data["metadata"] is None
    assert list(to_dict(wren.OffsetOrderList(offset_orders=()))) == ["stats", "offsetOrders"]


def test_json_keeps_the_digits() -> None:
    assert '"amount_kg":10.50' in to_json(ORDER)
    assert str(from_json(Order, to_json(ORDER)).amount_kg) == "10.50"


def test_what_is_unset_is_left_out_and_null_is_kept() -> None:
    assert to_dict(OrderByAmount(amount_kg=Decimal(1), metadata=None)) == {"amount_kg": Decimal(1), "metadata": None}


def test_nothing_of_the_plain_data_is_shared_with_the_model() -> None:
    data = to_dict(ORDER)
    data["new"]["score"] = 7
    assert ORDER.extra_fields == {"new": {"score": Decimal("0.10")}}
    read = from_dict(Order, data)
    data["new"]["score"] = 8
    assert read.extra_fields == {"new": {"score": 7}}


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"id": "o1", "price_usd_cents": 1}, r"data: is no Order: \$\.amount_kg: is missing"),
        ({"id": "o1", "price_usd_cents": 1, "amount_kg": 0.5}, r"\$\.amount_kg: a float is inexact"),
        ({"id": "o1", "price_usd_cents": "1", "amount_kg": 1}, r"\$\.price_usd_cents: takes a whole number"),
        ([], "takes a mapping, not list"),
    ],
)
def test_data_that_is_no_such_model_is_refused_by_path(data: Any, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        from_dict(Order, data)


@pytest.mark.parametrize("text", ["{", "[]", '{"id": "\ud800"}', b"\xff", '{"id": "o1"}'])
def test_text_that_is_no_such_model_is_refused(text: Any) -> None:
    with pytest.raises(InvalidArgument, match="text: is no Order"):
        from_json(Order, text)


@pytest.mark.parametrize("what", [None, {}, 7, Order, (ORDER,)])
def test_what_is_no_model_is_refused(what: Any) -> None:
    for convert in (to_dict, to_json):
        with pytest.raises(InvalidArgument, match="takes a model"):
            convert(what)


def test_a_class_that_is_no_model_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="takes a model such as an Order, not dict"):
        from_dict(dict, {})  # type: ignore[type-var, unused-ignore]
    with pytest.raises(InvalidArgument, match="takes a model such as an Order, not 'Order'"):
        from_json("Order", "{}")  # type: ignore[arg-type]


def test_a_client_is_no_model() -> None:
    with pytest.raises(InvalidArgument, match="not CNaughtClient"):
        to_dict(CNaughtClient("fake-key"))  # type: ignore[arg-type]
