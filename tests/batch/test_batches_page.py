"""The page on batches says of every column what the code says."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest

from wren_async.batch import REPORT_COLUMNS
from wren_async.batch.input.numbers import read_number
from wren_async.batch.input.row_values import COLUMNS, Line, Reading, order_of
from wren_async.batch.input.template import template_csv
from wren_async.batch.intents import ORDER_TYPES, forms, required

PAGE = (Path(__file__).parents[2] / "docs" / "batches.md").read_text()


def table(*head: str) -> list[list[str]]:
    """The rows of the table with this header."""
    lines = PAGE.splitlines()
    begin = lines.index(f"| {' | '.join(head)} |") + 2
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def name_of(cell: str) -> str:
    return cell.strip("`")


INPUT = {name_of(row[0]): row for row in table("column", "orders", "holds", "unit", "example")}


def test_every_column_of_the_input_is_told_once() -> None:
    assert sorted(INPUT) == sorted(COLUMNS)


@pytest.mark.parametrize("name", sorted(set(COLUMNS) - {"kind"}))
def test_a_column_is_told_with_its_orders_and_with_what_it_holds(name: str) -> None:
    _, orders, holds, _, example = INPUT[name]
    taking = {kind: order_type for kind, order_type in ORDER_TYPES.items() if name in forms(order_type)}
    starred = {kind for kind, order_type in taking.items() if name in required(order_type)}
    told = dict(re.findall(r"`([\w.]+)`(\*?)", orders)) if orders != "all" else dict.fromkeys(ORDER_TYPES, "")
    assert set(told) == set(taking)
    assert {kind for kind, star in told.items() if star} == starred
    assert set(holds.split(" or ")) == {forms(order_type)[name] for order_type in taking.values()}
    for order_type in taking.values():
        [sample] = [row for row in csv.DictReader(io.StringIO(template_csv(["wren", "cnaught"]), newline=""))
                    if row["kind"] == order_type.kind]  # fmt: skip
        given = {column: cell for column, cell in sample.items() if cell} | {name: name_of(example)}
        assert all(isinstance(each, Line) for each in order_of(1, given, Reading()))


def test_the_table_of_numbers_is_what_is_read() -> None:
    for text, told in table("the file has", "it is read as"):
        groups = "semicolons" in text
        for written in re.findall("`([^`]*)`", text):
            if told.startswith("refused"):
                with pytest.raises(ValueError, match="write") as caught:
                    read_number(written, points_may_group=groups)
                assert all(each in str(caught.value) for each in re.findall("`([^`]*)`", told))
            else:
                assert str(read_number(written, points_may_group=groups).normalize()) == told


def test_every_column_of_the_report_is_told_in_its_order() -> None:
    told = [(name_of(row[0]), row[1]) for row in table("column", "holds", "what it is")]
    assert told == [(column.name, column.form) for column in REPORT_COLUMNS]
