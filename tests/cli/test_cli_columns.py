"""Which columns a table of an answer shows, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wren_async.cli.columns import GAP, column_of, columns_from, columns_of, fitted, is_money, pairs_of

ORDER: dict[str, object] = {
    "order_number": "70407-33667-92334-96810-0421",
    "certificate_url": "https://registry.example/" + "x" * 60,
    "created_on": "2026-11-21T20:30:18.410285Z",
    "description": "A ride of Jane's number 3",
    "amount_kg": Decimal("3.5"),
    "state": "placed",
    "id": "oNP7YHm5Wnjh",
    "price_usd_cents": 123456,
    "subaccount_id": None,
    "allocations": [{"share": 1}],
}


def heads(rows: list[dict[str, object]], width: int = 200) -> list[str]:
    return [column.head for column, _ in fitted(columns_of(rows), width).columns]


def test_what_people_look_for_first_stands_first() -> None:
    assert heads([ORDER])[:6] == ["id", "state", "amount kg", "price", "created on (UTC)", "description"]


def test_what_has_no_value_and_what_is_a_list_makes_no_column() -> None:
    assert {"subaccount id", "allocations"}.isdisjoint(heads([ORDER]))


def test_a_narrow_terminal_has_the_first_columns_and_names_the_others() -> None:
    made = fitted(columns_of([ORDER]), 80)
    shown = [column.name for column, _ in made.columns]
    assert shown == ["id", "state", "amount_kg", "price_usd_cents", "created_on", "description"]
    assert made.left_out == ["order_number", "certificate_url"]


def test_what_is_named_first_is_shown_before_what_stands_first() -> None:
    columns = columns_from(["one", "two", "three", "four"], [["a" * 10, "b" * 10, "c" * 10, "d" * 10]])
    made = fitted(columns, 34, first=["four"])
    assert [column.name for column, _ in made.columns] == ["one", "two", "four"]


def test_where_hardly_anything_fits_there_is_no_table() -> None:
    assert not fitted(columns_of([ORDER]), 18).is_table
    assert fitted(columns_of([{"id": "a", "name": "b"}]), 18).is_table


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["id", "state", "note", "amount_kg", "n_cents", "url"]),
            st.one_of(st.none(), st.text(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False)),
        ),
        min_size=1,
    ),
    st.integers(min_value=10, max_value=120),
)
def test_a_table_is_never_wider_than_the_terminal(rows: list[dict[str, object]], width: int) -> None:
    made = fitted(columns_of(rows), width)
    wide = [size for _, size in made.columns]
    assert sum(wide) + GAP * max(0, len(wide) - 1) <= width
    assert {column.name for column, _ in made.columns} | set(made.left_out) == {each.name for each in columns_of(rows)}


def cells(name: str, *values: object) -> list[str]:
    return list(column_of(name, [{name: value} for value in values]).cells)


def test_money_is_dollars_with_the_cents_below_each_other() -> None:
    assert cells("price_usd_cents", 5, -123456, None) == ["$0.05", "-$1,234.56", ""]
    assert cells("amountPaidByCustomer", Decimal("0.5"), 100) == ["$0.005", "$1.000"]


def test_numbers_have_their_points_below_each_other() -> None:
    assert cells("tons", Decimal("0.15"), 3, Decimal("12.048")) == ["0.15 ", "3    ", "12.048"[:6]]


def test_a_number_that_nobody_could_read_is_not_written_out() -> None:
    assert cells("amount_kg", Decimal("1e999999")) == ["1E+999999"]


def test_times_are_in_utc() -> None:
    assert cells("createdAt", "2026-11-21T20:30:18+02:00", "9999-12-31T23:59:59-12:00") == [
        "2026-11-21 18:30",
        "9999-12-31T23:59:59-12:00",
    ]


def test_one_thing_has_a_line_for_each_value_and_for_each_row_within() -> None:
    answer = {
        "id": "a",
        "test": True,
        "none": None,
        "price_usd_cents": 20,
        "parts": [{"share": 1, "more": [1]}, {"share": 2}],
    }
    assert list(pairs_of(answer)) == [
        ("id", "a"),
        ("test", "yes"),
        ("price", "$0.20"),
        ("parts", "share 1"),
        ("", "share 2"),
    ]


def test_an_amount_charged_is_dollars_only_where_its_currency_is() -> None:
    assert is_money("amountCharged", {"currency": "USD"})
    assert not is_money("amountCharged", {"currency": "jpy"})
    assert not is_money("amountCharged", {})


def answered(api: str) -> Iterator[tuple[str, str]]:
    """Each attribute of a schema of the contract, with its description."""
    path = Path(__file__).parents[2] / "openapi" / f"{api}.yaml"
    schemas: dict[str, Any] = yaml.safe_load(path.read_text())["components"]["schemas"]
    for schema in schemas.values():
        for name, node in schema.get("properties", {}).items():
            yield name, " ".join(str(node.get("description", "")).split())


@pytest.mark.parametrize("api", ["wren", "cnaught"])
def test_whatever_the_contract_says_is_in_cents_is_shown_as_money(api: str) -> None:
    in_cents = {name for name, text in answered(api) if re.search(r"(\bin US cents|^US cents)", text)}
    assert in_cents
    assert [name for name in in_cents if not is_money(name, {"currency": "usd"})] == []
