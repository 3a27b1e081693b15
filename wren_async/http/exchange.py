"""What goes into an exchange, how far it gets, and what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping
from typing import Final

import attrs
import msgspec

from wren_async.http.secret import Secret

MAX_ANSWER_BYTES: Final = 32 * 2**20
"""Bytes that an answer's body may have where a request does not say."""
NO_PERMIT: Final = "this process may not send now: its lease is over, or ends before the answer could be there"


# Neither is frozen: each exchange makes one of each, and a frozen instance takes three times as long to make.
@attrs.define(kw_only=True)
class WireRequest:
    """A request as it is sent. The token is kept apart from the other headers, as a secret."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    content: bytes | AsyncIterable[bytes] | None = attrs.field(default=None, repr=False)
    authorization: Secret | None = None
    max_answer_bytes: int = MAX_ANSWER_BYTES
    """Bytes that the answer's body may have, after decompression."""


@attrs.define(kw_only=True)
class Answer:
    """An answer that came whole, or one whose body could not be read."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Names in lower case."""
    body: bytes = attrs.field(default=b"", repr=False)
    problem: str = ""
    """Why the body could not be read, such as that it is too long; `body` then holds at most its beginning."""


class Progress(msgspec.Struct):
    """How far an exchange has got, as its backend has seen it.

    That nothing was sent is never concluded from steps that were *not* seen: a mocked or wrapped transport may report
    none of its steps, and one that failed to connect may have sent the request another way.
    """

    started: bool = False
    """The exchange has been handed to a backend."""
    connecting: bool = False
    """A connect step was seen to begin, and not yet to end."""
    sending: bool = False
    """A byte of the request may have been handed to a connection."""
    connect_error: BaseException | None = None
    """What the last connect step was seen to fail with."""
    proven: bool = False
    """The backend has proof that nothing was sent."""
    permit: Callable[[], bool] | None = None
    """Asked directly before bytes of the request are handed to a connection, where not everybody may send them."""

    @property
    def unsent(self) -> bool:
        """Proof that no byte of the request has been handed to a connection. Without proof: false."""
        return not self.started or (self.proven and not self.sending)

    @property
    def cancellable(self) -> bool:
        """Whether the exchange can be cancelled without breaking off a request: it has not begun, or is connecting."""
        return self.unsent or (self.connecting and not self.sending)

    def check_permit(self) -> None:
        """Refuse to go on where bytes may not be sent any more. Raises `ExchangeFailed`."""
        if self.permit is not None and not self.permit():
            self.proven = True
            raise ExchangeFailed(NO_PERMIT)

    def begin_sending(self) -> None:
        """Note that a byte is about to be handed to a connection. Nothing may be awaited between this and the byte.

        Raises `ExchangeFailed` where it may not be sent.
        """
        self.check_permit()
        self.sending = True

    def ended_by(self, error: BaseException) -> None:
        """Note what ended the exchange. It proves that nothing was sent if it is the very exception with which a
        connect step failed, or was raised from that one."""
        failed, self.connect_error = self.connect_error, None
        self.proven |= failed is not None and (error is failed or error.__cause__ is failed)


class ExchangeFailed(Exception):
    """No whole answer came. `Progress` says whether something was sent; the library's own error is the cause."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


class ConnectionUnusable(ExchangeFailed):
    """The connection that was chosen cannot be used. Nothing was sent on it, and another one may be tried."""
