"""What a client knows of each reference that it has sent: that its order is on the wire, was lost, or was placed.

`find_or_place` asks here before it looks anywhere else, so every order with a reference is noted, whichever method
sent it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import Any, Final, TypeAlias

from wren_async.core.operation import Call
from wren_async.core.request import Prepared
from wren_async.errors import CallError, OutcomeUnknown

Name: TypeAlias = tuple[str | None, str]
"""Subaccount and reference: what stands for one order."""

_REMEMBERED: Final = 10_000


def payload_of(prepared: Prepared[Any]) -> bytes:
    """A digest of what is ordered: two orders with one reference are the same order only if it is equal."""
    content = prepared.request.content
    plain = content if isinstance(content, bytes) else b""
    return hashlib.sha256(prepared.asked.operation.id.encode() + b"\n" + plain).digest()


class Sending:
    """One logical call whose order carries a reference. It is noted before its first byte is sent."""

    __slots__ = ("_book", "_ended", "_prepared", "lost", "name", "value")

    def __init__(self, book: ReferenceBook, name: Name, prepared: Prepared[Any]) -> None:
        self._book = book
        self._ended: asyncio.Future[None] | None = None
        self._prepared = prepared
        self.name = name
        self.value: object = None
        """The answer, once the order is placed."""
        self.lost: OutcomeUnknown | None = None
        """The error, once nobody can tell whether it is placed."""

    @property
    def call(self) -> Call[Any]:
        """The call, with its reference and its key."""
        return self._prepared.call

    @property
    def payload(self) -> bytes:
        """A digest of what is ordered."""
        return payload_of(self._prepared)

    @property
    def open(self) -> bool:
        """Whether it is not known yet what comes of it."""
        return self.lost is None and self.value is None

    async def ended(self) -> None:
        """Wait until it is known what came of it."""
        if self.open:
            if self._ended is None:
                self._ended = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ended)

    def placed(self, value: object) -> None:
        """The order was answered with a success."""
        self.value = value
        self._wake()

    def failed(self, error: CallError) -> None:
        """The call ended with an error: the order is lost, or it was not placed and the reference is free again."""
        if isinstance(error, OutcomeUnknown):
            self.lost = error
        else:
            self.forget()
        self._wake()

    def forget(self) -> None:
        """The order was not placed: the reference is free again."""
        self._book.forget(self)
        self._wake()

    def _wake(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


class ReferenceBook:
    """The sendings of a client and its copies by their references. Bounded: the oldest that ended are forgotten."""

    def __init__(self) -> None:
        self._sendings: OrderedDict[Name, list[Sending]] = OrderedDict()

    def begin(self, prepared: Prepared[Any], reference: str) -> Sending:
        """Note a call with this reference that is about to be sent."""
        name = prepared.subaccount_id, reference
        sending = Sending(self, name, prepared)
        self._sendings.setdefault(name, []).append(sending)
        if len(self._sendings) > _REMEMBERED:
            self._forget_one()
        return sending

    def sendings(self, name: Name) -> list[Sending]:
        """What is known of a reference, oldest first."""
        return list(self._sendings.get(name, ()))

    def forget(self, sending: Sending) -> None:
        """Forget one sending."""
        sendings = self._sendings.get(sending.name, [])
        if sending in sendings:
            sendings.remove(sending)
        if not sendings:
            self._sendings.pop(sending.name, None)

    def _forget_one(self) -> None:
        """Forget the oldest that is placed, and one that is open or lost only where there is no other."""
        placed = (name for name, each in self._sendings.items() if all(one.value is not None for one in each))
        self._sendings.pop(next(placed, next(iter(self._sendings))))
