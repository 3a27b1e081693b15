"""Things that load when they are first used, so that importing the package costs little."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

_EXTRAS: Final = {
    "psycopg": "postgres",
    "procrastinate": "postgres",
    "opentelemetry": "otel",
    "h11": "sandbox",
    "jsonschema": "sandbox",
    "starlette": "sandbox",
    "uvicorn": "sandbox",
    "yaml": "sandbox",
}
"""What an extra brings, and which one it is."""

T = TypeVar("T")


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """A `__getattr__` for a package, which imports a name from its module when it is first used.

    `homes` maps each module, which may be relative to the package as in `.order`, to its names, separated by spaces.
    A name that needs an extra which is not installed says so.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def load(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            value = getattr(importlib.import_module(home_of[name], package), name)
        except ModuleNotFoundError as error:
            extra = _EXTRAS.get((error.name or "").partition(".")[0])
            if extra is None:
                raise
            message = f"{name} needs an extra: pip install 'wren-async[{extra}]'"
            raise ModuleNotFoundError(message, name=error.name) from error
        setattr(sys.modules[package], name, value)
        return value

    return load


def is_installed(module: str) -> bool:
    """Whether a package is there that an extra brings. It is not loaded."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


class Lazy(Generic[T]):
    """A value that is made when it is first asked for, such as `Lazy(lambda: models.Order)`."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    @functools.cached_property
    def value(self) -> T:
        """The value itself."""
        return self._make()

    def __reduce__(self) -> tuple[object, ...]:
        # A lambda cannot be pickled; what it makes can.
        return _itself, (self.value,)


def _itself(value: T) -> T:
    return value
