"""Orders from the first visible sheet of an .xlsx workbook. Needs python-calamine, of the extra `xlsx`.

Numbers and dates are typed cells there, and formulas count with the value that was last saved. A number is taken as the
shortest text that stands for it, and refused where that has more digits than a spreadsheet shows: nobody saw it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from wren_async.batch.input.faults import Fault, quoted
from wren_async.batch.input.header import header_faults
from wren_async.batch.input.row_values import Line, Reading, order_of
from wren_async.batch.input.sheet import letters_of, sheet_faults
from wren_async.batch.intents import ORDER_TYPES, forms
from wren_async.batch.units import plain
from wren_async.errors import UsageError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

Cell: TypeAlias = str | float | bool | date | datetime | time | timedelta

_MOST_BYTES: Final = 1_000_000_000
"""Bytes of a workbook once it is unpacked."""
_PIECE: Final = 2**20
_DIGITS: Final = 15
"""Digits that a spreadsheet keeps and shows."""
_REMEDY: Final = "save it as CSV (UTF-8)"
_NUMERIC: Final = frozenset(
    name for order_type in ORDER_TYPES.values() for name, form in forms(order_type).items() if form != "text"
)
_TEXTUAL: Final = frozenset(
    name for order_type in ORDER_TYPES.values() for name, form in forms(order_type).items() if form == "text"
)


class _Unreadable(Exception):
    """The file is no workbook that can be read."""


def workbook_rows(path: Path, reading: Reading) -> Iterator[Line | Fault]:
    """The rows of a workbook, good and bad, by the numbers that the spreadsheet shows. Blocks.

    Raises `UsageError` without python-calamine.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ModuleNotFoundError:
        raise UsageError(
            f"{path.name}: {_REMEDY}, or install what reads workbooks: pip install 'wren-async[xlsx]'"
        ) from None
    try:
        with CalamineWorkbook.from_path(path) as book:
            name = _first_visible(book)
            faults = list(_faults_of_file(path, name))
            if not any(fault.column is None for fault in faults):
                # Only now: the whole sheet must not be loaded before its size was looked at.
                sheet = book.get_sheet_by_name(name)
                ignored = set(_ignored(sheet, reading))
                faults = [fault for fault in faults if fault.column not in ignored]
                if not faults:
                    yield from _sheet_rows(sheet, reading)
            yield from faults
    except (_Unreadable, CalamineError, zipfile.BadZipFile, KeyError) as error:
        told = f"the workbook cannot be read ({error}), or has a password; {_REMEDY}"
        yield Fault(line=1, problem=told, whole=True)


# --- the file -------------------------------------------------------------------------------------------------------


def _first_visible(book: CalamineWorkbook) -> str:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible:
            return sheet.name
    raise _Unreadable("it has no sheet")


def _faults_of_file(path: Path, name: str) -> Iterator[Fault]:
    with zipfile.ZipFile(path) as archive:
        if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
            raise _Unreadable(f"it is larger than {_MOST_BYTES:,} bytes")
        with archive.open(_part_of(archive, name)) as sheet:
            yield from sheet_faults(iter(lambda: sheet.read(_PIECE), b""))


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The file within the workbook that holds a sheet."""
    told = archive.read("xl/workbook.xml").decode()
    for tag in re.findall(r"<(?:\w+:)?sheet\b[^>]*>", told):
        if unescape(_attribute(tag, "name")) == name:
            wanted = _attribute(tag, r"\w+:id")
            for relation in re.findall(
                r"<(?:\w+:)?Relationship\b[^>]*>", archive.read("xl/_rels/workbook.xml.rels").decode()
            ):
                if _attribute(relation, "Id") == wanted:
                    target = unescape(_attribute(relation, "Target"))
                    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    raise _Unreadable("it lacks its sheet")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\s{name}=(?:"([^"]*)"|'([^']*)')""", tag)
    return (found[1] or found[2] or "") if found else ""


# --- the sheet ------------------------------------------------------------------------------------------------------


def _sheet_rows(sheet: CalamineSheet, reading: Reading) -> Iterator[Line | Fault]:
    for (first, column), (last, _) in sheet.merged_cell_ranges or ():
        if last > first:
            problem = f"rows {first + 1} to {last + 1} are merged here, and only the first has the value; unmerge them"
            yield Fault(line=first + 1, column=f"column {letters_of(column + 1)}", problem=problem, whole=True)
            return
    names: list[str] | None = None
    # Rows above the first filled one are given as empty ones, columns before it are left out.
    before = sheet.start[1] if sheet.start else 0
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if not any(map(_is_filled, cells)):
            continue
        if names is not None:
            yield from _order(number, names, cells, before, reading)
            continue
        names = [str(cell).strip() for cell in cells]
        if faults := list(header_faults(number, names, reading)):
            for fault in faults:
                yield Fault(line=fault.line, column=fault.column, problem=fault.problem, whole=True)
            return
    if names is None:
        yield Fault(line=1, problem="the sheet is empty; it needs a row with the names of its columns", whole=True)


def _ignored(sheet: CalamineSheet, reading: Reading) -> Iterator[str]:
    """The columns that mean nothing here, by their letters."""
    before = sheet.start[1] if sheet.start else 0
    header = next((cells for cells in sheet.iter_rows() if any(map(_is_filled, cells))), [])
    for place, cell in enumerate(header, 1):
        if str(cell).strip() in reading.ignore:
            yield f"column {letters_of(before + place)}"


def _order(
    number: int, names: Sequence[str], cells: Sequence[Cell], before: int, reading: Reading
) -> Iterator[Line | Fault]:
    given: dict[str, str | Decimal] = {}
    faults: list[Fault] = []
    for place, (name, cell) in enumerate(zip(names, cells, strict=True), 1):
        if not _is_filled(cell) or (name and name in reading.ignore):
            continue
        if not name:
            column = f"column {letters_of(before + place)}"
            faults.append(Fault(line=number, column=column, problem="has no name in the header; name or empty it"))
            continue
        try:
            given[name] = _value(name, cell)
        except ValueError as error:
            faults.append(Fault(line=number, column=name, problem=str(error)))
    if faults:
        yield from faults
    else:
        # Text that looks like a number may have been typed in any country.
        yield from order_of(number, given, reading, points_may_group=True)


def _is_filled(cell: Cell) -> bool:
    return bool(cell.strip()) if isinstance(cell, str) else True


def _value(name: str, cell: Cell) -> str | Decimal:
    """What a cell says, as a file of text would have it."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _number(name, cell)
    if name in _NUMERIC and name not in _TEXTUAL:
        raise ValueError(f"takes a number, not {quoted(_text(cell))}; give the cell a number's format")
    return _text(cell)


def _number(name: str, cell: float) -> str | Decimal:
    number = Decimal(repr(cell)).normalize()
    if len(number.as_tuple().digits) > _DIGITS:
        remedy = "round it, such as =ROUND(A1, 6)" if name in _NUMERIC else "retype it in a column with text format"
        raise ValueError(f"is {quoted(plain(number))}, with more digits than a spreadsheet shows; {remedy}")
    return plain(number) if name in _TEXTUAL else number


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
