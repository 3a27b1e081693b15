"""Subaccounts and their logos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import attrs

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.fields import Fields
from wren_async.sandbox.cnaught.orders import timestamp
from wren_async.sandbox.cnaught.paging import Timeline
from wren_async.sandbox.cnaught.problems import CNaughtRefusedError, Problem, invalid_parameters
from wren_async.sandbox.exchange import JSON, SandboxRequest

LOGO_OPERATIONS = frozenset({"setSubaccountLogoFromUrl", "uploadSubaccountLogo"})
LOGO_HOST = "https://logos.cnaught.com"
IMAGE_SUFFIXES: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/svg+xml": "svg",
}
"""The content types that a logo may have, with the suffix of each."""
_OTHER_SUFFIXES = frozenset(
    {"bmp", "csv", "gif", "htm", "html", "ico", "json", "pdf", "tif", "tiff", "txt", "xml", "zip"}
)


@attrs.frozen(kw_only=True)
class Logo:
    """A logo as CNaught hosts it. One set from a URL has no bytes here, since the sandbox downloads nothing."""

    path: str
    source_url: str | None = None
    content: bytes = attrs.field(default=b"", repr=False)

    def url(self, now: datetime, behaviours: CNaughtBehaviours) -> str:
        """Where the logo is found."""
        signature = f"?expires={int(now.timestamp()) + 3600}" if behaviours.signed_logo_urls else ""
        return f"{LOGO_HOST}/{self.path}{signature}"


@attrs.define(kw_only=True)
class Subaccount:
    """A part of an account, with orders of its own."""

    id: str
    created_on: datetime
    name: str
    email: str | None = None
    default_portfolio_id: str | None = None
    logo: Logo | None = None

    def body(self, now: datetime, behaviours: CNaughtBehaviours) -> dict[str, JSON]:
        """The subaccount as the API writes it."""
        return {
            "id": self.id,
            "created_on": timestamp(self.created_on),
            "name": self.name,
            "email": self.email,
            "default_portfolio_id": self.default_portfolio_id,
            "logo_url": None if self.logo is None else self.logo.url(now, behaviours),
        }

    def replace(self, fields: Fields, behaviours: CNaughtBehaviours) -> None:
        """Take over name, e-mail and default portfolio of a request; what it leaves out is cleared."""
        name, email = fields.required_text("name"), fields.text("email")
        portfolio_id = fields.text("default_portfolio_id")
        if portfolio_id is not None and portfolio_id not in behaviours.portfolio_ids:
            fields.fault("default_portfolio_id", "is no portfolio that this account may use")
        fields.done()
        self.name, self.email, self.default_portfolio_id = name, email, portfolio_id


@attrs.define
class Subaccounts:
    """The subaccounts of one account, found by id and listed by age."""

    _by_id: dict[str, Subaccount] = attrs.field(factory=dict, init=False)
    timeline: Timeline = attrs.field(factory=Timeline, init=False)

    def __iter__(self) -> Iterator[Subaccount]:
        return iter(self._by_id.values())

    def __getitem__(self, subaccount_id: str) -> Subaccount:
        return self._by_id[subaccount_id]

    def get(self, subaccount_id: str) -> Subaccount | None:
        """The subaccount of that id."""
        return self._by_id.get(subaccount_id)

    def add(self, subaccount: Subaccount) -> None:
        """Enter a new subaccount."""
        self._by_id[subaccount.id] = subaccount
        self.timeline.append(subaccount.id)

    def remove(self, subaccount_id: str) -> None:
        """Delete a subaccount for good."""
        del self._by_id[subaccount_id]
        self.timeline.remove(subaccount_id)


def logo_from_url(subaccount_id: str, url: str, name: str = "logo_url") -> Logo:
    """The logo at a URL, which nobody fetches: hosts under `.invalid` count as out of reach, files by their suffix."""
    parts = urlsplit(url)
    suffix = PurePosixPath(parts.path).suffix.lower().removeprefix(".").replace("jpeg", "jpg")
    if (parts.hostname or "").endswith(".invalid"):
        raise CNaughtRefusedError(invalid_parameters({name: ["could not be downloaded"]}))
    if suffix in _OTHER_SUFFIXES:
        raise CNaughtRefusedError(invalid_parameters({name: ["must serve a PNG, JPEG, WebP or SVG image"]}))
    return Logo(
        path=_path(subaccount_id, url.encode(), suffix if suffix in IMAGE_SUFFIXES.values() else "png"), source_url=url
    )


def logo_from_upload(subaccount_id: str, request: SandboxRequest, behaviours: CNaughtBehaviours) -> Logo:
    """The logo in the body of a request."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in IMAGE_SUFFIXES:
        raise CNaughtRefusedError(Problem(status=415, title="A logo must be a PNG, JPEG, WebP or SVG image"))
    if behaviours.logo_bytes_limit is not None and len(request.raw) > behaviours.logo_bytes_limit:
        raise CNaughtRefusedError(
            Problem(status=413, title=f"A logo may have at most {behaviours.logo_bytes_limit} bytes")
        )
    if not request.raw:
        raise CNaughtRefusedError(invalid_parameters({"body": ["must be an image"]}))
    return Logo(path=_path(subaccount_id, request.raw, IMAGE_SUFFIXES[media_type]), content=request.raw)


def _path(subaccount_id: str, content: bytes, suffix: str) -> str:
    return f"{subaccount_id}/{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
