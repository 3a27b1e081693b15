"""Checking values against the schemas of the contract, and turning the text of forms and queries into values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from wren_async.sandbox.exchange import JSON

_ANNOTATIONS = frozenset({"description", "title", "default", "examples", "example", "deprecated", "xml"})
_LARGEST_EXPONENT = 40
_SMALLEST_EXPONENT = -400
_LARGEST_INTEGER: int = 10**_LARGEST_EXPONENT
_DATE_TIME = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)"
)
_RANGES = frozenset({"minimum", "exclusiveMinimum", "maximum", "minLength", "maxLength"})
_INTEGER = re.compile(r"[+-]?\d{1,40}")

_formats = FormatChecker(formats=())


@_formats.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


@_formats.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc) and not any(c.isspace() for c in value)


def _is_integer(_checker: object, value: object) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_checker: object, value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many({"integer": _is_integer, "number": _is_number}),
)


class Schema:
    """A schema of the contract, compiled once. Its references must have been resolved."""

    def __init__(self, node: Mapping[str, Any]) -> None:
        bare = _without_annotations(node)
        self.binary = bare.get("format") == "binary"
        self.attributes = dict(_attribute_types(bare))
        self._bare_array: str | None = node.get("x-bare-array")
        self._validator = _Validator(bare, format_checker=_formats)
        self._types = frozenset(_types(bare))

    def check(self, value: JSON, unchecked: frozenset[str] = frozenset()) -> dict[str, list[str]]:
        """What is wrong with a value: messages by the dotted path of the attribute; empty when it is valid.

        Of the attributes in `unchecked`, any range will do.
        """
        errors: dict[str, list[str]] = {}
        for error in _told(self._validator.iter_errors(value)):
            place, message = _describe(error)
            if place in unchecked and error.validator in _RANGES:
                continue
            messages = errors.setdefault(place, [])
            if message not in messages:
                messages.append(message)
        return errors

    def check_type(self, value: JSON) -> dict[str, list[str]]:
        """What is wrong with the type of a value, whatever its range."""
        if self._types == {"integer"} and not _is_integer(None, value):
            return {"body": ["must be of type integer"]}
        return {}

    def check_answer(self, value: JSON) -> dict[str, list[str]]:
        """The same as `check`, for an answer, which may be a bare array where the contract has `x-bare-array`."""
        if self._bare_array is not None and isinstance(value, list):
            return self.check({self._bare_array: value})
        return self.check(value)

    def parse(self, text: str) -> JSON:
        """The value that a piece of a form or query stands for; text that fits no type stays text, to be refused."""
        return _parse(text, self._types)

    def parse_form(self, fields: Mapping[str, str]) -> JSON:
        """The object that a form stands for: each field turned into the type that the schema names."""
        return {name: _parse(text, self.attributes.get(name, frozenset())) for name, text in fields.items()}

    def with_integers(self, value: JSON) -> JSON:
        """A valid value with whole numbers written as `20.0` turned into integers where the schema asks for them."""
        if not isinstance(value, dict):
            return int(value) if isinstance(value, Decimal) and self._types == {"integer"} else value
        for name, content in value.items():
            if isinstance(content, Decimal) and self._wants_integer(name):
                value[name] = int(content)
        return value

    def _wants_integer(self, name: str) -> bool:
        types = self.attributes.get(name, frozenset())
        return "integer" in types and "number" not in types


def is_reasonable(value: JSON) -> bool:
    """Whether all numbers in a value are of a size that can be reckoned with; JSON knows no bounds."""
    if isinstance(value, Decimal):
        return value.is_finite() and _SMALLEST_EXPONENT <= value.adjusted() <= _LARGEST_EXPONENT
    if isinstance(value, int):
        return -_LARGEST_INTEGER < value < _LARGEST_INTEGER
    if isinstance(value, dict):
        return all(map(is_reasonable, value.values()))
    return all(map(is_reasonable, value)) if isinstance(value, list) else True


def _parse(text: str, types: frozenset[str]) -> JSON:
    if "integer" in types and _INTEGER.fullmatch(text):
        return int(text)
    if "number" in types or "integer" in types:
        number = _decimal(text)
        if number is not None:
            return number
    if "boolean" in types and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    return text


def _decimal(text: str) -> JSON:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    return int(number) if _INTEGER.fullmatch(text) else number


def _without_annotations(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_annotations(child) for child in node]
    if not isinstance(node, Mapping):
        return node
    kept: dict[str, Any] = {}
    for key, child in node.items():
        if key == "properties":
            kept[key] = {name: _without_annotations(attribute) for name, attribute in child.items()}
        elif key not in _ANNOTATIONS and not key.startswith("x-"):
            kept[key] = child if key in {"enum", "const"} else _without_annotations(child)
    if "required" in kept:
        kept["required"] = [name for name in kept["required"] if not _has_aliases(node, name)]
    return kept


def _has_aliases(node: Mapping[str, Any], name: str) -> bool:
    # The attribute may be there under another name, which is why it cannot be required under this one.
    return "x-aliases" in node.get("properties", {}).get(name, {})


def _parts(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for word in ("allOf", "oneOf", "anyOf"):
        for part in node.get(word, ()):
            yield from _parts(part)


def _types(node: Mapping[str, Any]) -> Iterator[str]:
    for part in _parts(node):
        declared = part.get("type", ())
        yield from [declared] if isinstance(declared, str) else declared


def _attribute_types(node: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for part in _parts(node):
        for name, attribute in part.get("properties", {}).items():
            yield name, frozenset(_types(attribute))


def _told(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """The errors with their attributes: where no alternative fits, those of the one that the value comes nearest to."""
    for error in errors:
        if error.context:
            yield from _told(min(_by_alternative(error), key=_misfits))
        else:
            yield error


def _by_alternative(error: ValidationError) -> Iterable[list[ValidationError]]:
    found: dict[object, list[ValidationError]] = {}
    for each in error.context or ():
        found.setdefault(each.relative_schema_path[0], []).append(each)
    return found.values()


def _misfits(errors: Iterable[ValidationError]) -> int:
    """How many errors say that another alternative was meant: the value's own type, or an attribute that is missing."""
    return sum(not error.relative_path and error.validator in ("type", "required") for error in errors)


def _describe(error: ValidationError) -> tuple[str, str]:
    if error.validator != "required":
        return _place(error.absolute_path), _message(error)
    # jsonschema names the missing attribute only in its message, and each of them in an error of its own.
    required = cast("list[str]", error.validator_value)
    missing = next(name for name in required if error.message.startswith(repr(name)))
    return _place([*error.absolute_path, missing]), "is required"


def _place(path: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in path) or "body"


_WORDINGS: Mapping[str, str] = {
    "exclusiveMinimum": "must be greater than {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "maxLength": "must have at most {} characters",
    "minLength": "must have at least {} characters",
    "format": "must be a valid {}",
    "pattern": "must match {}",
    "additionalProperties": "has an attribute that is not known",
}


def _message(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    match error.validator:
        case "type":
            return "must be of type " + (wanted if isinstance(wanted, str) else " or ".join(wanted))
        case "enum":
            return "must be one of " + ", ".join(str(value) for value in wanted)
    return _WORDINGS.get(str(error.validator), "is not valid").format(wanted)
