"""Tokens and base URLs: checked before they are used, and tokens never shown."""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Collection
from typing import Final

import attrs

from wren_async.core.printable import printable
from wren_async.core.redaction import clean_cause, redact, redact_bytes
from wren_async.core.values import Value
from wren_async.errors import InvalidConfiguration
from wren_async.http.address import Address, UnreadableAddress, read_address
from wren_async.http.secret import Secret, hidden

TEST_PREFIX: Final = "wren_test_"

_ROUNDS: Final = 100_000
_TOKEN_CHARACTERS: Final = re.compile(r"[\x21-\x7e]+")


@attrs.frozen(eq=False, repr=False)
class Credentials(Value):
    """A token, and what keeps it out of every text."""

    token: Secret
    source: str = attrs.field(default="", eq=False)
    """Where it came from, in the user's words: an argument or a variable of the environment."""
    bearer: Secret = attrs.field(
        init=False, repr=False, eq=False, default=attrs.Factory(lambda self: _bearer(self.token), takes_self=True)
    )
    """The value of the `Authorization` header."""

    @property
    def is_test(self) -> bool:
        """Whether this is a Wren test token, which moves no money."""
        return self.token.reveal().startswith(TEST_PREFIX)

    def scrub(self, text: str) -> str:
        """`text` without the token, for servers that repeat it in what they say, and without any address's password."""
        return redact(text, self.token)

    def scrub_bytes(self, raw: bytes) -> bytes:
        """`raw` without the token."""
        return redact_bytes(raw, self.token)

    def quote(self, text: str) -> str:
        """`text` from elsewhere as a message may hold it: without the token, in printable characters, and cut."""
        return printable(self.scrub(text))

    def cause(self, error: BaseException | None) -> BaseException | None:
        """`error` as the cause of an exception that the caller gets: made anew, without the token."""
        return clean_cause(error, self.token)

    def mark(self, salt: bytes) -> bytes:
        """A salted and slow digest, which recognises the token again and does not reveal it. Blocks for a while."""
        return _slow_digest(hashlib.sha256(self.token.reveal().encode()).digest(), salt)


@functools.lru_cache(maxsize=32)
def _slow_digest(digest: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", digest, salt, _ROUNDS)


def _bearer(token: Secret) -> Secret:
    return Secret(f"Bearer {token.reveal()}")


def credentials(given: Secret | None, *, argument: str, variable: str) -> Credentials:
    """The token given, or the environment's. Outer white space is dropped: it comes from copying."""
    source = f"{argument}=..." if given is not None else variable
    token = given if given is not None else hidden(os.environ.get(variable))
    if token is None:
        raise InvalidConfiguration(f"no {argument}: pass {argument}=... or set {variable}")
    # In a function of its own, and in a `Secret`: a traceback may show the variables of this one.
    if problem := _problem(token):
        raise InvalidConfiguration(f"{source.removesuffix('=...')} {problem.format(f'{argument}=... or {variable}')}")
    return Credentials(Secret(token.reveal().strip()), source)


def _problem(token: Secret) -> str | None:
    """What is wrong with a token. The token itself is not shown, however wrong it is."""
    text: object = token.reveal()
    if not isinstance(text, str):
        return f"takes a str, not {type(text).__name__}"
    if not text.strip():
        return "is empty: give the token by {}"
    if not _TOKEN_CHARACTERS.fullmatch(text.strip()):
        return "holds white space, a control character or a letter outside ASCII: copy it again, whole"
    return None


def base_url(given: Secret | None, *, variable: str, default: str, insecure_hosts: Collection[str]) -> str:
    """The base URL given, the environment's or the API's own, without a slash at its end.

    It is kept as a secret until it is known to be none: people put passwords into addresses, or mix up arguments.
    """
    if isinstance(insecure_hosts, str):
        raise InvalidConfiguration(f"insecure_hosts takes several names, such as [{insecure_hosts!r}]")
    text = given or Secret(os.environ.get(variable) or default)
    address = _base_address(text, default)
    if not isinstance(address, Address):
        raise InvalidConfiguration(f"{'base_url' if given else variable} {address}")
    if not is_safe(address, insecure_hosts):
        raise InvalidConfiguration(
            f"base_url {address.origin!r} would send the token unencrypted; use https, or allow it with "
            f"insecure_hosts=[{address.host!r}]"
        )
    return address.text.rstrip("/")


def _base_address(given: Secret, default: str) -> Address | str:
    """The address, or what is wrong with it."""
    text: object = given.reveal()
    if not isinstance(text, str):
        return f"takes an address as a str, not {type(text).__name__}"
    if not text.strip():
        # Not the API's own address: who passes an empty one meant another, and would place real orders.
        return "is empty: leave it out for the API's own address"
    try:
        address = read_address(text.strip())
    except UnreadableAddress as error:
        return f"{error}; write it like {default}, credentials apart"
    if "?" in address.target or "#" in text:
        return "must end with its path, without a query or fragment"
    return address


def is_safe(address: Address, insecure_hosts: Collection[str] = ()) -> bool:
    """Whether a token may go there: encrypted, on this machine, or to a host that was allowed by name."""
    return address.scheme == "https" or address.is_loopback or address.host in map(str.lower, insecure_hosts)
