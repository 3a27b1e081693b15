"""Tokens and base URLs: checked before they are used, shown never."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

import attrs
import httpx

from wren_async.core.values import Value
from wren_async.errors import InvalidConfiguration
from wren_async.http.secret import Secret

TEST_PREFIX: Final = "wren_test_"

_ROUNDS: Final = 100_000
_TOKEN_CHARACTERS: Final = re.compile(r"[\x21-\x7e]+")


@attrs.frozen(eq=False, repr=False)
class Credentials(Value):
    """A token, and every form of it that must not appear in a text."""

    token: Secret
    bearer: Secret = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(lambda self: _bearer(self.token), takes_self=True)
    )
    """The value of the `Authorization` header."""

    @property
    def is_test(self) -> bool:
        """Whether this is a Wren test token, which moves no money."""
        return self.token.reveal().startswith(TEST_PREFIX)

    def scrub(self, text: str) -> str:
        """`text` without the token, for servers that repeat it in what they say."""
        for form in self._forms():
            text = text.replace(form, "<token>")
        return text

    def scrub_bytes(self, raw: bytes) -> bytes:
        """`raw` without the token."""
        for form in self._forms():
            raw = raw.replace(form.encode(), b"<token>")
        return raw

    def mark(self, salt: bytes) -> bytes:
        """A salted and slow digest, by which the token is recognised again and cannot be found. Blocks for a while."""
        return _slow_digest(hashlib.sha256(self.token.reveal().encode()).digest(), salt)

    def _forms(self) -> tuple[str, ...]:
        token = self.token.reveal()
        forms = (token, *(base64.b64encode(text.encode()).decode() for text in (f"{token}:", token)))
        # Some servers write a slash in JSON as `\/`.
        return *forms, *(form.replace("/", "\\/") for form in forms if "/" in form)


@functools.lru_cache(maxsize=32)
def _slow_digest(digest: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", digest, salt, _ROUNDS)


def _bearer(token: Secret) -> Secret:
    return Secret(f"Bearer {token.reveal()}")


def credentials(given: str | None, *, argument: str, variable: str) -> Credentials:
    """The token given, or the environment's. Outer white space is dropped: it comes from copying."""
    token = given if given is not None else os.environ.get(variable)
    if token is None:
        raise InvalidConfiguration(f"no {argument}: pass {argument}=... or set {variable}")
    if not isinstance(token, str):
        raise InvalidConfiguration(f"{argument} takes a str, not {type(token).__name__}")
    token = token.strip()
    if not token:
        raise InvalidConfiguration(f"{argument} is empty: pass {argument}=... or set {variable}")
    if not _TOKEN_CHARACTERS.fullmatch(token):
        # The token itself is not shown, however wrong it is.
        raise InvalidConfiguration(
            f"{argument} holds white space, a control character or a letter outside ASCII: copy it again, whole"
        )
    return Credentials(Secret(token))


def base_url(given: str | None, *, variable: str, default: str, insecure_hosts: Collection[str]) -> str:
    """The base URL given, the environment's or the API's own, without a slash at its end."""
    if isinstance(insecure_hosts, str):
        raise InvalidConfiguration(f"insecure_hosts takes several names, such as [{insecure_hosts!r}]")
    if given is not None and (not isinstance(given, str) or not given.strip()):
        # Not the API's own address: who passes an empty one meant another, and would place real orders.
        raise InvalidConfiguration(f"base_url takes an address as a str, not {given!r}")
    text = given or os.environ.get(variable) or default
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as error:
        raise InvalidConfiguration(f"base_url {text!r} is no URL: {error}") from None
    if url.userinfo:
        raise InvalidConfiguration("base_url holds a user name or password; credentials have an argument of their own")
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidConfiguration(f"base_url {text!r} must start with https://")
    if url.query or url.fragment:
        raise InvalidConfiguration(f"base_url {text!r} must end with its path, without a query or fragment")
    if not is_safe(url, insecure_hosts):
        raise InvalidConfiguration(
            f"base_url {text!r} would send the token unencrypted; use https, or allow it with "
            f"insecure_hosts=[{url.host!r}]"
        )
    return str(url).rstrip("/")


def is_safe(url: httpx.URL, insecure_hosts: Collection[str] = ()) -> bool:
    """Whether a request may go there: encrypted, on this machine, or to a host that was allowed by name."""
    return url.scheme == "https" or _is_loopback(url.host) or url.host in insecure_hosts


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
