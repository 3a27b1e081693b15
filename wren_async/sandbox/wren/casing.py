"""Turning the names of Wren's attributes from snake_case into camelCase."""

from __future__ import annotations

from functools import cache

from wren_async.sandbox.exchange import JSON


@cache
def camel_name(name: str) -> str:
    """`cost_per_ton` becomes `costPerTon`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def camel(value: dict[str, JSON]) -> dict[str, JSON]:
    """An object, with all objects inside it, in camelCase."""
    return {camel_name(name): _inside(child) for name, child in value.items()}


def _inside(value: JSON) -> JSON:
    if isinstance(value, dict):
        return camel(value)
    return [_inside(child) for child in value] if isinstance(value, list) else value
