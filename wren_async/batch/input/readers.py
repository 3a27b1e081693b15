"""Reading the orders of a batch: CSV, JSON Lines, or intents made by a program.

Reading streams, and goes on after a bad row, so that all of them can be told at once with line, column and remedy.
"""

from __future__ import annotations

import asyncio
import codecs
import csv
import difflib
import itertools
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from wren_async.batch.intents import (
    KINDS,
    CNaughtMass,
    CNaughtPrice,
    Intent,
    WrenOffset,
    WrenProject,
    WrenTrees,
    forms,
    required,
)
from wren_async.errors import InvalidArgument, UsageError

_CHUNK: Final = 500
_SHOWN: Final = 20
_KEPT: Final = 1000

Source: TypeAlias = str | os.PathLike[str] | Iterable[Intent] | AsyncIterable[Intent]
"""Where orders come from: a `.csv`, `.tsv`, `.jsonl` or `.ndjson` file, or intents."""


@attrs.frozen(kw_only=True)
class Line:
    """A good row of the input."""

    position: int
    """Its line in the file, or its number among the intents, from 1."""
    intent: Intent


@attrs.frozen(kw_only=True)
class Fault:
    """What is wrong at one place of the input, and the remedy."""

    line: int
    column: str | None = None
    problem: str
    whole: bool = False
    """Whether it spoils more than its row, such as a header does: it cannot be left out."""

    def __str__(self) -> str:
        place = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{place}: {self.problem}"


class InvalidInput(UsageError, ValueError):
    """The input holds bad rows. Nothing was placed."""

    def __init__(self, faults: Sequence[Fault], count: int) -> None:
        super().__init__(faults, count)
        self.faults = tuple(faults)
        """What is wrong, by line; the first thousand."""
        self.count = count
        """How many faults there are."""

    def __str__(self) -> str:
        told = [str(fault) for fault in self.faults[:_SHOWN]]
        if self.count > len(told):
            told.append(f"and {self.count - len(told)} more")
        return "the input has faults:\n  " + "\n  ".join(told)


@attrs.define
class Faults:
    """Gathers faults, a bounded number of them in full."""

    count: int = 0
    kept: list[Fault] = attrs.field(factory=list[Fault])
    whole: bool = False
    """Whether one of them cannot be left out."""

    def add(self, fault: Fault) -> None:
        """Take in a fault."""
        self.count += 1
        self.whole |= fault.whole
        if len(self.kept) < _KEPT:
            self.kept.append(fault)

    def check(self) -> None:
        """Raise `InvalidInput` if there were any."""
        if self.count:
            raise InvalidInput(self.kept, self.count)


