"""The strict path, for what the fast path refuses: cattrs, with hooks that convert nothing and name every fault.

This module loads when it is first needed, because cattrs takes longer to import than all the rest of the codec.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import attrs
import msgspec
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from wren_async.core import numbers
from wren_async.core.codec.fast import can_be_told_in_utc, instant
from wren_async.core.printable import printable
from wren_async.core.values import JSON, UNSET, Unset

PROBLEMS: Final = 100
"""Faults of one body that are named. A server may send a million of them."""

_MISSING: Any = object()
_SHOWN: Final = 60
"""Characters of a server's text that a fault repeats."""


class Misfit(Exception):
    """Faults below a point of the JSON: for each, the path from there and what is wrong at its end."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__(faults)
        self.faults = faults

    def under(self, step: str) -> tuple[tuple[str, str], ...]:
        return tuple((step + path, problem) for path, problem in self.faults)


@functools.cache
def converter() -> Converter:
    """The one converter. It makes the hooks of a class when it first reads or writes one, and keeps them."""
    made = Converter()
    for plain, read in _READERS.items():
        made.register_structure_hook(plain, read)
    made.register_structure_hook_factory(lambda form: form in (JSON, Any), lambda _: lambda value, _: value)
    made.register_structure_hook_factory(_is_union, _read_union)
    made.register_structure_hook_factory(_is_tuple, _read_tuple)
    made.register_structure_hook_factory(_is_mapping, _read_mapping)
    made.register_structure_hook_factory(attrs.has, _read_model)
    made.register_unstructure_hook(datetime, instant)
    made.register_unstructure_hook(Decimal, lambda value: value)
    made.register_unstructure_hook_factory(attrs.has, _write_model)
    made.register_unstructure_hook(Enum, lambda value: value.value)
    made.register_unstructure_hook(Unset, lambda value: value)
    return made


# --- plain values ---------------------------------------------------------------------------------------------------


def _shown(text: str) -> str:
    return f"'{printable(text, _SHOWN)}'"


def _kind(value: object) -> str:
    """What a JSON value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list | tuple) else "an object"


def _read_str(value: object, form: type[str]) -> str:
    if not isinstance(value, str):
        raise Misfit(("", f"takes a string, not {_kind(value)}"))
    if form is str:
        return value
    try:
        return form(value)
    except ValueError:
        raise Misfit(("", f"{_shown(value)} is no {form.__name__}")) from None


def _read_int(value: object, _: object) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(("", f"takes a whole number, not {value if isinstance(value, Decimal) else _kind(value)}"))
    if not numbers.is_bounded(value):
        raise Misfit(("", "takes a whole number of 64 bits, not a larger one"))
    return value


