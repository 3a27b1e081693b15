"""Validators for what people set: each names the attribute, what it may be, and what it was instead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs

Validator: TypeAlias = Callable[[Any, "attrs.Attribute[Any]", Any], None]

_LONGEST_SHOWN = 80
_LONGEST_DURATION = timedelta(days=36_500)


def shown(value: object) -> str:
    """A value as it is quoted in a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def listed(choices: Collection[object]) -> str:
    """Choices as they are listed in a message."""
    return ", ".join(str(choice) for choice in choices)


def whole_number(least: int, most: int) -> Validator:
    """Take whole numbers from `least` to `most`."""
    return _check(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def number(least: float | Decimal, most: float | Decimal) -> Validator:
    """Take numbers from `least` to `most`."""
    return _check(
        lambda value: (
            isinstance(value, int | float | Decimal) and not isinstance(value, bool) and least <= value <= most
        ),
        f"a number from {least} to {most}",
    )


def duration() -> Validator:
    """Take durations of up to a hundred years."""
    return _check(
        lambda value: isinstance(value, timedelta) and timedelta() <= value <= _LONGEST_DURATION,
        f"from 0 to {int(_LONGEST_DURATION.total_seconds())} seconds",
    )


def truth() -> Validator:
    """Take True and False alone."""
    return _check(lambda value: isinstance(value, bool), "true or false")


def text() -> Validator:
    """Take any text."""
    return _check(lambda value: isinstance(value, str), "a text")


def header_text() -> Validator:
    """Take what can be the value of a header."""
    return _check(_is_header_text, "a text of printable Latin characters")


def prefixed(prefix: str) -> Validator:
    """Take texts that begin with a prefix and go on. A value that is refused may be a real key, and is not shown."""

    def validate(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, str) or not value.startswith(prefix) or value == prefix:
            raise ValueError(f"{attribute.name} must be {prefix} and something after it")

    return validate


def web_url() -> Validator:
    """Take absolute http and https URLs of ASCII characters."""
    return _check(_is_web_url, "an http or https URL of ASCII characters")


def one_of(choices: Collection[object]) -> Validator:
    """Take one of some values."""
    return _check(lambda value: value in choices, f"one of {listed(choices)}")


def statuses_by_name(least: int, most: int) -> Validator:
    """Take a mapping from names to statuses."""
    return _check(
        lambda value: (
            isinstance(value, Mapping)
            and all(isinstance(status, int) and least <= status <= most for status in value.values())
        ),
        f"statuses from {least} to {most} by name",
    )


def optional(inner: Validator) -> Validator:
    """Take None, too."""
    return attrs.validators.optional(inner)


def _check(holds: Callable[[Any], bool], wanted: str) -> Validator:
    def validate(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ValueError(f"{attribute.name} must be {wanted}, not {shown(value)}")

    return validate


def _is_header_text(value: object) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= 1000 and all("\x20" <= c <= "\xff" and c != "\x7f" for c in value)
    )


def _is_web_url(value: object) -> bool:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