@attrs.frozen(kw_only=True)
class Reading:
    """How to read files."""

    defaults: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Values for columns that a row leaves empty, such as `payment_method`."""
    ignore: Collection[str] = ()
    """Columns of a file that mean nothing here."""
    encoding: str | None = None
    """Of a text file; UTF-8, or what its byte order mark says, if left out."""

    def __attrs_post_init__(self) -> None:
        for name in self.defaults:
            if name not in COLUMNS:
                raise InvalidArgument("defaults", unknown_column(name))
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise InvalidArgument("encoding", f"{self.encoding!r} is not known; try utf-8 or cp1252") from None


COLUMNS: Final = ("kind", *dict.fromkeys(name for kind in KINDS.values() for name in forms(kind)))
"""The columns that a file may have."""

_TELLING: Final = {required(kind)[0]: name for name, kind in KINDS.items()}
"""The attribute that tells the kind of an order when no column `kind` does."""


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
            if position % _CHUNK == 0:
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
        while chunk := await asyncio.to_thread(lambda: list(itertools.islice(rows, _CHUNK))):
            for row in chunk:
                yield row
    finally:
        if close := getattr(rows, "close", None):
            close()


# --- files ----------------------------------------------------------------------------------------------------------


def _file_rows(path: Path, reading: Reading) -> Iterator[Line | Fault]:
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv"):
        lines = _csv_rows
    elif ending in (".jsonl", ".ndjson"):
        lines = _json_rows
    else:
        raise InvalidArgument("source", f"{path.name!r} must end in .csv, .tsv, .jsonl or .ndjson")
    # Bytes of another encoding come through as surrogates, so that each can be told with its line.
    with path.open(encoding=_encoding(path, reading), errors="surrogateescape", newline="") as text:
        try:
            yield from lines(text, reading)
        except UnicodeError as error:
            yield Fault(line=1, problem=f"the file cannot be read: {error}; save it as UTF-8", whole=True)


def _encoding(path: Path, reading: Reading) -> str:
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


def _misread(line: int, column: str | None) -> Fault:
    return Fault(
        line=line,
        column=column,
        problem='is of another encoding; save the file as UTF-8, or say which it has, such as encoding="cp1252"',
    )


def _is_misread(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def unknown_column(name: str) -> str:
    """What to tell of a column that means nothing."""
    near = difflib.get_close_matches(name.strip().lower(), COLUMNS, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]!r}?" if near else f"name it among those to ignore, or use {', '.join(COLUMNS)}"
    return f"unknown column {name!r}; {remedy}"


# --- CSV ------------------------------------------------------------------------------------------------------------


def _csv_rows(text: Iterable[str], reading: Reading) -> Iterator[Line | Fault]:
    lines = iter(text)
    first = next(lines, "")
    table = csv.reader(itertools.chain([first], lines), delimiter=_delimiter(first), strict=True)
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
            yield from _csv_row(line, names, cells, reading)
            continue
        names = [cell.strip() for cell in cells]
        if faults := list(_header_faults(line, names, reading)):
            yield from (attrs.evolve(fault, whole=True) for fault in faults)
            return
    if names is None:
        yield Fault(line=1, problem="the file is empty; it needs a line with the names of its columns", whole=True)


def _delimiter(header: str) -> str:
    """Spreadsheets in many countries write semicolons."""
    return max(",;\t", key=header.count)


def _header_faults(line: int, names: Sequence[str], reading: Reading) -> Iterator[Fault]:
    for index, name in enumerate(names, 1):
        column = name or f"column {index}"
        if _is_misread(name):
            yield _misread(line, f"column {index}")
        elif name in names[: index - 1]:
            yield Fault(line=line, column=column, problem="stands twice in the header; keep one")
        elif not name:
            yield Fault(line=line, column=column, problem="has no name in the header")
        elif name not in COLUMNS and name not in reading.ignore:
            yield Fault(line=line, column=column, problem=unknown_column(name))


def _csv_row(line: int, names: Sequence[str], cells: Sequence[str], reading: Reading) -> Iterator[Line | Fault]:
    if len(cells) != len(names):
        yield Fault(
            line=line,
            problem=f"has {len(cells)} cells, and the header {len(names)}; put quotes around text with commas",
        )
        return
    values = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name not in reading.ignore}
    yield from _row(line, {name: cell for name, cell in values.items() if cell}, reading)


# --- JSON Lines -----------------------------------------------------------------------------------------------------


def _json_rows(text: Iterable[str], reading: Reading) -> Iterator[Line | Fault]:
    for line, raw in enumerate(text, 1):
        if not raw.strip():
            continue
        if _is_misread(raw):
            yield _misread(line, None)
            continue
        try:
            values = json.loads(raw, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_without_repeats)
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
    given = {name: value for name, value in values.items() if name not in reading.ignore and value is not None}
    unknown = [name for name in given if name not in COLUMNS]
    for name in unknown:
        yield Fault(line=line, column=name, problem=unknown_column(name))
    if not unknown:
        yield from _row(line, given, reading)


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{repeated!r} stands twice")
    return dict(pairs)


# --- from values to intents -----------------------------------------------------------------------------------------


def _row(line: int, given: Mapping[str, Any], reading: Reading) -> Iterator[Line | Fault]:
    kind = _kind(line, {**_default_kind(reading), **given})
    if isinstance(kind, Fault):
        yield kind
        return
    known = forms(kind)
    defaults = {name: value for name, value in reading.defaults.items() if name in known}
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in {**defaults, **given}.items():
        if name == "kind":
            continue
        try:
            values[name] = _value(name, value, known)
        except ValueError as error:
            faults.append(
                _misread(line, name)
                if isinstance(value, str) and _is_misread(value)
                else Fault(line=line, column=name, problem=str(error))
            )
    told = {fault.column for fault in faults}
    for name in required(kind):
        if name not in values and name not in told:
            faults.append(Fault(line=line, column=name, problem=f"is missing; a {kind.kind} order needs it"))
    if faults:
        yield from faults
    else:
        yield _intent(line, kind, values)


def _default_kind(reading: Reading) -> dict[str, str]:
    return {"kind": reading.defaults["kind"]} if "kind" in reading.defaults else {}


def _intent(line: int, kind: type[Intent], values: Mapping[str, Any]) -> Line | Fault:
    try:
        return Line(position=line, intent=kind(**values))
    except InvalidArgument as error:
        if any(isinstance(value, str) and _is_misread(value) for value in values.values()):
            return _misread(line, error.argument)
        return Fault(line=line, column=error.argument, problem=error.problem)


def _kind(line: int, given: Mapping[str, Any]) -> type[Intent] | Fault:
    if "kind" in given:
        name = given["kind"]
        if isinstance(name, str) and name in KINDS:
            return KINDS[name]
        near = difflib.get_close_matches(str(name), KINDS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return Fault(line=line, column="kind", problem=f"takes one of {', '.join(KINDS)}, not {name!r}{hint}")
    telling = [name for name in _TELLING if name in given]
    if len(telling) == 1:
        return KINDS[_TELLING[telling[0]]]
    if telling:
        return Fault(
            line=line, column=telling[1], problem=f"stands beside {telling[0]}: fill one of them, or say the kind"
        )
    return Fault(line=line, problem=f"tells no order; fill one of {', '.join(_TELLING)}")


def _value(name: str, value: object, known: Mapping[str, str]) -> object:
    if name not in known:
        raise ValueError(f"does not belong to this kind of order, which takes {', '.join(known)}; leave it empty")
    form = known[name]
    if form == "text":
        if not isinstance(value, str):
            raise ValueError(f"takes text; put quotes around {value}")
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"takes a number, not {value!r}")
    number = _number(value)
    if form == "decimal":
        return number
    if number != number.to_integral_value():
        raise ValueError(f"takes a whole number, not {value}")
    return int(number)


def _number(value: str | int | Decimal) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation:
        remedy = "; write a point and no separators, such as 1234.5" if set(str(value)) & set(",'  ") else ""
        raise ValueError(f"takes a number, not {value!r}{remedy}") from None
    if not number.is_finite() or abs(number.adjusted()) > 30 or "_" in str(value):
        raise ValueError(f"takes a number, not {value!r}")
    return number
