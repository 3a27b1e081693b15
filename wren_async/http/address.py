"""Addresses, read strictly and once: the address that was checked is the one that is sent to, with the same host."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple
from urllib.parse import quote, urljoin

_SHAPE: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)(?:#.*)?", re.DOTALL)
_AUTHORITY: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_KEPT: Final = "%/?:@!$&'()*+,;=~"
_OWN_NETWORK: Final = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")


class UnreadableAddress(ValueError):
    """The text is no http or https address of one plain host. The message says why, and repeats nothing of it."""


class Address(NamedTuple):
    """An http or https address whose host is plain: HTTP libraries cannot read it in two ways."""

    scheme: str
    host: str
    """In lower case, an IPv6 address without its brackets."""
    port: int | None
    target: str
    """Path and query, percent-encoded."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port is None else f':{self.port}'}"

    @property
    def text(self) -> str:
        """The whole address, as it is called."""
        return self.origin + self.target

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        return is_loopback(self.host)

    @property
    def is_public(self) -> bool:
        """Whether its host, by name or number, is neither this machine nor in a private network. Asks no DNS."""
        number = _number(self.host)
        if number is None:
            return "." in self.host and not self.host.endswith(_OWN_NETWORK)
        return number.is_global and not number.is_multicast


def read_address(text: str) -> Address:
    """The address that `text` is. Raises `UnreadableAddress`."""
    shape = _SHAPE.fullmatch(text)
    if shape is None or shape[1].lower() not in ("http", "https"):
        raise UnreadableAddress("must start with https://")
    if "@" in shape[2]:
        raise UnreadableAddress("holds a user name or password")
    if _UNSAFE.search(text):
        raise UnreadableAddress("holds white space, a backslash or a control character")
    authority = _AUTHORITY.fullmatch(shape[2])
    if authority is None:
        raise UnreadableAddress(
            "names no plain host: it takes letters of ASCII, digits, dots and hyphens (other letters as xn--...), and "
            "perhaps a port"
        )
    scheme, host = shape[1].lower(), _host(authority)
    port = int(authority[3]) if authority[3] else None
    if port is not None and not 0 < port < 65536:
        raise UnreadableAddress("names a port that is none; ports go from 1 to 65535")
    return _with_target(Address(scheme, host, port, ""), shape[3])


def join_address(base: Address, reference: str) -> Address:
    """The address that a reference, such as a `Location`, means at `base`. Raises `UnreadableAddress`."""
    try:
        joined = urljoin(base.text, reference)
    except ValueError:
        raise UnreadableAddress("names no plain host") from None
    return read_address(joined)


def is_loopback(host: str) -> bool:
    """Whether a host, as an `Address` has it, is this machine."""
    number = _number(host)
    return host == "localhost" or host.endswith(".localhost") if number is None else number.is_loopback


def _host(authority: re.Match[str]) -> str:
    host: str = (authority[1] or authority[2]).lower()
    try:
        if authority[1]:
            return str(IPv6Address(host))
        if _NUMBER.fullmatch(host.rpartition(".")[2]):
            # `127.1`, `0x7f000001` and `0177.0.0.1` mean this machine to some programs and nothing to others.
            return str(IPv4Address(host))
    except ValueError:
        raise UnreadableAddress("has an IP address that is none; write it as 192.0.2.1 or [2001:db8::1]") from None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, host.split("."))) or not _is_decodable(host):
        raise UnreadableAddress("has a host name that is none: mind dots and hyphens at its ends")
    return host


def _is_decodable(host: str) -> bool:
    if "xn--" not in host:
        return True
    import idna  # comes with httpx, and is rarely needed

    try:
        idna.decode(host)
    except UnicodeError:
        return False
    return True


def _with_target(address: Address, target: str) -> Address:
    try:
        target = quote(_NO_ESCAPE.sub("%25", target), safe=_KEPT)
    except UnicodeEncodeError:
        raise UnreadableAddress("holds half of a surrogate pair") from None
    if "/." in target:
        target = urljoin(f"{address.origin}/", target).removeprefix(address.origin)
    return address._replace(target=target)


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        if ":" not in host:
            return IPv4Address(host)
        number = IPv6Address(host)
    except ValueError:
        return None
    return number.ipv4_mapped or number
