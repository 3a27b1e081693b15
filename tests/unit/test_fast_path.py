"""Whatever path an answer takes through the codec, it is read as cattrs reads it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
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


def by_cattrs(raw: bytes, form: type) -> object:
    return codec.structure(codec.parse(raw), form)


@settings(max_examples=400, deadline=None)
@given(bodies())
def test_an_answer_is_read_as_cattrs_reads_it(given: tuple[type, bytes]) -> None:
    form, raw = given
    assert found(lambda: codec.decode(raw, form)) == found(lambda: by_cattrs(raw, form))


def found(read: Callable[[], object]) -> object:
    """What was read, or the faults that were named."""
    try:
        return in_order(read())
    except codec.Unreadable as error:
        return error.problems


def in_order(value: Any) -> object:
    """What a model holds and of which types, whatever order its unknown fields came in."""
    if attrs.has(type(value)):
        return type(value), [in_order(getattr(value, field.name)) for field in attrs.fields(type(value))]
    if isinstance(value, Mapping):
        return sorted((name, in_order(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return type(value), [in_order(item) for item in value]
    return repr(value)


@pytest.mark.parametrize(("form", "value"), SEEDS)
def test_a_new_field_in_every_object_is_kept_and_written_back(form: type, value: Any) -> None:
    raw = encoded(with_a_new_field(value))
    assert codec.decode(raw, form) == by_cattrs(raw, form)
    assert codec.encode(codec.decode(raw, form)).count(b'"a.new-field"') == raw.count(b'"a.new-field"')
    assert codec.decode(encoded(value), form) == by_cattrs(encoded(value), form)


@pytest.mark.parametrize("name", ["", '"', "\\", "\n", "\x00", "ü", "a" * 10_000, "extra_fields", "m.x = 1"])
def test_a_new_field_may_have_any_name(name: str) -> None:
    raw = encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, name: {"a": Decimal("0.10")}})
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
def test_other_spellings_and_bare_arrays_are_read_alike(form: type, value: Any) -> None:
    for sent in (value, with_a_new_field(value)):
        assert codec.decode(encoded(sent), form) == by_cattrs(encoded(sent), form)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"amount_kg": "10.5"}, "$.amount_kg: takes a number, not a string"),
        ({"amount_kg": True}, "$.amount_kg: takes a number, not true"),
        ({"amount_kg": None}, "$.amount_kg: takes a number, not null"),
        ({"price_usd_cents": "2"}, "$.price_usd_cents: takes a whole number, not a string"),
        ({"id": 12}, "$.id: takes a string, not a number"),
    ],
)
def test_a_wrong_type_is_named_whether_or_not_something_new_stands_beside_it(
    changed: dict[str, Any], expected: str
) -> None:
    for beside in ({}, {"new": 1}):
        with pytest.raises(codec.Unreadable) as caught:
            codec.decode(encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, **beside, **changed}), cnaught.Order)
        assert caught.value.problems == (expected,)


@pytest.mark.parametrize(
    ("changed", "attribute", "expected"),
    [
        ({"price_usd_cents": Decimal("20.0")}, "price_usd_cents", 20),
        ({"created_on": "2022-08-01T18:00:00"}, "created_on", datetime(2022, 8, 1, 18, tzinfo=UTC)),
    ],
)
def test_unusual_spellings_of_a_good_value_are_read(changed: dict[str, Any], attribute: str, expected: object) -> None:
    raw = encoded({"id": "x", "amount_kg": 1, "price_usd_cents": 2, **changed})
    assert repr(getattr(codec.decode(raw, cnaught.Order), attribute)) == repr(expected)


@attrs.frozen(kw_only=True)
class Checked:
    """A model that looks at what it is given."""

    share: int = attrs.field(validator=attrs.validators.le(100))


@attrs.frozen(kw_only=True)
class Watchful:
    """A model that looks at itself once it is made."""

    share: int

    def __attrs_post_init__(self) -> None:
        if self.share > 100:
            raise ValueError("more than all")


@pytest.mark.parametrize("form", [Checked, Watchful])
def test_a_model_that_checks_itself_is_not_made_behind_its_back(form: type) -> None:
    assert codec.decode(b'{"share": 50}', form).share == 50
    with pytest.raises(ValueError, match=r"more than all|must be <= 100"):
        codec.decode(b'{"share": 500}', form)


def test_a_model_that_was_read_is_frozen_and_like_any_other() -> None:
    order = codec.decode(b'{"id": "x", "amount_kg": 1, "price_usd_cents": 2}', cnaught.Order)
    assert type(order) is cnaught.Order
    assert order == pickle.loads(pickle.dumps(order)) == attrs.evolve(order)
    for touch in (lambda: setattr(order, "id", "y"), lambda: delattr(order, "id")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            touch()


def test_a_program_that_orders_does_not_wait_for_cattrs_to_load() -> None:
    """It would take a third of the first call. No example of the contract needs it, nor one with a new field."""
    program = """
import sys
from wren_async.core import codec
from wren_async.models import cnaught, wren
codec.encode(cnaught.OrderByAmount(amount_kg=10, metadata="mine"))
codec.encode(wren.OffsetOrderRequest(tons=1, payment_method=wren.PaymentMethod.CREDITS))
for line in sys.stdin.buffer.read().splitlines():
    api, name, raw = line.split(b" ", 2)
    codec.decode(raw, getattr({b"wren": wren, b"cnaught": cnaught}[api], name.decode()))
assert "cattrs" not in sys.modules
"""
    lines = [
        b"%s %s %s"
        % (b"wren" if "wren.models" in form.__module__ else b"cnaught", form.__name__.encode(), encoded(each))
        for form, value in SEEDS
        for each in (value, with_a_new_field(value))
    ]
    subprocess.run([sys.executable, "-c", program], input=b"\n".join(lines), check=True, timeout=60)
