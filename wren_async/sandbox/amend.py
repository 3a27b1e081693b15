"""Changing settings and accounts by name, from plain values of JSON, with their types checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import cattrs

from wren_async.sandbox.exchange import JSON


class AmendmentError(ValueError):
    """A name is not known, or a value is not of its type."""


def amend(target: attrs.AttrsInstance, changes: Mapping[str, JSON]) -> None:
    """Set attributes of a settings object; all of them, or none when one is wrong."""
    types = _types(type(target))
    values = {name: _structure(name, value, types) for name, value in changes.items()}
    for name, value in values.items():
        setattr(target, name, value)


def plain(target: attrs.AttrsInstance) -> dict[str, JSON]:
    """A settings object as plain values."""
    values: dict[str, JSON] = _converter.unstructure(target)
    return values


def _structure(name: str, value: JSON, types: Mapping[str, Any]) -> object:
    if name not in types:
        raise AmendmentError(f"{name} is not known")
    try:
        return _converter.structure(value, types[name])
    except Exception as error:  # what cattrs raises depends on its version
        raise AmendmentError(f"{name} cannot be {value!r}") from error


@cache
def _types(kind: type[attrs.AttrsInstance]) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {attribute.name: hints[attribute.name] for attribute in attrs.fields(kind) if attribute.init}


def _exactly(*kinds: type) -> Any:
    def structure(value: object, _: type) -> object:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError(f"{value!r} is not of type {kinds[0].__name__}")
        return value

    return structure


def _is_mapping_of_json(kind: Any) -> bool:
    return get_origin(kind) is Mapping and not isinstance(get_args(kind)[1], type)


def _object(value: object, _: type) -> object:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _seconds(value: Any, _: type) -> timedelta:
    return timedelta(seconds=float(value))


def _decimal(value: Any, _: type) -> Decimal:
    return Decimal(value)


_converter = cattrs.Converter(detailed_validation=False)
_converter.register_structure_hook(bool, _exactly(bool))
_converter.register_structure_hook(int, _exactly(int))
_converter.register_structure_hook(str, _exactly(str))
_converter.register_structure_hook(timedelta, _seconds)
_converter.register_structure_hook(Decimal, _decimal)
_converter.register_structure_hook_func(_is_mapping_of_json, _object)
_converter.register_unstructure_hook(timedelta, lambda value: Decimal(str(value.total_seconds())))
_converter.register_unstructure_hook(Decimal, lambda value: value)