def _read_decimal(value: object, _: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Misfit(("", f"takes a number, not {_kind(value)}"))
    try:
        return numbers.exact(value)
    except ArithmeticError:
        raise Misfit(("", f"takes a number of {numbers.BOUNDS}")) from None


def _read_number(value: object, _: object) -> int | Decimal:
    """A number that is usually whole: an int, or a Decimal where it has a fraction."""
    number = _read_decimal(value, _)
    return _read_int(value, _) if number == number.to_integral_value() else number


def _read_bool(value: object, _: object) -> bool:
    if not isinstance(value, bool):
        raise Misfit(("", f"takes true or false, not {_kind(value)}"))
    return value


def _read_datetime(value: object, _: object) -> datetime:
    if not isinstance(value, str):
        raise Misfit(("", f"takes a time as a string, not {_kind(value)}"))
    try:
        moment = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        moment = _unusual_time(value)
    # Both APIs speak UTC; a time that does not say so is read as UTC, not as this machine's.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not can_be_told_in_utc(moment):
        raise Misfit(("", f"{_shown(value)} is no time that UTC can tell"))
    return moment


def _unusual_time(value: str) -> datetime:
    """A time in one of the other forms of ISO 8601, such as a date alone."""
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise Misfit(("", f"{_shown(value)} is no time")) from None


def _read_none(value: object, _: object) -> None:
    if value is not None:
        raise Misfit(("", f"takes null, not {_kind(value)}"))


_READERS: Mapping[type, Callable[[Any, Any], object]] = {
    str: _read_str,
    StrEnum: _read_str,
    int: _read_int,
    Decimal: _read_decimal,
    bool: _read_bool,
    datetime: _read_datetime,
    types.NoneType: _read_none,
}


# --- composed values ------------------------------------------------------------------------------------------------


def _is_union(form: Any) -> bool:
    return get_origin(form) in (Union, types.UnionType)


def _read_union(form: Any) -> Callable[[Any, Any], object]:
    members = [member for member in get_args(form) if member not in (Unset, types.NoneType)]
    nullable = types.NoneType in get_args(form)
    readers: list[tuple[Any, Callable[[Any, Any], object]]] = []
    if int in members and Decimal in members:
        readers.append((Decimal, _read_number))
        members = [member for member in members if member not in (int, Decimal)]
    readers += [(member, converter().get_structure_hook(member)) for member in members]

    def read(value: object, _: object) -> object:
        if value is None and nullable:
            return None
        faults: list[Misfit] = []
        for member, reader in readers:
            try:
                return reader(value, member)
            except Misfit as fault:
                faults.append(fault)
        raise faults[0] if len(faults) == 1 else Misfit(("", " or ".join(f.faults[0][1] for f in faults)))

    return read


def _is_tuple(form: Any) -> bool:
    return get_origin(form) is tuple


def _read_tuple(form: Any) -> Callable[[Any, Any], object]:
    item = get_args(form)[0]
    reader = converter().get_structure_hook(item)

    def read(value: object, _: object) -> tuple[object, ...]:
        if not isinstance(value, list):
            raise Misfit(("", f"takes an array, not {_kind(value)}"))
        entries = ((f"[{index}]", entry) for index, entry in enumerate(value))
        return tuple(_read_every(entries, reader, item))

    return read


def _is_mapping(form: Any) -> bool:
    return get_origin(form) in (dict, Mapping)


def _read_mapping(form: Any) -> Callable[[Any, Any], object]:
    item = get_args(form)[1]
    reader = converter().get_structure_hook(item)

    def read(value: object, _: object) -> dict[str, object]:
        if not isinstance(value, dict):
            raise Misfit(("", f"takes an object, not {_kind(value)}"))
        entries = ((f".{printable(name, _SHOWN)}", entry) for name, entry in value.items())
        return dict(zip(value, _read_every(entries, reader, item), strict=True))

    return read


def _read_every(entries: Iterable[tuple[str, object]], reader: Callable[[Any, Any], object], form: Any) -> list[object]:
    """The entries of a container, or their faults together."""
    found: list[object] = []
    faults: list[tuple[str, str]] = []
    for step, entry in entries:
        try:
            found.append(reader(entry, form))
        except Misfit as fault:
            faults.extend(fault.under(step))
            if len(faults) >= PROBLEMS:
                break
    if faults:
        raise Misfit(*faults)
    return found


# --- models ---------------------------------------------------------------------------------------------------------


@attrs.frozen
class _AttributeReading:
    """How one attribute of a model is read."""

    attribute: str
    names: tuple[str, ...]
    form: Any
    reader: Callable[[Any, Any], object]
    required: bool
    lenient: bool


def _readings(model: type) -> tuple[_AttributeReading, ...]:
    hints = get_type_hints(model)
    return tuple(
        _AttributeReading(
            attribute=field.name,
            names=(field.metadata.get("wire", field.name), *field.metadata.get("aliases", ())),
            form=hints[field.name],
            reader=converter().get_structure_hook(hints[field.name]),
            required=field.default is attrs.NOTHING,
            lenient=field.metadata.get("lenient", False),
        )
        for field in attrs.fields(model)
        if "extra" not in field.metadata
    )


def _read_model(model: type) -> Callable[[Any, Any], object]:
    readings: tuple[_AttributeReading, ...] | None = None
    known: frozenset[str] = frozenset()
    keeps_extra = any("extra" in field.metadata for field in attrs.fields(model))
    bare_array: str | None = getattr(model, "__bare_array__", None)

    def read(value: object, _: object) -> object:
        nonlocal readings, known
        if readings is None:
            # Not before the first use: a model may have attributes of its own class.
            readings = _readings(model)
            known = frozenset(name for reading in readings for name in reading.names)
        if bare_array is not None and isinstance(value, list):
            value = {_wire_name(model, bare_array): value}
        if not isinstance(value, dict):
            raise Misfit(("", f"takes an object, not {_kind(value)}"))
        return _build(model, readings, value, _unknown(value, known) if keeps_extra else None)

    return read


def _unknown(value: Mapping[str, object], known: frozenset[str]) -> dict[str, object]:
    return {} if known.issuperset(value) else {name: item for name, item in value.items() if name not in known}


def _build(
    model: type, readings: tuple[_AttributeReading, ...], value: Mapping[str, object], extra: dict[str, object] | None
) -> object:
    arguments: dict[str, object] = {}
    faults: list[tuple[str, str]] = []
    for reading in readings:
        name, item = _find(reading, value)
        if item is _MISSING or (item is None and not reading.required):
            if reading.required:
                faults.append((f".{name}", "is missing"))
            elif item is None and Unset in get_args(reading.form):
                arguments[reading.attribute] = None
            continue
        try:
            arguments[reading.attribute] = reading.reader(item, reading.form)
        except Misfit as fault:
            if reading.lenient and extra is not None:
                extra[name] = item
            else:
                faults.extend(fault.under(f".{name}"))
    if faults:
        raise Misfit(*faults)
    if extra:
        arguments["extra_fields"] = extra
    return model(**arguments)


def _find(reading: _AttributeReading, value: Mapping[str, object]) -> tuple[str, object]:
    found = reading.names[0], value.get(reading.names[0], _MISSING)
    if len(reading.names) == 1 or (found[1] is not _MISSING and found[1] is not None):
        return found
    # A server in the middle of a change may send both spellings, one of them empty.
    others = ((name, value[name]) for name in reading.names[1:] if value.get(name) is not None)
    nulls = ((name, value[name]) for name in reading.names if name in value)
    return next(others, None) or next(nulls, found)


def _wire_name(model: type, attribute: str) -> str:
    field = attrs.fields_dict(model)[attribute]
    return cast(str, field.metadata.get("wire", attribute))


def _write_model(model: type) -> Callable[[Any], object]:
    attrs.resolve_types(model)
    fields = attrs.fields(model)
    overrides: dict[str, Any] = {
        field.name: override(
            rename=field.metadata.get("wire"),
            omit=True if "extra" in field.metadata else None,
            # Only where the default is UNSET: a null that was read is written as a null again.
            omit_if_default=field.default is UNSET,
        )
        for field in fields
    }
    write: Callable[[Any], dict[str, object]] = make_dict_unstructure_fn(model, converter(), **overrides)
    if not any("extra" in field.metadata for field in fields):
        return write

    def write_whole(value: Any) -> dict[str, object]:
        return {**write(value), **value.extra_fields}

    return write_whole
