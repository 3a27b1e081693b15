"""The shortcut around jsonschema agrees with it, whatever comes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from wren_async.sandbox.contract import load
from wren_async.sandbox.shortcut import plain_check

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 300), st.decimals(-3, 300, places=2), st.text("a", max_size=4)
)
BOUNDS = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.integers(-2, 3),
        "exclusiveMinimum": st.integers(-2, 3),
        "maximum": st.integers(0, 300),
        "minLength": st.integers(0, 2),
        "maxLength": st.integers(0, 3),
        "enum": st.lists(st.text("a", max_size=3), min_size=1, max_size=3),
        "format": st.sampled_from(["decimal", "date-time"]),
        "pattern": st.just("^a"),
    },
)


@st.composite
def scalar_schemas(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["integer", "number", "string", "boolean", ["string", "null"], None]))
    return {**draw(BOUNDS), **({} if kind is None else {"type": kind})}


@st.composite
def object_schemas(draw: st.DrawFn) -> dict[str, Any]:
    names = st.sampled_from(["a", "b", "c"])
    schema: dict[str, Any] = {
        "type": "object",
        "properties": draw(st.dictionaries(names, scalar_schemas(), max_size=3)),
    }
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(names, unique=True, max_size=2))
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    return schema


@settings(deadline=None)
@given(
    st.one_of(scalar_schemas(), object_schemas()),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), SCALARS)),
)
def test_it_says_yes_only_where_jsonschema_does(schema: dict[str, Any], value: Any) -> None:
    if plain_check(schema)(value):
        assert Draft202012Validator(schema).is_valid(value)


def test_it_is_of_use() -> None:
    bodies = load("wren").operations["createOffsetOrder"].bodies
    order = {"tons": Decimal("0.45"), "note": "ref 1", "paymentMethod": "credits", "other": []}
    check = plain_check({"type": "object", "properties": {"tons": {"type": "number", "exclusiveMinimum": 0}}})
    assert check({"tons": Decimal("0.45"), "other": []})
    assert not check({"tons": 0})
    assert all(schema.check(order) == {} for schema in bodies.values())
