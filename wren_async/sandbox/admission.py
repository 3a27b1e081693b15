"""Which requests the sandbox answers: those addressed to this machine, and none from a page of another site.

The sandbox asks for no credentials on its control API, and its tokens are public. What keeps a hostile web page from
using it is that browsers say where a request comes from: in `Host`, which a page cannot forge even where it makes its
own name point to this machine, and in `Origin` and `Sec-Fetch-Site`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

import attrs

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


@attrs.frozen
class Rejection:
    """A request that the sandbox itself turns away, before either API sees it."""

    status: int = attrs.field(converter=int)
    message: str


@attrs.frozen
class Admission:
    """The names by which the sandbox may be called."""

    names: frozenset[str]

    @classmethod
    def of(cls, host: str, allowed_hosts: Iterable[str] = ()) -> Admission:
        """Admit what names the address that the sandbox listens on, and the other names that it was given."""
        return cls(frozenset(name.lower() for name in (host, *allowed_hosts)))

    def reject(self, headers: Sequence[tuple[bytes, bytes]], address: str | None) -> Rejection | None:
        """Turn away a request whose `Host` names another machine; `address` is where its connection arrived.

        A client that sends no `Host`, as HTTP/1.0 allows, is no browser.
        """
        for host in _values(headers, b"host"):
            name = hostname(host)
            if name is None or not (is_loopback(name) or name == address or name in self.names):
                remedy = "start the sandbox with allowed_hosts or --allow-host to let it answer to another name"
                return Rejection(HTTPStatus.MISDIRECTED_REQUEST, f"the sandbox does not answer to {host!r}; {remedy}")
        return None


def reject_foreign_page(method: str, headers: Sequence[tuple[bytes, bytes]]) -> Rejection | None:
    """Turn away what a page of another site asks of the control API; following a link to one of its pages is fine."""
    own = {f"http://{host.lower()}" for host in _values(headers, b"host")}
    sites, modes = _values(headers, b"sec-fetch-site"), _values(headers, b"sec-fetch-mode")
    from_elsewhere = any(site not in ("same-origin", "none") for site in sites)
    if method in _READING:
        foreign = from_elsewhere and modes != ["navigate"]
    else:
        foreign = from_elsewhere or any(origin.lower() not in own for origin in _values(headers, b"origin"))
    if not foreign:
        return None
    return Rejection(HTTPStatus.FORBIDDEN, "the control API of the sandbox answers to no page of another site")


def hostname(host: str) -> str | None:
    """The name in a `Host` header, in lower case, without port and brackets; None where there is none."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    is_bare = parts.netloc == host and "@" not in host
    return parts.hostname.rstrip(".") if is_bare and parts.hostname else None


def is_loopback(name: str) -> bool:
    """Whether a name or an address leads to this machine and to no other."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _values(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for name, value in headers if name.lower() == wanted]
