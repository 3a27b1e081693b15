"""Documents, such as certificates: bytes from the API's own host or from another, which never gets a credential."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import attrs
import httpx

from wren_async.core.auth import is_safe
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, Effect, Operation
from wren_async.core.reply import Reply
from wren_async.errors import CallFacts, InvalidArgument, Redirected

_HOPS: Final = 5

FETCH: Final[Operation[bytes]] = Operation(
    id="fetchDocument", method="GET", path="", answer=bytes, effect=Effect.READ, credentials="none"
)


@attrs.frozen(kw_only=True)
class Document:
    """A document as it was answered. Its type is the server's word; parse it only when that says you can."""

    content: bytes = attrs.field(repr=False)
    content_type: str | None
    url: str
    """Where it came from, after redirects."""


async def download(client: BaseClient, source: Call[bytes] | str, to: str | os.PathLike[str] | None) -> Document:
    """Fetch a document of the API (a call) or of elsewhere (a URL), and save it if a path is given.

    Redirects are followed, without credentials, to encrypted addresses only.
    """
    reply = await client.send_raw(source) if isinstance(source, Call) else await _fetch(client, source)
    hops = 0
    while (location := _location(reply)) is not None and hops < _HOPS:
        try:
            target = str(httpx.URL(reply.url).join(location))
        except (httpx.InvalidURL, ValueError):
            break
        hops += 1
        reply = await _fetch(client, target)
    if reply.status >= 300:
        facts = CallFacts(
            method="GET", url=reply.url, attempts=hops + 1, call=reply.call, status=reply.status, headers=reply.headers
        )
        raise Redirected(f"no document after {hops} redirects", facts)
    document = Document(content=reply.body, content_type=reply.headers.get("content-type"), url=reply.url)
    if to is not None:
        await asyncio.to_thread(_save, Path(to), document.content)
    return document


def _location(reply: Reply[bytes]) -> str | None:
    return reply.headers.get("location") if 300 <= reply.status < 400 else None


async def _fetch(client: BaseClient, url: str) -> Reply[bytes]:
    if not is_safe(httpx.URL(url)):
        raise InvalidArgument("url", f"{url} is not encrypted; no document is fetched from there")
    return await client._send_elsewhere(Call(operation=FETCH), url)


def _save(path: Path, content: bytes) -> None:
    """Write a file that is either whole or not there."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
