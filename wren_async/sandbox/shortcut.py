"""A shortcut for the common case: telling at once that a value is valid, where its schema is simple.

jsonschema takes a good part of the time of a request. A check made here says yes only when jsonschema would; what
it cannot judge, it leaves to jsonschema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from wren_async.sandbox.exchange import JSON

Check: TypeAlias = Callable[[JSON], bool]
"""True when a value is valid for certain."""

_OBJECT_WORDS = frozenset({"type", "properties", "required"})
_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "enum": lambda value, wanted: value in wanted,
    "minimum": lambda value, wanted: value >= wanted,
    "exclusiveMinimum": lambda value, wanted: value > wanted,
    "maximum": lambda value, wanted: value <= wanted,
    "minLength": lambda value, wanted: len(value) >= wanted,
    "maxLength": lambda value, wanted: len(value) <= wanted,
}
_RANGE = frozenset({"minimum", "exclusiveMinimum", "maximum"})
_TYPES: Mapping[str, tuple[tuple[type, ...], frozenset[str]]] = {
    "integer": ((int,), _RANGE),
    "number": ((int, Decimal), _RANGE),
    "string": ((str,), frozenset({"enum", "minLength", "maxLength"})),
    "boolean": ((bool,), frozenset()),
}
"""The Python types of a type, and the bounds that mean something for it."""


def plain_check(schema: Mapping[str, Any]) -> Check:
    """The check for a flat object or a scalar; one that never says yes for any other schema."""
    if schema.get("type") != "object":
        return _scalar_check(schema) or _undecided
    if not _OBJECT_WORDS.issuperset(schema):
        return _undecided
    checks = {name: _scalar_check(attribute) for name, attribute in schema.get("properties", {}).items()}
    required = frozenset(schema.get("required", ()))

    def is_valid(value: JSON) -> bool:
        if not isinstance(value, dict) or not required.issubset(value):
            return False
        for name, content in value.items():
            if name in checks:
                check = checks[name]
                if check is None or not check(content):
                    return False
        return True

    return is_valid


def _undecided(_value: JSON) -> bool:
    return False


def _scalar_check(schema: Mapping[str, Any]) -> Check | None:
    declared = schema.get("type")
    if not isinstance(declared, str) or declared not in _TYPES or schema.get("format", "decimal") != "decimal":
        return None
    types, meaningful = _TYPES[declared]
    words = schema.keys() - {"type", "format"}
    if not words <= meaningful:
        return None
    bounds = [(_BOUNDS[word], schema[word]) for word in words]

    def is_valid(value: JSON) -> bool:
        # Not isinstance: true is an int.
        return type(value) in types and all(holds(value, wanted) for holds, wanted in bounds)

    return is_valid
