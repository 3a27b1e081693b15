"""Models and enums of the Wren API."""

from wren_async._generated.wren import models as _models
from wren_async._generated.wren.models import *  # noqa: F403 - the generated module lists its names

__all__ = _models.__all__  # pyright: ignore[reportUnsupportedDunderAll]
