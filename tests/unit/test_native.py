"""The fast road from bytes to models gives what the codec's own road gives, or stands aside."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from wren_async.core import codec, native
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
            value = {**value, draw(st.sampled_from(["new", "extra_fields", "id"])): draw(ODD)}
    return form, encoded(value)


def encoded(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


@settings(max_examples=300, deadline=None)
@given(bodies())
def test_both_roads_read_the_same(given: tuple[type, bytes]) -> None:
    form, raw = given
    try:
        fast = native.read(raw, form)
    except native.OffTheRoad:
        return
    assert fast == codec.structure(codec.parse(raw), form)
    assert repr(fast) == repr(codec.structure(codec.parse(raw), form))


@pytest.mark.parametrize("form", [cnaught.OrderList, cnaught.Quote, cnaught.SubaccountList, wren.LedgerPage])
def test_the_fast_road_is_taken_for_what_is_read_most(form: type) -> None:
    example = next(value for seed, value in SEEDS if seed is form)
    assert native.read(json.dumps(example).encode(), form)
