"""The fast road from models to plain JSON values: one walk that writes and looks at what it writes.

What it does not know to be right for the wire (a float, a number that is not finite, an unset attribute in a place that
is sent, a foreign class) goes down the codec's own road, which names what is wrong.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

import attrs

from wren_async.core.codec.fast import OffTheRoad
from wren_async.core.values import JSON, UNSET


def instant(moment: datetime) -> str:
    """A time as both APIs write it: UTC with six digits and a `Z`."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def plain(value: object) -> JSON:
    """A model or any JSON value as what is sent: wire names, no unset attributes. May raise `OffTheRoad`."""
    kind: Any = type(value)
    return value if kind in _AS_IT_IS else _writer(kind)(value)


_AS_IT_IS: Final = frozenset({str, int, bool, types.NoneType})


@functools.cache
def _writer(kind: type) -> Callable[[Any], JSON]:
    if kind in _WRITERS:
        return _WRITERS[kind]
    if attrs.has(kind):
        return _model_writer(kind)
    if issubclass(kind, Enum) and kind is not type(UNSET):
        return lambda member: plain(member._value_)
    if issubclass(kind, Mapping):
        return _object
    raise OffTheRoad


def _decimal(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise OffTheRoad
    return number


def _object(value: Mapping[str, object]) -> dict[str, JSON]:
    written = {name: plain(item) for name, item in value.items()}
    if not all(type(name) is str for name in written):
        raise OffTheRoad
    return written


def _array(value: list[object] | tuple[object, ...]) -> list[JSON]:
    return [plain(item) for item in value]


_WRITERS: Final[Mapping[type, Callable[[Any], JSON]]] = {
    Decimal: _decimal,
    datetime: instant,
    dict: _object,
    list: _array,
    tuple: _array,
}


def _model_writer(model: type) -> Callable[[Any], JSON]:
    fields = [field for field in attrs.fields(model) if "extra" not in field.metadata]
    slots = [(field.name, field.metadata.get("wire", field.name), field.default is UNSET) for field in fields]
    keeps = len(fields) < len(attrs.fields(model))

    def write(value: Any) -> dict[str, JSON]:
        written: dict[str, JSON] = {}
        for attribute, name, optional in slots:
            item = getattr(value, attribute)
            kind: Any = type(item)
            if item is UNSET:
                if not optional:
                    raise OffTheRoad
            elif kind in _AS_IT_IS:
                written[name] = item
            else:
                written[name] = _writer(kind)(item)
        if keeps and value.extra_fields:
            written.update(_object(value.extra_fields))
        return written

    return write
