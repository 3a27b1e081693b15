"""Who calls, where to, and the headers that are the caller's own to set."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

import attrs

from wren_async.core.auth import Credentials
from wren_async.core.ceilings import Ceilings
from wren_async.core.values import Value
from wren_async.errors import InvalidArgument

_HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE: Final = r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?"
_NOT_THE_CALLERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "accept-encoding",
    }
)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Identity(Value):
    """Who calls, and where to."""

    base_url: str
    credentials: Credentials
    user_agent: str
    subaccount_id: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    ceilings: Ceilings | None = None
    journaled: bool = False
    """Whether a batch sends the calls: its journal keeps what is in doubt, and it tells of that in its own lines."""


def check_headers(headers: Mapping[str, str], taken: Collection[str] = ()) -> Mapping[str, str]:
    """A caller's headers, none of which is the client's to set or `taken` by an argument, or `InvalidArgument`."""
    if not isinstance(headers, Mapping):
        raise InvalidArgument("headers", f"takes a mapping of names to values, not {type(headers).__name__}")
    for name, value in headers.items():
        if not isinstance(name, str) or not re.fullmatch(_HEADER_NAME, name):
            raise InvalidArgument("headers", f"{name!r} is no header name")
        if name.lower() in _NOT_THE_CALLERS:
            raise InvalidArgument("headers", f"{name} is set by the client; credentials belong to its constructor")
        if name.lower() in taken:
            raise InvalidArgument("headers", f"{name} has an argument of its own")
        header_value(f"headers[{name!r}]", value)
    return headers


def header_value(name: str, value: str) -> str:
    """A header's value, or `InvalidArgument`."""
    if not isinstance(value, str) or not re.fullmatch(_HEADER_VALUE, value):
        # The value is not shown: people put secrets into headers.
        raise InvalidArgument(name, "takes printable ASCII text without outer white space")
    return value
