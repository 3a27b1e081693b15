"""Models and enums of the CNaught API."""

from wren_async._generated.cnaught import models as _models
from wren_async._generated.cnaught.models import *  # noqa: F403 - the generated module lists its names

__all__ = _models.__all__  # pyright: ignore[reportUnsupportedDunderAll]
