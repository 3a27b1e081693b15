"""Changing behaviours and accounts by name, from plain values of JSON, with their types and ranges checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
import cattrs

from wren_async.sandbox.bounds import listed, shown
from wren_async.sandbox.exchange import JSON

_MOST_SECONDS = Decimal(10) ** 12


class PatchError(ValueError):
    """A name is not known, or a value is not one that it may have."""


def patch(target: Any, changes: Mapping[str, JSON]) -> None:
    """Set attributes of an attrs object by name; all of them, or none when one is wrong."""
    types = _types(type(target))
    require_known(changes, types)
    values = {name: _structure(name, value, types[name]) for name, value in changes.items()}
    try:
        changed = attrs.evolve(target, **values)
    except ValueError as error:
        raise PatchError(str(error.args[0])) from error
    for name in values:
        setattr(target, name, getattr(changed, name))


def plain(target: Any) -> dict[str, JSON]:
    """An attrs object as plain values."""
    values: dict[str, JSON] = _converter.unstructure(target)
    return values


def require_known(names: Collection[str], known: Collection[str], what: str = "name") -> None:
    """Refuse a name that is not known, with those that are."""
    for name in names:
        if name not in known:
            meant = get_close_matches(name, known, n=1)
            hint = f"did you mean {meant[0]}? " if meant else ""
            choices = f"it may be {listed(known)}" if known else f"no {what} is taken here"
            raise PatchError(f"{shown(name)} is not known; {hint}{choices}")


def _structure(name: str, value: JSON, kind: Any) -> object:
    try:
        return _converter.structure(value, kind)
    except Exception as error:  # what cattrs raises depends on its version
        raise PatchError(f"{name} must be {_wanted(kind)}, not {shown(value)}") from error


def _wanted(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {listed(get_args(kind))}"
    if get_origin(kind) is tuple:
        return "a list of texts"
    if get_origin(kind) is Mapping:
        return "an object, with values that it may have"
    if get_args(kind):  # the kind, or None
        return f"{_wanted(get_args(kind)[0])}, or null"
    return _WORDS.get(kind, kind.__name__)


def _types(kind: Any) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {attribute.name: hints[attribute.name] for attribute in attrs.fields(kind) if attribute.init}


def _exactly(*kinds: type) -> Any:
    def structure(value: object, _: type) -> object:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise TypeError(f"{value!r} is not of type {kinds[0].__name__}")
        return value

    return structure


def _literal(value: object, kind: Any) -> object:
    for choice in get_args(kind):
        if type(choice) is type(value) and choice == value:  # True is not 1, and 401.0 is not 401
            return choice
    raise ValueError(f"{value!r} is none of the choices")


def _made_of(origin: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _is_mapping_of_json(kind: Any) -> bool:
    return get_origin(kind) is Mapping and not isinstance(get_args(kind)[1], type)


def _object(value: object, _: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not an object")
    return value


def _mapping(value: object, kind: Any) -> object:
    return {name: _converter.structure(content, get_args(kind)[1]) for name, content in _object(value, kind).items()}


def _texts(value: object, _: type) -> object:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"{value!r} is not a list of texts")
    return tuple(value)


def _decimal(value: object, _: type) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"{value!r} is not a number")
    return Decimal(value)


def _seconds(value: object, kind: type) -> timedelta:
    seconds = _decimal(value, kind)
    if not -_MOST_SECONDS < seconds < _MOST_SECONDS:
        raise ValueError(f"{value!r} seconds are too many")
    return timedelta(seconds=float(seconds))


_WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    Decimal: "a number",
    timedelta: "a number of seconds",
}
_converter = cattrs.Converter(detailed_validation=False, forbid_extra_keys=True)
_converter.register_structure_hook(bool, _exactly(bool))
_converter.register_structure_hook(int, _exactly(int))
_converter.register_structure_hook(str, _exactly(str))
_converter.register_structure_hook(timedelta, _seconds)
_converter.register_structure_hook(Decimal, _decimal)
_converter.register_structure_hook_func(_made_of(Literal), _literal)
_converter.register_structure_hook_func(_made_of(tuple), _texts)
_converter.register_structure_hook_func(_made_of(Mapping), _mapping)
_converter.register_structure_hook_func(_is_mapping_of_json, _object)
_converter.register_unstructure_hook(timedelta, lambda value: Decimal(str(value.total_seconds())))
_converter.register_unstructure_hook(Decimal, lambda value: value)
