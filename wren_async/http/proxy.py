"""The proxy that the environment names for an address."""

from __future__ import annotations

import urllib.request
from typing import Final

_PORTS: Final = {"http": 80, "https": 443}


def environment_proxy(scheme: str, host: str, port: int | None = None) -> str | None:
    """The proxy for an origin by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, if there is one."""
    names = (host, f"{host}:{port or _PORTS.get(scheme)}")
    if any(urllib.request.proxy_bypass(name) for name in names):
        return None
    proxies = urllib.request.getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    return f"http://{found}" if found and "://" not in found else found
