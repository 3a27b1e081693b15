"""The proxy that the environment names for an address."""

from __future__ import annotations

import re
import urllib.request
from typing import Final
from urllib.parse import urlsplit

from wren_async.http.address import is_loopback

_PORT: Final = 443
_SHAPE: Final = re.compile(
    r"(?:https?|socks[45][ah]?)://(?:[^\s/?#@\\]*@)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?/?", re.I
)


class UnreadableProxy(ValueError):
    """The environment's text for a proxy is no address. The message shows nothing of it, as it may hold a password."""


def environment_proxy(scheme: str, host: str, port: int | None = None) -> str | None:
    """The proxy for an origin by `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, if there is one.

    Only https goes through it, in a tunnel. Over plain http a proxy would read the token, so such a request goes
    directly: to this machine, or to a host that was allowed by name. For a proxy there, pass an `http_client` that has
    one. Raises `UnreadableProxy`.
    """
    if scheme != "https" or is_loopback(host):
        return None
    names = (host, f"{host}:{port or _PORT}")
    if any(urllib.request.proxy_bypass(name) for name in names):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found:
        return None
    address = found if "://" in found else f"http://{found}"
    if not _SHAPE.fullmatch(address):
        raise UnreadableProxy(
            "HTTPS_PROXY or ALL_PROXY is no address of a proxy; write it as http://user:password@host:port, with "
            "anything but letters and digits in the password percent-encoded"
        )
    return address


def plain_proxy_hosts() -> list[str]:
    """The hosts of the proxies that the environment names for plain http, which a client of httpx would use."""
    proxies = urllib.request.getproxies()
    found = [proxies[name] for name in ("http", "all") if proxies.get(name)]
    return [urlsplit(each if "://" in each else f"http://{each}").hostname or "" for each in found]
