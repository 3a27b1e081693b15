"""Reading the orders of a batch: CSV, workbooks, JSON Lines, or intents made by a program.

Reading streams, and goes on after a bad row, so that all of them can be told at once with line, column and remedy.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import itertools
import json
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, TextIO, TypeAlias

import attrs

from wren_async.batch.chunks import CHUNK
from wren_async.batch.input.faults import Fault, quoted
from wren_async.batch.input.header import header_faults
from wren_async.batch.input.row_values import (
    Line,
    Reading,
    is_misread,
    misread,
    order_of,
    too_many,
    unknown_columns,
)
from wren_async.batch.input.workbook import workbook_rows
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenProject, WrenTrees
from wren_async.errors import InvalidArgument

_LONGEST_LINE: Final = 1_000_000
"""Characters. No order needs so many, and a file without line ends is not read into memory whole."""

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"')

Source: TypeAlias = str | os.PathLike[str] | Iterable[Intent] | AsyncIterable[Intent]
"""Where orders come from: a `.csv`, `.tsv`, `.xlsx`, `.jsonl` or `.ndjson` file, or intents."""


def is_file(source: Source) -> bool:
    """Whether a source can be read more than once."""
    return isinstance(source, str | os.PathLike)


async def read(source: Source, reading: Reading | None = None) -> AsyncIterator[Line | Fault]:
    """The rows of a source, good and bad, in their order. Files are read in a thread, a piece at a time."""
    if isinstance(source, str | os.PathLike):
        async for row in _in_thread(_file_rows(Path(source), reading or Reading())):
            yield row
    elif isinstance(source, AsyncIterable):
        position = 0
        async for intent in source:
            position += 1
            yield _given(position, intent)
    elif isinstance(source, Iterable):
        for position, intent in enumerate(source, 1):
            yield _given(position, intent)
            if position % CHUNK == 0:
                await asyncio.sleep(0)
    else:
        raise InvalidArgument("source", f"takes a path or an iterable of order intents, not {type(source).__name__}")


def _given(position: int, intent: object) -> Line | Fault:
    if isinstance(intent, WrenOffset | WrenProject | WrenTrees | CNaughtMass | CNaughtPrice):
        return Line(position=position, intent=intent)
    return Fault(
        line=position, problem=f"is no order intent but {type(intent).__name__}; make one, such as CNaughtMass"
    )


async def _in_thread(rows: Iterator[Line | Fault]) -> AsyncIterator[Line | Fault]:
    try:
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(rows, CHUNK))):
            for row in chunk:
                yield row
    finally:
        if close := getattr(rows, "close", None):
            close()


# --- files ----------------------------------------------------------------------------------------------------------


def open_text(path: Path, reading: Reading) -> TextIO:
    """Open a file of orders. Bytes of another encoding come through as surrogates, to be told with their line."""
    return path.open(encoding=encoding_of(path, reading), errors="surrogateescape", newline="")


def encoding_of(path: Path, reading: Reading) -> str:
    """The encoding of a file: what its byte order mark says, or else what was given."""
    with path.open("rb") as raw:
        head = raw.read(4)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return name
    return reading.encoding or "utf-8"


FileKind: TypeAlias = Literal["csv", "json lines", "workbook"]

_KINDS: Final[Mapping[str, FileKind]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".xlsx": "workbook",
    ".jsonl": "json lines",
    ".ndjson": "json lines",
}
_OTHER_WORKBOOKS: Final = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")


def kind_of_file(path: Path) -> FileKind:
    """How a file is to be read, from the end of its name. Raises `InvalidArgument` for what is no file of orders."""
    ending = path.suffix.lower()
    if ending in _KINDS:
        return _KINDS[ending]
    if ending in _OTHER_WORKBOOKS:
        raise InvalidArgument("source", f"{path.name!r}: save it as CSV (UTF-8), or as .xlsx")
    raise InvalidArgument("source", f"{path.name!r} must end in {', '.join(_KINDS)}")


def _file_rows(path: Path, reading: Reading) -> Iterator[Line | Fault]:
    kind = kind_of_file(path)
    if kind == "workbook":
        yield from workbook_rows(path, reading)
        return
    rows = _csv_rows if kind == "csv" else _json_rows
    with open_text(path, reading) as text:
        try:
            yield from rows(_lines(text), reading)
        except _TooLong as error:
            problem = (
                f"is longer than {_LONGEST_LINE:,} characters, and nothing after it was read; is this a file of orders?"
            )
            yield Fault(line=error.line, problem=problem, whole=True)
        except UnicodeError as error:
            yield Fault(line=1, problem=f"the file cannot be read: {error}; save it as UTF-8", whole=True)


@attrs.define
class _TooLong(Exception):
    line: int


def _lines(text: TextIO) -> Iterator[str]:
    number = 0
    while line := text.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise _TooLong(number)
        yield line


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv_rows(text: Iterable[str], reading: Reading) -> Iterator[Line | Fault]:
    lines, blank, header = iter(text), 0, ""
    for header in lines:
        if header.strip():
            break
        blank += 1
    # The blank lines before the header count, because faults are told with their lines.
    whole = itertools.chain(itertools.repeat("\n", blank), [header], lines)
    delimiter = _delimiter(header)
    table = csv.reader(whole, delimiter=delimiter, strict=True)
    names: list[str] | None = None
    while True:
        line = table.line_num + 1
        try:
            cells = next(table, None)
        except csv.Error as error:
            told = f"no proper CSV ({error}), and nothing after it was read; mind the quotes"
            yield Fault(line=line, problem=told, whole=True)
            return
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if names is not None:
            yield from _csv_row(line, names, cells, reading, points_may_group=delimiter != ",")
            continue
        names = [cell.strip() for cell in cells]
        if faults := [*header_faults(line, names, reading), *_unnamed(line, names)]:
            yield from (attrs.evolve(fault, whole=True) for fault in faults)
            return
    if names is None:
        yield Fault(line=1, problem="the file is empty; it needs a line with the names of its columns", whole=True)


def _delimiter(header: str) -> str:
    """What separates the names of the header. Spreadsheets write semicolons in countries that write decimal commas."""
    return max(",;\t", key=_QUOTED.sub("", header).count)


def _unnamed(line: int, names: Sequence[str]) -> Iterator[Fault]:
    for index, name in enumerate(names, 1):
        if not name:
            yield Fault(line=line, column=f"column {index}", problem="has no name in the header")


def _csv_row(
    line: int, names: Sequence[str], cells: Sequence[str], reading: Reading, *, points_may_group: bool
) -> Iterator[Line | Fault]:
    if len(cells) != len(names):
        # The same mark separates columns and, in some cell, something else.
        mark = "semicolons or line breaks" if points_may_group else "commas, and numbers with decimal commas"
        yield Fault(
            line=line,
            problem=f"has {len(cells)} cells, and the header {len(names)}; put quotes around text with {mark}",
        )
        return
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name not in reading.ignore}
    given = {name: cell for name, cell in values.items() if cell}
    yield from order_of(line, given, reading, points_may_group=points_may_group)


# --- JSON Lines -----------------------------------------------------------------------------------------------------


def _json_rows(text: Iterable[str], reading: Reading) -> Iterator[Line | Fault]:
    for line, raw in enumerate(text, 1):
        if not raw.strip():
            continue
        if is_misread(raw):
            yield misread(line, None)
            continue
        try:
            values = json.loads(
                raw,
                parse_float=Decimal,
                parse_int=Decimal,
                parse_constant=_no_number,
                object_pairs_hook=_without_repeats,
            )
        except json.JSONDecodeError as error:
            yield Fault(line=line, column=f"character {error.colno}", problem=f"no JSON: {error.msg}")
        except (ValueError, ArithmeticError, RecursionError) as error:
            yield Fault(line=line, problem=f"no JSON: {error}")
        else:
            yield from _json_row(line, values, reading)


def _json_row(line: int, values: object, reading: Reading) -> Iterator[Line | Fault]:
    if not isinstance(values, dict):
        yield Fault(line=line, problem="takes one JSON object to a line")
        return
    if fault := too_many(len(values), line):
        yield fault
        return
    given = {name: value for name, value in values.items() if name not in reading.ignore and value is not None}
    if unknown := list(unknown_columns(line, [*given], reading)):
        yield from unknown
    else:
        yield from order_of(line, given, reading)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ValueError(f"{quoted(name)} stands twice")
            seen.add(name)
    return found
