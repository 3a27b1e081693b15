"""The page at `/`: three files of the package, which use the control API of the sandbox that serves them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_MEDIA_TYPES = {"index.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    # No string becomes markup, whatever a request says: a browser refuses it, should the module ever try.
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def serve(request: Request) -> Response:
    """The page itself, its style, or its script."""
    name = request.path_params.get("name", "index.html")
    if name not in _MEDIA_TYPES:
        raise HTTPException(404)
    return Response(_file(name), media_type=_MEDIA_TYPES[name], headers=_HEADERS)


@functools.cache
def _file(name: str) -> bytes:
    return files("wren_async.sandbox").joinpath("page_files", name).read_bytes()
