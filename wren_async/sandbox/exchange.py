"""What passes between the sandbox's server and the two APIs it plays: plain values, no sockets.

The server matches a request to an operation of the contract, checks it, and hands an API a `SandboxRequest`;
the API changes the world and returns a `SandboxAnswer`. Neither knows how the bytes travelled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

import attrs

CONTENT_TYPE = "Content-Type"
"""The header, and what messages about it are filed under."""

JSON: TypeAlias = "bool | int | Decimal | str | list[JSON] | dict[str, JSON] | None"
"""A JSON value as the sandbox keeps it: numbers with a fraction are `Decimal`, never `float`."""


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request that matched one operation of the contract."""

    operation: str
    """The `operationId` in the contract."""
    path: Mapping[str, str] = attrs.field(factory=dict)
    """Path parameters, percent-decoded."""
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """Request headers with lower-case names."""
    body: JSON = None
    """The decoded body: JSON, or a form turned into the types that the contract names."""
    raw: bytes = attrs.field(default=b"", repr=False)
    """The body as it was sent."""
    account: object = attrs.field(default=None, repr=False, eq=False)
    """What the API found behind the token; None until it was asked to authenticate the request."""


@attrs.frozen(kw_only=True)
class SandboxAnswer:
    """What an API answers: a JSON value, or bytes with their own media type."""

    status: int = 200
    body: JSON | bytes = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict)


Handler: TypeAlias = Callable[[SandboxRequest], SandboxAnswer]
"""One operation of an API. Synchronous and without I/O: when it returns, its change of the world is committed."""
