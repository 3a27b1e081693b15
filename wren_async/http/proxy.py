"""The proxy that the environment names for an address."""

from __future__ import annotations

import urllib.request


def environment_proxy(scheme: str, host: str) -> str | None:
    """The proxy for an origin by `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, if there is one."""
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(scheme) or proxies.get("all")
