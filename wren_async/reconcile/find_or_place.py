"""Find or place: an order with a reference of the caller's is placed once, however often its message is delivered.

What the client itself knows of the reference comes first, by whatever method it was sent: an order on the wire is
waited for, one whose answer was lost is reconciled. Then the API's lists are searched, and only then is it placed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import attrs

from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.core.request import Prepared, body_of, prepare
from wren_async.core.sending.references import Name, Sending, payload_of
from wren_async.core.sending.session import Session
from wren_async.core.values import given
from wren_async.errors import InvalidArgument, NotFindable, OutcomeUnknown, ReferenceReused
from wren_async.reconcile.agreement import disagreement
from wren_async.reconcile.verdict import CannotTell, Evidence, How, NotPlaced, Placed, Verdict

OrderT = TypeVar("OrderT")

_REMEMBERED: Final = 10_000


class OrderSearch(Protocol[OrderT]):
    """What finding and placing need of an API."""

    @property
    def call(self) -> Call[Any]:
        """The call that places the order."""
        ...

    async def look(self) -> Placed[OrderT] | None:
        """The order, if the lists show it. Raises `NotFindable` where they may hide it."""
        ...

    async def place(self) -> Placed[OrderT]:
        """Place the order."""
        ...

    async def reconcile(self, lost: Sequence[OutcomeUnknown]) -> Sequence[Verdict[OrderT]]:
        """What became of earlier sendings."""
        ...

    def placed(self, answer: Any, how: How, reason: str) -> Placed[OrderT]:
        """The order, from the answer to its sending."""
        ...


@attrs.frozen
class _Found:
    """An order that the lists showed, and what was asked for then."""

    prepared: Prepared[Any]
    placed: Placed[Any]


@attrs.define(eq=False)
class _Memory:
    """What a client has found, and a lock for each reference. The oldest are forgotten."""

    found: OrderedDict[Name, _Found] = attrs.field(factory=OrderedDict[Name, _Found])
    _locks: WeakValueDictionary[Name, asyncio.Lock] = attrs.field(factory=WeakValueDictionary[Name, asyncio.Lock])

    def lock(self, name: Name) -> asyncio.Lock:
        """Lets one task at a time find or place a reference."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock

    def remember(self, name: Name, found: _Found) -> None:
        """Note an order that the lists showed."""
        self.found[name] = found
        if len(self.found) > _REMEMBERED:
            self.found.popitem(last=False)


_memories: WeakKeyDictionary[Session, _Memory] = WeakKeyDictionary()


class FindOrPlace(Generic[OrderT]):
    """One call of `find_or_place`."""

    def __init__(self, client: BaseClient, search: OrderSearch[OrderT]) -> None:
        self._search = search
        self._prepared = prepare(search.call, client._identity, draw_key=lambda: "none")
        self._reference = own_reference(client, search.call)
        self._name: Name = (self._prepared.subaccount_id, self._reference)
        self._book = client._session.references
        self._memory = _memories.setdefault(client._session, _Memory())

    async def run(self) -> Placed[OrderT]:
        """Find the order or place it. Raises `ReferenceReused`, `NotFindable`, and whatever placing raises."""
        async with self._memory.lock(self._name):
            while True:
                if (placed := await self._known()) is not None:
                    return placed
                if (placed := await self._search.look()) is not None:
                    self._check_found(placed)
                    return placed
                if not self._book.sendings(self._name):
                    return await self._search.place()

    async def _known(self) -> Placed[OrderT] | None:
        """The order, if this client knows it. Waits for sendings on the wire, and reconciles those that were lost."""
        if (found := self._memory.found.get(self._name)) is not None:
            self._check_payload(found.prepared.call, payload_of(found.prepared))
            return found.placed
        while sendings := self._book.sendings(self._name):
            for sending in sendings:
                self._check_payload(sending.call, sending.payload)
            for sending in sendings:
                if sending.value is not None:
                    return self._search.placed(sending.value, How.FOUND, "this client placed it before")
            if on_the_wire := [sending for sending in sendings if sending.open]:
                await on_the_wire[0].ended()
            elif (placed := await self._reconcile(sendings)) is not None:
                return placed
        return None

    async def _reconcile(self, lost: Sequence[Sending]) -> Placed[OrderT] | None:
        """Reconcile sendings whose answers were lost, and forget them where they placed nothing."""
        verdicts = await self._search.reconcile([each.lost for each in lost if each.lost is not None])
        for verdict in verdicts:
            if isinstance(verdict, Placed):
                self._check_found(verdict)
                return verdict
        for sending, verdict in zip(lost, verdicts, strict=True):
            if isinstance(verdict, CannotTell):
                raise NotFindable(verdict)
            if isinstance(verdict, NotPlaced):
                sending.forget()
        return None

    def _check_payload(self, other: Call[Any], payload: bytes) -> None:
        if payload != payload_of(self._prepared):
            raise ReferenceReused(self._reference, _difference(other, self._search.call))

    def _check_found(self, placed: Placed[OrderT]) -> None:
        order: Any = placed.order
        if reason := disagreement(self._search.call, order):
            raise ReferenceReused(self._reference, reason)
        self._memory.remember(self._name, _Found(self._prepared, attrs.evolve(placed, how=How.FOUND)))


def _difference(earlier: Call[Any], now: Call[Any]) -> str:
    """How the bodies of two calls differ, attribute by attribute, under their names on the wire."""
    if earlier.operation.id != now.operation.id:
        return f"it was used for {earlier.operation.id}, and this is {now.operation.id}"
    there, here = body_of(earlier), body_of(now)
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    said = [f"{name} is {_shown(there, name)} there and {_shown(here, name)} here" for name in names]
    return ", ".join(said) or "its body is another"


def _shown(body: Any, name: str) -> str:
    return f"{body[name]}" if name in body else "left out"


def own_reference(client: BaseClient, call: Call[Any]) -> str:
    """The caller's reference of a call that places an order. Raises `InvalidArgument` for any other call."""
    reference = given(call.reference)
    if reference is None:
        raise InvalidArgument("reference", "takes your own mark on this order, by which it is found again")
    if not prepare(call, client._identity, draw_key=lambda: "none").effect.writes:
        raise InvalidArgument("call", f"{call.operation.id} places nothing as it stands: it is a dry run, or a read")
    return reference


def not_findable(reasons: list[str], evidence: Evidence) -> NotFindable:
    """The error that refuses to place an order which may have been placed before."""
    return NotFindable(CannotTell(evidence=attrs.evolve(evidence, reason="; ".join(reasons))))
