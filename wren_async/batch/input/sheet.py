"""What stands in the file of a worksheet and does not come through its reader, looked for before the reader loads it.

The reader gives an error such as `#N/A`, and a formula that was never calculated, as an empty cell: an order would be
placed without the portfolio or the payment that was meant. It also makes room for every cell up to the last one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from wren_async.batch.input.faults import Fault

_MOST_CELLS: Final = 30_000_000
"""Cells from the first to the last one, empty ones too: two million orders with all columns."""
_LONGEST_CELL: Final = 500_000
"""Bytes of XML, of a cell of as many characters as there may be, escaped."""
_OPENING: Final = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
_REFERENCE: Final = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_COLUMNS: Final = re.compile(rb'<(?:\w+:)?c\b[^>]*?\br="([A-Z]{1,3})[0-9]')
_ROWS: Final = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="([0-9]{1,7})"')
_HIDDEN: Final = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*?\br="([0-9]{1,7})"[^>]*[^/]>')
_ERROR: Final = re.compile(rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*>')
_UNCALCULATED: Final = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_CELL_ENDS: Final = re.compile(rb"</(?:\w+:)?(?:c|row)>")


@attrs.define
class _Extent:
    columns: set[bytes] = attrs.field(factory=set[bytes])
    last_row: int = 0

    def check(self) -> Fault | None:
        """The fault of a sheet that is too large."""
        width = max((number_of(each.decode()) for each in self.columns), default=0)
        if width * self.last_row <= _MOST_CELLS:
            return None
        problem = (
            f"the sheet reaches from A1 to {letters_of(width)}{self.last_row}, which is too large to be read; delete "
            "the rows and columns that are empty, or save it as CSV (UTF-8)"
        )
        return Fault(line=self.last_row, problem=problem, whole=True)


def sheet_faults(pieces: Iterable[bytes]) -> Iterator[Fault]:
    """What must not be read as it is, in the XML of a worksheet that comes in pieces."""
    extent = _Extent()
    for text in _whole_cells(pieces):
        extent.columns.update(_COLUMNS.findall(text))
        extent.last_row = max([extent.last_row, *map(int, _ROWS.findall(text))])
        for found in _HIDDEN.finditer(text):
            yield Fault(
                line=int(found[1]), problem="is hidden, by hand or by a filter; show the row, or delete it", whole=True
            )
        for found in _ERROR.finditer(text):
            yield from _at(found[0], "shows an error, such as #N/A; correct its formula, or write the value")
        for found in _UNCALCULATED.finditer(text):
            opening = _last(text, found.start())
            if b't="str"' not in opening:
                told = "has a formula that was never calculated; open the file in a spreadsheet, and save it there"
                yield from _at(opening, told)
    if fault := extent.check():
        yield fault


def _whole_cells(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same text in pieces that end between cells."""
    rest = b""
    for piece in pieces:
        text = rest + piece
        end = max((found.end() for found in _CELL_ENDS.finditer(text, max(0, len(text) - _LONGEST_CELL))), default=0)
        rest = text[end:]
        if end:
            yield text[:end]
    yield rest


def _last(text: bytes, before: int) -> bytes:
    """The opening of the cell that ends there."""
    start = max(text.rfind(b"<c ", 0, before), text.rfind(b":c ", 0, before))
    found = _OPENING.match(text, start if text[start : start + 1] == b"<" else text.rfind(b"<", 0, start))
    return found[0] if found else b""


def _at(opening: bytes, problem: str) -> Iterator[Fault]:
    if found := _REFERENCE.search(opening):
        yield Fault(line=int(found[2]), column=f"column {found[1].decode()}", problem=problem, whole=True)


def letters_of(number: int) -> str:
    """The letters of a column, from its number: 1 is `A`, 28 is `AB`."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def number_of(letters: str) -> int:
    """The number of a column, from its letters."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
