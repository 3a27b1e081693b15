"""Which public name stands on which page of the Python reference: each once, where it is defined."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Final

import wren_async
from wren_async.core.resource import Resource

CLIENTS: Final = ("wren_async.wren.WrenClient", "wren_async.cnaught.CNaughtClient")
APART: Final = frozenset({"wren", "cnaught", "models", "errors", "cli", "testing", "core", "http"})
"""Modules with pages of their own, below, or that are not public."""


def python_pages() -> dict[str, tuple[str, ...]]:
    """The names of each page, by its title."""
    pages: dict[str, tuple[str, ...]] = {
        "Clients": CLIENTS,
        "Methods of WrenClient": tuple(_resources("wren_async.wren")),
        "Methods of CNaughtClient": tuple(_resources("wren_async.cnaught")),
        "Exceptions": ("wren_async.errors",),
    }
    taken = {*CLIENTS, *(name for names in pages.values() for name in names)}
    for module in _public_modules():
        names = tuple(name for name in _names(module) if name not in taken)
        taken |= set(names)
        pages[module.__name__.removeprefix("wren_async.").capitalize()] = names
    pages["Options and values"] = tuple(name for name in _names(wren_async) if name not in taken)
    pages["Fixtures for tests"] = ("wren_async.testing",)
    pages["Models of Wren"] = ("wren_async._generated.wren.models",)
    pages["Models of CNaught"] = ("wren_async._generated.cnaught.models",)
    return pages


def _public_modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(wren_async.__path__):
        if found.name.startswith("_") or found.name in APART:
            continue
        module = importlib.import_module(f"wren_async.{found.name}")
        if getattr(module, "__all__", ()):
            yield module


def _names(module: ModuleType) -> Iterator[str]:
    """The public names of a module, by where they are defined; exceptions have a page of their own."""
    for name in module.__all__:
        value = getattr(module, name)
        home = getattr(value, "__module__", "") if inspect.isclass(value) or inspect.isfunction(value) else ""
        if home != "wren_async.errors" and not name.startswith("__"):
            yield f"{home if home.startswith('wren_async') else module.__name__}.{name}"


def _resources(home: str) -> Iterator[str]:
    module = importlib.import_module(home)
    for name, value in vars(module).items():
        if inspect.isclass(value) and issubclass(value, Resource) and value.__module__ == home:
            yield f"{home}.{name}"
