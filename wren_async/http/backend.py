"""The seam between calls and an HTTP library: one request in, one answer out, and a record of how far it got."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Protocol, runtime_checkable

import attrs


class Secret:
    """Text that no repr, log or pickle shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Only for the moment in which it goes onto the wire."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled; build the client where it is used")


@attrs.frozen(kw_only=True)
class WireRequest:
    """A request as it goes onto the wire, but for its credentials, which travel apart."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    content: bytes | AsyncIterable[bytes] | None = attrs.field(default=None, repr=False)
    authorization: Secret | None = None


@attrs.frozen(kw_only=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Names in lower case."""
    body: bytes = attrs.field(default=b"", repr=False)


@attrs.define
class Progress:
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


@runtime_checkable
class Backend(Protocol):
    """An HTTP library as the client sees it. It sends a request once, follows no redirect and adds no credentials."""

    async def exchange(self, request: WireRequest, progress: Progress) -> Answer:
        """Send `request` and read the whole answer, noting in `progress` how far it got.

        Raises `ExchangeFailed` for whatever goes wrong. Cancelling it ends the exchange at once.
        """
        ...

    async def aclose(self) -> None:
        """Close what the backend itself has opened."""
        ...
