"""Numbers as people and spreadsheets write them; none is ever read as a thousand times as much, or as little."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async.batch.input.faults import Fault
from wren_async.batch.input.numbers import read_number
from wren_async.batch.input.readers import read
from wren_async.batch.input.row_values import Line, Reading
from wren_async.batch.intents import CNaughtMass, WrenTrees


async def orders_in(tmp_path: Path, text: str, name: str = "orders.csv") -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    told = []
    async for row in read(path):
        intent = None if isinstance(row, Fault) else row.intent
        told.append(str(intent.amount_kg) if isinstance(intent, CNaughtMass) else str(row))
    return told


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3,5", "3.5"),
        ("0,450", "0.45"),
        (",5", "0.5"),
        ("-3,5", "-3.5"),
        ("12,34", "12.34"),
        ("1,2345", "1.2345"),
        ("1234,567", "1234.567"),
        ("3.5", "3.5"),
        ("1234", "1234"),
        ("1.2340", "1.234"),
    ],
)
@pytest.mark.parametrize("points_may_group", [True, False])
def test_a_comma_before_a_fraction_is_a_point(text: str, number: str, points_may_group: bool) -> None:
    assert read_number(text, points_may_group=points_may_group) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,234", "may be 1234 or 1.234; write 1234 or 1.2340"),
        ("10,000", "may be 10000 or 10.000; write 10000 or 10.0000"),
        ("1.234,56", "write 1234.56, without separators"),
        ("1,234.56", "write 1234.56, without separators"),
        ("1.234.567", "write 1234567, without separators"),
        ("1'234.5", "write 1234.5, without separators"),
        ("1 234,5", "write 1234.5, without separators"),
        ("1\N{NO-BREAK SPACE}234", "write 1234, without separators"),
        ("3,5 kg", "such as 1234.5"),
        ("many", "takes a number, not 'many'"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"write|takes") as caught:
        read_number(text, points_may_group=False)
    assert told in str(caught.value)


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(".,"))
def test_no_mark_before_three_digits_is_guessed_where_both_meanings_are_common(
    whole: int, rest: int, mark: str
) -> None:
    with pytest.raises(ValueError, match="may be"):
        read_number(f"{whole}{mark}{rest:03}", points_may_group=True)


@given(st.decimals(min_value="0.000001", max_value=10**8, places=6), st.sampled_from(".,"), st.booleans())
def test_what_is_written_out_is_read_exactly(number: Decimal, mark: str, points_may_group: bool) -> None:
    text = str(number).replace(".", mark)
    assert read_number(text, points_may_group=points_may_group) == number


async def test_a_file_with_semicolons_may_have_decimal_commas(tmp_path: Path) -> None:
    assert await orders_in(tmp_path, "amount_kg;description\n3,5;x\n0,25;y\n") == ["3.5", "0.25"]


async def test_a_file_with_tabs_may_have_decimal_commas(tmp_path: Path) -> None:
    assert await orders_in(tmp_path, "amount_kg\tdescription\n3,5\tx\n", "orders.tsv") == ["3.5"]


async def test_a_file_with_commas_may_have_them_in_quotes(tmp_path: Path) -> None:
    told = await orders_in(tmp_path, 'amount_kg,description\n"3,5",x\n3,5,x\n1.234,x\n')
    assert told[0] == "3.5"
    assert told[1].startswith("line 3: has 3 cells, and the header 2; put quotes around")
    assert told[2] == "1.234"


async def test_a_point_before_three_digits_is_refused_where_semicolons_separate(tmp_path: Path) -> None:
    [told] = await orders_in(tmp_path, "amount_kg;description\n1.234;x\n")
    assert told == "line 2, amount_kg: '1.234' may be 1234 or 1.234; write 1234 or 1.2340"


async def test_whole_numbers_are_never_cut_by_a_thousand(tmp_path: Path) -> None:
    path = tmp_path / "trees.csv"
    path.write_text('amount_of_trees,payment_method\n1.000,credits\n"2,000",credits\n3.0,credits\n')
    rows = [row async for row in read(path)]
    assert [row.line for row in rows if isinstance(row, Fault)] == [2, 3]
    assert [row.intent for row in rows if not isinstance(row, Fault)] == [
        WrenTrees(amount_of_trees=3, payment_method="credits")
    ]


async def test_a_separator_is_seen_in_the_header_alone_and_not_within_quotes(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text('amount_kg;"net, gross, both"\n1;"a, b, c, d"\n')
    ignoring = Reading(ignore=["net, gross, both"])
    assert [row async for row in read(path, ignoring)] == [Line(position=2, intent=CNaughtMass(amount_kg=1))]
