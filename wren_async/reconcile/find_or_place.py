"""Find or place: what this process has placed, is placing, or is in doubt about, so that it never races with itself."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

import attrs

from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.core.request import prepare
from wren_async.core.sending.session import Outcome, Session
from wren_async.core.values import UNSET, given
from wren_async.errors import CallError, InvalidArgument, NotFindable, OutcomeUnknown
from wren_async.reconcile.verdict import CannotTell, Evidence, How, Placed, Unsettled, Verdict

OrderT = TypeVar("OrderT")

Name: TypeAlias = tuple[str, str, str]
"""Operation, subaccount and reference: what is placed once."""

_REMEMBERED: Final = 10_000


class Desk(Protocol[OrderT]):
    """What finding and placing need of an API."""

    async def look(self) -> Placed[OrderT] | None:
        """The order, if it was placed before. Raises `NotFindable` where that cannot be told."""
        ...

    async def place(self) -> Placed[OrderT]:
        """Place the order."""
        ...

    async def settle(self, lost: Unsettled[Any]) -> Verdict[OrderT]:
        """Reconcile an earlier sending of it."""
        ...

    def placed(self, answer: Any, how: How, reason: str) -> Placed[OrderT]:
        """The order, from the answer to its sending."""
        ...


@attrs.define(eq=False)
class Memory:
    """What became of references in this process. The oldest are forgotten."""

    placed: OrderedDict[Name, Placed[Any]] = attrs.field(factory=OrderedDict[Name, Placed[Any]])
    doubts: OrderedDict[Name, Unsettled[Any]] = attrs.field(factory=OrderedDict[Name, Unsettled[Any]])
    _locks: WeakValueDictionary[Name, asyncio.Lock] = attrs.field(factory=WeakValueDictionary[Name, asyncio.Lock])

    def lock(self, name: Name) -> asyncio.Lock:
        """Lets one task at a time find or place a reference."""
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock

    def remember(self, name: Name, what: Placed[Any] | Unsettled[Any]) -> None:
        """Note what became of a reference."""
        self.doubts.pop(name, None)
        book: OrderedDict[Name, Any] = self.placed if isinstance(what, Placed) else self.doubts
        book[name] = what
        book.move_to_end(name)
        if len(book) > _REMEMBERED:
            book.popitem(last=False)


_memories: WeakKeyDictionary[Session, Memory] = WeakKeyDictionary()


class FindOrPlace(Generic[OrderT]):
    """One call of `find_or_place`."""

    def __init__(self, client: BaseClient, call: Call[Any], desk: Desk[OrderT]) -> None:
        self._client = client
        self._call = call
        self._desk = desk
        self._reference = own_reference(client, call)
        self._name = (call.operation.id, subaccount_of(client, call) or "", self._reference)
        self._memory = _memories.setdefault(client._session, Memory())

    async def run(self) -> Placed[OrderT]:
        """Find the order or place it. Raises `NotFindable`, and whatever placing raises."""
        async with self._memory.lock(self._name):
            placed = self._memory.placed.get(self._name) or await self._before()
            if placed is None:
                placed = await self._place()
                self._memory.remember(self._name, placed)
                return placed
            self._memory.remember(self._name, placed)
            return attrs.evolve(placed, how=How.FOUND) if placed.how is How.SENT else placed

    async def _before(self) -> Placed[OrderT] | None:
        """What was placed before, as far as it was. Raises `NotFindable`."""
        lost = self._memory.doubts.get(self._name)
        if lost is None:
            settled = await self._outlived()
            if isinstance(settled, Placed):
                return settled
            lost = settled
        if lost is None:
            return await self._desk.look()
        self._memory.remember(self._name, lost)
        verdict = await self._desk.settle(lost)
        if isinstance(verdict, CannotTell):
            raise NotFindable(verdict)
        return verdict if isinstance(verdict, Placed) else None

    async def _outlived(self) -> Placed[OrderT] | Unsettled[Any] | None:
        """What became of a sending whose caller was cancelled."""
        lost: Unsettled[Any] | None = None
        for outcome in self._kept():
            try:
                reply = await outcome.reply()
            except OutcomeUnknown as error:
                lost = Unsettled.of(error)
            except CallError:
                continue
            else:
                reason = "placed by an earlier sending, whose caller was cancelled"
                return self._desk.placed(reply.value, How.FOUND, reason)
        return lost

    def _kept(self) -> list[Outcome]:
        """The outcomes of sendings of this order, oldest first."""
        return [
            outcome
            for outcome in self._client.outcomes.values()
            if (outcome.call.operation.id, outcome.call.reference) == (self._call.operation.id, self._reference)
            and subaccount_of(self._client, outcome.call) == subaccount_of(self._client, self._call)
        ]

    async def _place(self) -> Placed[OrderT]:
        try:
            return await self._desk.place()
        except OutcomeUnknown as error:
            self._memory.remember(self._name, Unsettled.of(error))
            raise


def own_reference(client: BaseClient, call: Call[Any]) -> str:
    """The caller's own reference of an order that can be sent as it is. Raises `InvalidArgument`."""
    reference = given(call.reference)
    if reference is None:
        raise InvalidArgument("reference", "takes your own mark on this order, by which it is found again")
    if not prepare(call, client._identity, draw_key=lambda: "none").effect.writes:
        raise InvalidArgument("call", f"{call.operation.id} places nothing as it stands: it is a dry run, or a read")
    return reference


def subaccount_of(client: BaseClient, call: Call[Any]) -> str | None:
    """The subaccount that a call acts for."""
    return client._identity.subaccount_id if call.subaccount_id is UNSET else call.subaccount_id


def not_findable(reasons: list[str], evidence: Evidence) -> NotFindable:
    """The refusal to place what may have been placed before."""
    return NotFindable(CannotTell(evidence=attrs.evolve(evidence, reason="; ".join(reasons))))
