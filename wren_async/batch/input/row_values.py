"""From the named values of a row to the order that they tell, or to what is wrong with them. Pure."""

from __future__ import annotations

import codecs
import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import attrs

from wren_async.batch.input.faults import Fault, quoted
from wren_async.batch.input.numbers import read_number
from wren_async.batch.intents import ORDER_TYPES, Intent, forms, required
from wren_async.errors import InvalidArgument

COLUMNS: Final = ("kind", *dict.fromkeys(name for each in ORDER_TYPES.values() for name in forms(each)))
"""The columns that a file may have."""

_TELLING: Final = {required(each)[0]: name for name, each in ORDER_TYPES.items()}
"""The attribute that tells the type of an order where no column `kind` does."""
_MOST_COLUMNS: Final = 256
_UNKNOWN_TOLD: Final = 5
"""Unknown columns of one row, or of the header, that are told."""
_NUMBERED: Final = frozenset({"id", "no", "nr", "number", "invoice", "reference", "ref", "ride", "booking", "row"})
"""Words in the names of columns that mostly hold people's own number of an order."""
_WORDS: Final = re.compile(r"[a-z]+")
_LONGEST_NAME: Final = 60
"""Characters of a column's name that is compared with those that are known."""


@attrs.frozen(kw_only=True)
class Line:
    """A good row of the input: an order, and where it stands."""

    position: int
    """Its line in the file, or its number among the intents, from 1."""
    intent: Intent


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
                raise InvalidArgument("defaults", _unknown_column(name))
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise InvalidArgument("encoding", f"{self.encoding!r} is not known; try utf-8 or cp1252") from None


def misread(line: int, column: str | None) -> Fault:
    """The fault of a text in another encoding."""
    return Fault(
        line=line,
        column=column,
        problem='is of another encoding; save the file as UTF-8, or say which it has, such as encoding="cp1252"',
    )


def is_misread(text: str) -> bool:
    """Whether a text holds bytes of another encoding, which came through as surrogates."""
    return any("\udc80" <= character <= "\udcff" for character in text)


def too_many(count: int, line: int) -> Fault | None:
    """The fault of a row that has more columns than anything that is one."""
    if count <= _MOST_COLUMNS:
        return None
    return Fault(
        line=line, problem=f"has {count:,} columns, and a row may have {_MOST_COLUMNS}; is it a row of orders?"
    )


def unknown_columns(line: int, names: Sequence[str], reading: Reading) -> Iterator[Fault]:
    """The faults of columns that mean nothing, the first few by name."""
    unknown = [name for name in names if name not in COLUMNS and name not in reading.ignore]
    for name in unknown[:_UNKNOWN_TOLD]:
        yield Fault(line=line, column=name[:_LONGEST_NAME], problem=_unknown_column(name))
    if len(unknown) > _UNKNOWN_TOLD:
        yield Fault(line=line, problem=f"has {len(unknown) - _UNKNOWN_TOLD:,} more columns that are unknown")


def _unknown_column(name: str) -> str:
    told = name[:_LONGEST_NAME].strip().lower()
    if set(_WORDS.findall(told)) & _NUMBERED and not difflib.get_close_matches(told, COLUMNS, n=1, cutoff=0.8):
        remedy = (
            "if it is your own number of the order, call the column external_id; else name it among those to ignore"
        )
    elif near := difflib.get_close_matches(told, COLUMNS, n=1, cutoff=0.5):
        remedy = f"did you mean {near[0]!r}?"
    else:
        remedy = f"name it among those to ignore, or use {', '.join(COLUMNS)}"
    return f"unknown column {quoted(name)}; {remedy}"


def order_of(
    line: int, given: Mapping[str, Any], reading: Reading, *, points_may_group: bool = False
) -> Iterator[Line | Fault]:
    """The order that the values of a row tell, or all that is wrong with them.

    Args:
        line: Where the row stands.
        given: Its values by their columns, without the empty ones.
        reading: How to read it.
        points_may_group: Whether `1.234` may be meant for 1234, as where semicolons separate the columns.
    """
    order_type = _order_type(line, {**_default_type(reading), **given})
    if isinstance(order_type, Fault):
        yield order_type
        return
    known = forms(order_type)
    defaults = {name: value for name, value in reading.defaults.items() if name in known}
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in {**defaults, **given}.items():
        if name == "kind":
            continue
        try:
            values[name] = _value(name, value, known, points_may_group=points_may_group and name in given)
        except ValueError as error:
            faults.append(
                misread(line, name)
                if isinstance(value, str) and is_misread(value)
                else Fault(line=line, column=name, problem=str(error))
            )
    told = {fault.column for fault in faults}
    for name in required(order_type):
        if name not in values and name not in told:
            faults.append(Fault(line=line, column=name, problem=f"is missing; a {order_type.kind} order needs it"))
    if faults:
        yield from faults
    else:
        yield _intent(line, order_type, values)


def _default_type(reading: Reading) -> dict[str, str]:
    return {"kind": reading.defaults["kind"]} if "kind" in reading.defaults else {}


def _intent(line: int, order_type: type[Intent], values: Mapping[str, Any]) -> Line | Fault:
    try:
        return Line(position=line, intent=order_type(**values))
    except InvalidArgument as error:
        if any(isinstance(value, str) and is_misread(value) for value in values.values()):
            return misread(line, error.argument)
        return Fault(line=line, column=error.argument, problem=error.problem)


def _order_type(line: int, given: Mapping[str, Any]) -> type[Intent] | Fault:
    if "kind" in given:
        name = given["kind"]
        if isinstance(name, str) and name in ORDER_TYPES:
            return ORDER_TYPES[name]
        near = difflib.get_close_matches(str(name)[:_LONGEST_NAME], ORDER_TYPES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return Fault(
            line=line, column="kind", problem=f"takes one of {', '.join(ORDER_TYPES)}, not {quoted(name)}{hint}"
        )
    telling = [name for name in _TELLING if name in given]
    if len(telling) == 1:
        return ORDER_TYPES[_TELLING[telling[0]]]
    if telling:
        return Fault(
            line=line, column=telling[1], problem=f"stands beside {telling[0]}: fill one of them, or say the kind"
        )
    return Fault(line=line, problem=f"tells no order; fill one of {', '.join(_TELLING)}")


def _value(name: str, value: object, known: Mapping[str, str], *, points_may_group: bool) -> object:
    if name not in known:
        raise ValueError(f"does not belong to this kind of order, which takes {', '.join(known)}; leave it empty")
    form = known[name]
    if form == "text":
        if not isinstance(value, str):
            raise ValueError(f"takes text; put quotes around {quoted(value)}")
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"takes a number, not {quoted(value)}")
    number = read_number(value, points_may_group=points_may_group or form == "integer")
    if form == "decimal":
        return number
    if number != number.to_integral_value():
        raise ValueError(f"takes a whole number, not {quoted(value)}")
    return int(number)
