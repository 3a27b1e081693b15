"""What goes into an exchange, how far it gets, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Final

import attrs
import msgspec

from wren_async.http.secret import Secret

MAX_ANSWER_BYTES: Final = 32 * 2**20
"""Where a request does not say."""


# Neither is frozen, because each exchange makes one of both, and a frozen one takes three times as long to make.
@attrs.define(kw_only=True)
class WireRequest:
    """A request as it goes onto the wire, but for its credentials, which travel apart."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    content: bytes | AsyncIterable[bytes] | None = attrs.field(default=None, repr=False)
    authorization: Secret | None = None
    max_answer_bytes: int = MAX_ANSWER_BYTES
    """Bytes that the answer's body may have, after decompression."""


@attrs.define(kw_only=True)
class Answer:
    """An answer that came to its end, or up to the bytes that it may have."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Names in lower case."""
    body: bytes = attrs.field(default=b"", repr=False)
    problem: str = ""
    """Why the body could not be read, such as that it is too long; `body` then holds at most its beginning."""


class Progress(msgspec.Struct):
    """How far an exchange has got, as the connection itself reports it."""

    started: bool = False
    """The exchange has been handed to the HTTP library."""
    watched: bool = False
    """The HTTP library is known to report each step, so that its silence is proof."""
    connecting: bool = False
    sending: bool = False

    @property
    def unsent(self) -> bool:
        """Proof that no byte of the request has been handed to the connection. Without proof: false."""
        return not self.started or ((self.watched or self.connecting) and not self.sending)


class ExchangeFailed(Exception):
    """No whole answer came. Whether something was sent is for `Progress` to say; the cause is chained."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class ConnectionUnusable(ExchangeFailed):
    """The connection that was found cannot be used, so nothing was sent on it; another may do."""
