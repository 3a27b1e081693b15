"""Documents, such as certificates: bytes from the API's own host or from another, which never gets a credential."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

import attrs

from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, Effect, Operation
from wren_async.core.replacing import replace
from wren_async.core.reply import Reply
from wren_async.errors import CallFacts, DecodeError, Redirected
from wren_async.http.address import Address, UnreadableAddress, join_address, read_address

_HOPS: Final = 5

FETCH: Final[Operation[bytes]] = Operation(
    id="fetchDocument", method="GET", path="", answer=bytes, effect=Effect.READ, credentials="none"
)


@attrs.frozen(kw_only=True)
class Document:
    """A document as it was answered. Look at `content_type`, which is the server's, before you parse it."""

    content: bytes = attrs.field(repr=False)
    content_type: str | None
    url: str
    """Where it came from, after redirects."""


async def download(client: BaseClient, source: Call[bytes] | str, to: str | os.PathLike[str] | None) -> Document:
    """Fetch a document of the API (a call) or of elsewhere (a URL), and save it if a path is given.

    Redirects are followed without credentials. Raises `DecodeError` for an address that is none, is not encrypted, or
    lies on this machine or in a private network where the API itself does not.
    """
    reply = await client.send_raw(source) if isinstance(source, Call) else await _fetch(client, source, None)
    hops = 0
    while (location := _location(reply)) is not None and hops < _HOPS:
        hops += 1
        reply = await _fetch(client, location, read_address(reply.url))
    if reply.status >= 300:
        facts = CallFacts(
            method="GET", url=reply.url, attempts=hops + 1, call=reply.call, status=reply.status, headers=reply.headers
        )
        raise Redirected(f"no document after {hops} redirects", facts)
    document = Document(content=reply.body, content_type=reply.headers.get("content-type"), url=reply.url)
    if to is not None:
        await asyncio.to_thread(replace, Path(to), document.content)
    return document


def _location(reply: Reply[bytes]) -> str | None:
    return reply.headers.get("location") if 300 <= reply.status < 400 else None


async def _fetch(client: BaseClient, location: str, base: Address | None) -> Reply[bytes]:
    """Fetch from an address that a server named. It is checked first, because what lies there goes to the caller."""
    try:
        address = read_address(location) if base is None else join_address(base, location)
        _check(address, read_address(client.base_url))
    except UnreadableAddress as error:
        told = client._identity.credentials.quote(location)
        facts = CallFacts(method="GET", url=told, attempts=0, call=Call(operation=FETCH))
        raise DecodeError(f"no document is fetched from there: the address {error}", facts, (str(error),)) from None
    return await client._send_elsewhere(Call(operation=FETCH), address.text)


def _check(address: Address, api: Address) -> None:
    """Refuse an unencrypted address, and one on this machine or in a private network, unless the API is there too."""
    if address.origin == api.origin or (address.scheme == "https" and address.is_public):
        return
    if api.is_loopback and address.is_loopback:
        return
    if address.scheme != "https":
        raise UnreadableAddress("is not encrypted")
    if address.is_loopback or api.is_public:
        raise UnreadableAddress("lies on this machine or in a private network, and the API does not")
