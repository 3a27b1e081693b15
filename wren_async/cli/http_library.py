"""The HTTP library that batches go over: aiohttp where it is installed, which sends several times as many a second."""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec

from wren_async.http.backend import Backend

_FAST = "aiohttp"


def http_library() -> str:
    """Its name and version."""
    name = _FAST if find_spec(_FAST) else "httpx"
    return f"{name} {version(name)}"


def new_backend() -> Backend | None:
    """A backend for a client; `None` for the one that a client makes itself."""
    if not find_spec(_FAST):
        return None
    from wren_async.http.over_aiohttp import AiohttpBackend

    return AiohttpBackend()
