"""Orders from an .xlsx workbook: what its reader saw in the spreadsheet is what is ordered, or nothing is."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from batch_world import World, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wren_async import UsageError
from wren_async.batch import write_changes
from wren_async.batch.input import sheet as sheet_module
from wren_async.batch.input.faults import Fault
from wren_async.batch.input.readers import read
from wren_async.batch.input.row_values import Line, Reading
from wren_async.batch.input.sheet import letters_of, number_of
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, WrenOffset, WrenTrees

Fill = Callable[[Any], None]


def workbook(folder: Path, *rows: list[Any], name: str = "orders.xlsx", fill: Fill | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if fill is not None:
        fill(book)
    book.save(folder / name)
    return folder / name


async def told(path: Path, **options: Any) -> list[str]:
    return [str(row) async for row in read(path, Reading(**options)) if isinstance(row, Fault)]


async def test_rows_are_the_orders_that_the_spreadsheet_shows(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        [],
        [
            "kind",
            "tons",
            "payment_method",
            "amount_kg",
            "total_price_usd_cents",
            "amount_of_trees",
            "external_id",
            "note",
        ],
        ["wren.offset", 3.5, "credits", None, None, None, 1001, " Ride "],
        [],
        [None, None, None, 0.1, None, None, "R-2", None],
        [None, None, None, None, 250, None, date(2026, 7, 1), None],
        [None, None, "stripe", None, None, "3", None, datetime(2026, 7, 1, 12, 30)],
    )
    assert [row async for row in read(path)] == [
        Line(
            position=3,
            intent=WrenOffset(tons=Decimal("3.5"), payment_method="credits", external_id="1001", note="Ride"),
        ),
        Line(position=5, intent=CNaughtMass(amount_kg=Decimal("0.1"), external_id="R-2")),
        Line(position=6, intent=CNaughtPrice(total_price_usd_cents=250, external_id="2026-07-01")),
        Line(position=7, intent=WrenTrees(amount_of_trees=3, payment_method="stripe", note="2026-07-01T12:30:00")),
    ]


async def test_portfolios_are_numbers_of_wren_and_texts_of_cnaught(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, ["tons", "amount_kg", "payment_method", "portfolio_id"], [1, None, "credits", 3], [None, 1, None, 3]
    )
    intents: list[Any] = [row.intent async for row in read(path) if isinstance(row, Line)]
    assert [intent.portfolio_id for intent in intents] == [3, "3"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(amounts=st.lists(st.decimals(min_value="0.000001", max_value=10**6, places=6), min_size=1, max_size=20))
async def test_a_number_of_up_to_fifteen_digits_is_read_exactly(tmp_path: Path, amounts: list[Decimal]) -> None:
    path = workbook(tmp_path, ["amount_kg"], *([float(amount)] for amount in amounts))
    intents: list[Any] = [row.intent async for row in read(path) if isinstance(row, Line)]
    assert [intent.amount_kg for intent in intents] == amounts


async def test_a_number_that_nobody_saw_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["amount_kg", "external_id"], [1 / 3, "a"], [1, 1234567890123456.0])
    first, second = await told(path)
    assert first.startswith("line 2, amount_kg: is '0.3333333333333333', with more digits than a spreadsheet shows")
    assert "ROUND" in first
    assert second.startswith("line 3, external_id: is '1234567890123456'")
    assert "text" in second


async def test_numbers_as_text_may_have_a_decimal_comma_and_are_not_guessed(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["amount_kg"], ["3,5"], ["1.234"])
    rows = [row async for row in read(path)]
    assert rows[0] == Line(position=2, intent=CNaughtMass(amount_kg=Decimal("3.5")))
    assert "may be 1234 or 1.234" in str(rows[1])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (date(2026, 7, 1), "line 2, amount_kg: takes a number, not '2026-07-01'"),
        (True, "line 2, amount_kg: takes a number, not 'TRUE'"),
        ("ten", "line 2, amount_kg: takes a number, not 'ten'"),
        (-3, "line 2, amount_kg: must be more than 0"),
    ],
)
async def test_a_cell_that_is_no_amount_is_told(tmp_path: Path, cell: object, message: str) -> None:
    [found] = await told(workbook(tmp_path, ["amount_kg"], [cell]))
    assert found.startswith(message)


def formula(text: str, place: str = "B2") -> Fill:
    def fill(book: Any) -> None:
        book.active[place] = text

    return fill


def error(book: Any) -> None:
    book.active["B2"] = "#N/A"
    book.active["B2"].data_type = "e"


def hidden_row(book: Any) -> None:
    book.active.row_dimensions[3].hidden = True


def merged(book: Any) -> None:
    book.active.merge_cells("B2:B3")


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (formula("=VLOOKUP(1,A1:A2,1)"), "line 2, column B: has a formula that was never calculated"),
        (error, "line 2, column B: shows an error, such as #N/A"),
        (hidden_row, "line 3: is hidden, by hand or by a filter"),
        (merged, "line 2, column B: rows 2 to 3 are merged here"),
    ],
)
async def test_what_a_reader_would_take_for_something_else_is_refused(tmp_path: Path, fill: Fill, message: str) -> None:
    path = workbook(tmp_path, ["amount_kg", "portfolio_id"], [1, "a"], [2, "b"], fill=fill)
    rows = [row async for row in read(path)]
    assert len(rows) == 1
    assert isinstance(rows[0], Fault)
    assert rows[0].whole
    assert str(rows[0]).startswith(message)


async def test_what_is_wrong_in_an_ignored_column_does_not_matter(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["amount_kg", "checked"], [1, "a"], fill=error)
    rows = [row async for row in read(path, Reading(ignore=["checked"]))]
    assert rows == [Line(position=2, intent=CNaughtMass(amount_kg=1))]


async def test_a_formula_counts_with_the_value_that_was_saved(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["amount_kg", "description"], [7, "a"], fill=formula("=1"))
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    start = sheet.index("<f>")
    end = sheet.index("</c>", start)
    saved = sheet[:start] + "<f>1</f><v></v>" + sheet[end:]
    saved = saved.replace('<c r="B2"', '<c r="B2" t="str"').replace('<c r="A2" t="n"><v>7', '<c r="A2"><f>6+1</f><v>7')
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, saved if name.endswith("sheet1.xml") else content)
    assert [row async for row in read(path)] == [Line(position=2, intent=CNaughtMass(amount_kg=7))]


async def test_the_header_is_judged_as_in_other_files(tmp_path: Path) -> None:
    assert "did you mean 'amount_kg'?" in (await told(workbook(tmp_path, ["amountKg"], [1])))[0]
    assert "stands twice" in (await told(workbook(tmp_path, ["amount_kg", "amount_kg"], [1, 1])))[0]
    assert "the sheet is empty" in (await told(workbook(tmp_path)))[0]
    spaced = workbook(tmp_path, ["amount_kg", None, "description"], [1, None, "x"], [2, "stray", "y"])
    assert await told(spaced) == ["line 3, column B: has no name in the header; name or empty it"]


async def test_the_first_sheet_that_can_be_seen_is_read(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.active.sheet_state = "hidden"
        seen = book.create_sheet("A & B")
        seen.append(["amount_kg"])
        seen.append([9])
        book.active = 1

    path = workbook(tmp_path, ["amount_kg"], [1], fill=fill)
    assert [row async for row in read(path)] == [Line(position=2, intent=CNaughtMass(amount_kg=9))]


async def test_a_cell_far_away_is_refused_before_room_is_made_for_it(tmp_path: Path) -> None:
    def fill(book: Any) -> None:
        book.active["XFD1048576"] = "stray"

    [found] = await told(workbook(tmp_path, ["amount_kg"], [1], fill=fill))
    assert "reaches from A1 to XFD1048576" in found


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04junk"])
async def test_what_is_no_workbook_is_told_with_the_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "o.xlsx"
    path.write_bytes(content)
    [found] = await told(path)
    assert "the workbook cannot be read" in found
    assert "save it as CSV (UTF-8)" in found


async def test_without_its_extra_a_workbook_is_told_how_to_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path, ["amount_kg"], [1])
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(UsageError, match=r"save it as CSV \(UTF-8\), or .* pip install 'wren-async\[xlsx\]'"):
        await told(path)


async def test_a_workbook_is_planned_run_and_its_changes_are_ordered_alone(here: World, tmp_path: Path) -> None:
    path = workbook(tmp_path, ["amount_kg", "external_id"], [1, "R-1"], [2, "R-2"])
    async with here.batch(tmp_path / "orders.xlsx.journal") as batch:
        assert (await batch.plan(path)).orders == 2
        await run(batch)
    workbook(tmp_path, ["amount_kg", "external_id"], [1, "R-1"], [2.5, "R-2"], [3, "R-3"])
    changes = await write_changes(path, tmp_path / "new.csv", encoding="cp1252")
    assert [row.position for row in changes.rows] == [3, 4]
    assert [row.intent async for row in read(tmp_path / "new.csv") if isinstance(row, Line)] == [
        CNaughtMass(amount_kg=Decimal("2.5"), external_id="R-2"),
        CNaughtMass(amount_kg=3, external_id="R-3"),
    ]


@given(st.integers(1, 16_384))
def test_columns_have_letters(number: int) -> None:
    assert number_of(letters_of(number)) == number
    assert letters_of(28) == "AB"


@given(st.integers(1, 400))
def test_a_fault_is_found_wherever_the_file_is_cut(size: int) -> None:
    xml = (
        b'<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
        b'<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2"><f>1</f></c></row>'
    )
    pieces = [xml[place : place + size] for place in range(0, len(xml), size)]
    found = [(fault.line, fault.column) for fault in sheet_module.sheet_faults(pieces)]
    assert found == [(2, "column A"), (2, "column B")]
