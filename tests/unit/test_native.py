"""The fast roads between bytes and models give what the codec's own road gives, or stand aside."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async.core import codec
from wren_async.core.codec import fast as twins
from wren_async.core.codec import native
from wren_async.models import cnaught, wren

ROOT = Path(__file__).parent.parent.parent

SEEDS: list[tuple[type, Any]] = []
for api, models in (("wren", wren), ("cnaught", cnaught)):
    document = yaml.safe_load((ROOT / "openapi" / f"{api}.yaml").read_text())
    for path in document["paths"].values():
        for operation in (value for key, value in path.items() if key in ("get", "post", "put", "delete")):
            for status, response in operation["responses"].items():
                media = response.get("content", {}).get("application/json", {})
                name = media.get("schema", {}).get("$ref", "").rpartition("/")[2]
                if status.startswith("2") and hasattr(models, name):
                    SEEDS += [(getattr(models, name), each["value"]) for each in media.get("examples", {}).values()]

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**62, max_value=2**70),
    st.text(max_size=5),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**9, min_value=-(10**9)),
    st.sampled_from(
        [
            Decimal("20.0"),
            Decimal("1E+3"),
            "10.5",
            "2022-08-01T18:00:00.1234567Z",
            "2022-08-01T18:00:00",
            "2022-08-01",
            "fulfilled",
            "no such state",
            [],
            {},
            [1],
            {"a": 1},
        ]
    ),
)


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [spot for name, item in value.items() for spot in spots(item, (*path, name))]
    elif isinstance(value, list):
        found += [spot for index, item in enumerate(value) for spot in spots(item, (*path, index))]
    return found


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    value = copy.copy(value)
    value[path[0]] = changed(value[path[0]], path[1:], odd)
    return value


@st.composite
def bodies(draw: st.DrawFn) -> tuple[type, bytes]:
    form, value = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(min_value=0, max_value=2))):
        path = draw(st.sampled_from(spots(value)))
        value = changed(value, path, draw(ODD))
        if isinstance(value, dict) and draw(st.booleans()):
            value = {**value, draw(st.sampled_from(["new", "newer", "extra_fields", "id"])): draw(ODD)}
    return form, encoded(value)


def encoded(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def begin_anew() -> None:
    """Forget all new fields that were met."""
    twins.newcomers.meet(object, ["anything"])
    assert twins.learn()
    twins.newcomers.forget()
    native.road.cache_clear()


def by_cattrs(raw: bytes, form: type) -> object:
    return codec.structure(codec.parse(raw), form)


@pytest.mark.parametrize("keeps", [False, True])
@settings(max_examples=200, deadline=None)
@given(bodies())
def test_each_fast_road_reads_what_cattrs_reads(keeps: bool, given: tuple[type, bytes]) -> None:
    form, raw = given
    try:
        fast: Any = native.road(form, keeps=keeps)(raw)
    except native.REFUSALS:
        return
    slow: Any = by_cattrs(raw, form)
    assert fast == slow
    assert in_order(fast) == in_order(slow)
    assert type(fast) is type(slow) is form


def in_order(value: Any) -> object:
    """What a model holds and of which types, whatever order its unknown fields came in."""
    if attrs.has(type(value)):
        return type(value), [in_order(getattr(value, field.name)) for field in attrs.fields(type(value))]
    if isinstance(value, Mapping):
        return sorted((name, in_order(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return type(value), [in_order(item) for item in value]
    return repr(value)


@settings(max_examples=200, deadline=None)
@given(st.lists(bodies(), max_size=6))
def test_whatever_was_read_before_an_answer_reads_the_same(answers: list[tuple[type, bytes]]) -> None:
    begin_anew()
    for form, raw in answers:
        try:
            slow: Any = by_cattrs(raw, form)
        except codec.Unreadable:
            with pytest.raises(codec.Unreadable):
                codec.decode(raw, form)
        else:
            assert in_order(codec.decode(raw, form)) == in_order(slow)


@pytest.mark.parametrize(("form", "value"), SEEDS)
def test_what_the_contract_knows_is_read_on_the_first_road(form: type, value: Any) -> None:
    raw = encoded(value)
    assert native.road(form, keeps=False)(raw) == by_cattrs(raw, form)


@pytest.mark.parametrize(("form", "value"), SEEDS)
def test_a_new_field_in_every_object_is_kept_on_the_second_road(form: type, value: Any) -> None:
    begin_anew()
    raw = encoded(with_a_new_field(value))
    with pytest.raises(native.REFUSALS):
        native.road(form, keeps=False)(raw)
    assert native.road(form, keeps=True)(raw) == by_cattrs(raw, form)
    assert codec.encode(codec.decode(raw, form)).count(b'"a.new-field"') == raw.count(b'"a.new-field"')


@pytest.mark.parametrize(("form", "value"), SEEDS)
def test_a_new_field_that_was_met_is_read_on_the_first_road(form: type, value: Any) -> None:
    begin_anew()
    raw = encoded(with_a_new_field(value))
    assert native.read(raw, form) == native.road(form, keeps=False)(raw) == by_cattrs(raw, form)
    assert native.read(encoded(value), form) == by_cattrs(encoded(value), form)


def test_a_server_that_makes_up_names_is_read_and_fills_no_memory() -> None:
    begin_anew()
    for number in range(50):
        raw = encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, f"new{number}": number})
        assert codec.decode(raw, cnaught.Order).extra_fields == {f"new{number}": number}
    assert len(twins.newcomers.of(cnaught.Order)) == 8


@pytest.mark.parametrize("name", ["", '"', "\\", "\n", "\x00", "ü", "a" * 10_000, "_new_0", "extra_fields", "m.x = 1"])
def test_a_new_field_may_have_any_name(name: str) -> None:
    begin_anew()
    raw = encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, name: {"a": Decimal("0.10")}})
    for _ in range(3):
        read = codec.decode(raw, cnaught.Order)
        assert repr(read.extra_fields) == repr({name: {"a": Decimal("0.10")}})


def with_a_new_field(value: Any) -> Any:
    if isinstance(value, dict):
        return {**{name: with_a_new_field(item) for name, item in value.items()}, "a.new-field": [Decimal("0.1")]}
    return [with_a_new_field(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (wren.Portfolio, {"id": 21, "name": "Trailblazer", "costPerTon": 401.71, "cost_per_ton": None, "projects": []}),
        (wren.OrderedPortfolio, {"cost_per_ton": 401.71}),
        (wren.OffsetOrder, {"created_at": "2022-08-01T18:00:00Z", "portfolioId": 21}),
        (wren.OffsetOrderList, [{"id": 1}, {"id": "b", "tons": 0.5}]),
        (wren.OffsetOrderReceipt, {"amountCharged": 1040, "currency": "USD", "tons": 1, "dryRun": True}),
    ],
)
@pytest.mark.parametrize("keeps", [False, True])
def test_other_spellings_and_bare_arrays_are_read_on_both_roads(form: type, value: Any, keeps: bool) -> None:
    raw = encoded(value)
    assert native.road(form, keeps=keeps)(raw) == by_cattrs(raw, form)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_kg": "10.5"},
        {"amount_kg": True},
        {"amount_kg": None},
        {"price_usd_cents": Decimal("20.0")},
        {"created_on": "2022-08-01T18:00:00"},
        {"distance_km": [1]},
        {"id": 12},
    ],
)
def test_the_fast_roads_leave_what_only_cattrs_may_judge(changed: dict[str, Any]) -> None:
    raw = encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, **changed})
    with pytest.raises(native.OffTheRoad):
        native.read(raw, cnaught.Order)


@attrs.frozen(kw_only=True)
class Checked:
    """A model that looks at what it is given."""

    share: int = attrs.field(validator=attrs.validators.le(100))


@attrs.frozen(kw_only=True)
class Watchful:
    """A model that looks at itself once it is made."""

    share: int

    def __attrs_post_init__(self) -> None:
        assert self.share <= 100


@pytest.mark.parametrize("form", [Checked, Watchful])
def test_a_model_that_checks_itself_is_not_made_behind_its_back(form: type) -> None:
    with pytest.raises(native.OffTheRoad):
        native.read(b'{"share": 50}', form)
    assert codec.decode(b'{"share": 50}', form).share == 50


def test_a_model_made_on_a_fast_road_is_frozen_and_like_any_other() -> None:
    raw = b'{"id": "x", "amount_kg": 1, "price_usd_cents": 2}'
    order = native.read(raw, cnaught.Order)
    assert type(order) is cnaught.Order
    assert order == pickle.loads(pickle.dumps(order)) == attrs.evolve(order)
    for touch in (lambda: setattr(order, "id", "y"), lambda: delattr(order, "id")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            touch()


def test_an_order_is_written_and_read_without_cattrs() -> None:
    program = """
import sys
from wren_async.core import codec
from wren_async.models import cnaught, wren
codec.encode(cnaught.OrderByAmount(amount_kg=10, metadata="mine"))
codec.decode(b'{"id": "x", "amount_kg": 1.5, "price_usd_cents": 2, "new": 1}', cnaught.Order)
codec.encode(wren.OffsetOrderRequest(tons=1, payment_method=wren.PaymentMethod.CREDITS))
codec.decode(b'{"id": "x", "amountCharged": 1, "currency": "USD", "tons": 1.5}', wren.OffsetOrderReceipt)
assert "cattrs" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
