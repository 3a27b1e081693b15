"""Models and enums of the CNaught API. Each loads when it is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wren_async._generated.cnaught import models as _models
from wren_async._lazy import lazy

if TYPE_CHECKING:
    from wren_async._generated.cnaught.models import *  # noqa: F403 - the generated package lists its names

__all__ = _models.__all__  # pyright: ignore[reportUnsupportedDunderAll]

__getattr__ = lazy(__name__, {_models.__name__: " ".join(__all__)})


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
