"""The TLS context of the connections that the library opens itself."""

from __future__ import annotations

import functools
import os
import ssl

import httpx


def shared_tls() -> ssl.SSLContext:
    """One TLS context for all connections, because making one takes 20 ms.

    It trusts what httpx trusts: the authorities in `SSL_CERT_FILE` or `SSL_CERT_DIR` where the environment names them,
    and else those that certifi lists.
    """
    return _trusting(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.lru_cache(maxsize=4)
def _trusting(_file: str | None, _directory: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context()


@functools.cache
def no_tls() -> ssl.SSLContext:
    """A context without certificates, for plain http: a transport wants a context even there, and to load certificates
    takes most of a first call."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
