"""The methods of both clients that find out what became of a write. What they need loads with the first call of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from wren_async.core.client import BaseClient
from wren_async.reconcile import SETTLE_TIME

if TYPE_CHECKING:
    from datetime import datetime

    from wren_async._generated.cnaught import models
    from wren_async.core.operation import Call
    from wren_async.errors import OutcomeUnknown
    from wren_async.reconcile.ledger import Accounted, Checkpoint
    from wren_async.reconcile.order_rows import FoundOrder
    from wren_async.reconcile.verdict import Placed, Unsettled, Verdict

T = TypeVar("T")


class CNaughtReconciling(BaseClient):
    """What a client of CNaught offers for finding out what became of a write."""

    __slots__ = ()

    @overload
    async def reconcile(
        self, lost: Unsettled[T], *, settle_time: float = ..., search_only: bool = ...
    ) -> Verdict[T]: ...
    @overload
    async def reconcile(
        self, lost: OutcomeUnknown, *, settle_time: float = ..., search_only: bool = ...
    ) -> Verdict[Any]: ...
    async def reconcile(
        self, lost: OutcomeUnknown | Unsettled[Any], *, settle_time: float = SETTLE_TIME, search_only: bool = True
    ) -> Verdict[Any]:
        """Find out what became of a write whose answer was lost. It only reads, and may be repeated, unless
        `search_only` is false.

        Args:
            lost: The error, or what a journal remembers of it.
            settle_time: Seconds since the last byte before an absence proves anything, by both clocks: this machine's
                and the server's.
            search_only: Whether nothing may be sent but reads. With `False`, the very call is sent again with its key
                for ten minutes from the first sending, by the server's clock: the server repeats its first answer
                (`How.REPLAYED`) or, if nothing had reached it, **places the order now** (`How.SENT`), once either way
                and under the client's ceilings.

        The orders are searched for the reference in `metadata`. `Placed` needs an amount that agrees with the call's;
        `NotPlaced` needs the settle time, and a list that shows references and was walked to its end. A cancelled order
        was cancelled. All else is `CannotTell`: an order without a reference, one of another amount, a new subaccount
        (those of its name are in the evidence), a list that failed to come.

        Use the client, or its copy for a subaccount, that sent the write: elsewhere its key means nothing. Raises
        `InvalidArgument` for an error of another server's, and `UsageError` where the call cannot be sent again, such
        as `CeilingExceeded`. A list that cannot be read raises nothing: the verdict is then `CannotTell`.
        """
        return (await self.reconcile_many([lost], settle_time=settle_time, search_only=search_only))[0]

    async def reconcile_many(
        self,
        lost: Iterable[OutcomeUnknown | Unsettled[Any]],
        *,
        settle_time: float = SETTLE_TIME,
        search_only: bool = True,
    ) -> list[Verdict[Any]]:
        """Find out what became of many, as `reconcile` does, walking the orders of each subaccount once at most.

        The arguments, and what is raised, are those of `reconcile`, and so is whether it may be repeated. The verdicts
        come in the order of `lost`.
        """
        from wren_async.reconcile import cnaught

        return await cnaught.reconcile(self, lost, settle_time, search_only=search_only)

    async def find_or_place(
        self, call: Call[models.Order], *, since: datetime | None = None, settle_time: float = SETTLE_TIME
    ) -> Placed[models.Order]:
        """Place an order unless one with its reference was placed before: for webhooks and messages that come twice.

        Args:
            call: The order, with a `reference` of your own, such as `Orders.create(amount_kg=10, reference="ride-7")`.
            since: How far back to look, such as the time of the event; left out, through all orders. A day more is
                looked through, and what the clocks lie apart.
            settle_time: Seconds, as for `reconcile`, where an earlier sending of this process has no answer.

        What this client and its copies have sent with the reference, by whatever method, is consulted first: an order
        on the wire is waited for, and a lost one is reconciled, for which its call may be sent again with its key. Then
        the orders are searched.

        **Across processes**: an order that is placed gets an idempotency key made from its reference, unless the call
        has one. So two processes at the same time place it once, for as long as the server remembers keys. Not
        promised is what comes later than that and earlier than the list shows the order.

        Raises `ReferenceReused`, and sends nothing, where the reference stands for another order, and names both;
        `NotFindable`, and sends nothing, where it cannot be told whether the order is there; `OutcomeUnknown` where the
        answer to the order was lost: call it again. `IdempotencyChangedPayload` says that another process used the
        reference for another order.
        """
        from wren_async.reconcile import cnaught

        return await cnaught.find_or_place(self, call, since, settle_time)


class WrenReconciling(BaseClient):
    """What a client of Wren offers for finding out what became of an order."""

    __slots__ = ()

    async def checkpoint(self) -> Checkpoint:
        """Note where the ledger stands, before orders are sent: it helps to find their ids again.

        It only reads, and may be repeated. Raises `CallError` where the ledger cannot be read.
        """
        from wren_async.reconcile import ledger
        from wren_async.reconcile.listing import Reader

        return await ledger.take_checkpoint(Reader(self))

    async def reconcile(
        self,
        lost: OutcomeUnknown | Unsettled[Any],
        *,
        checkpoint: Checkpoint | None = None,
        known: Collection[str] | Accounted = (),
        settle_time: float = SETTLE_TIME,
    ) -> Verdict[FoundOrder]:
        """Find out what became of an order whose answer was lost. It only reads, so it may be repeated.

        Args:
            lost: The error, or what a journal remembers of it.
            checkpoint: Where the ledger stood before the order was sent; helps to find the id.
            known: Ids of orders that are accounted for, so that their charges are not taken for this one's. Where they
                are too many to pass, a function that is given some ids and returns those that are accounted for.
            settle_time: Seconds since the last byte before an absence proves anything, by both clocks: this machine's
                and the server's.

        Looks for the reference in the lists of orders and donations. `Placed` has all rows of the order together, whose
        amount agrees with the call's; its id comes from the rows or, where exactly one new charge fits, from that. An
        equal charge alone proves nothing. `NotPlaced` needs more than absence: the settle time, and a list that was
        read whole and shows references. All else is `CannotTell`: an order without a reference, one of another amount,
        a top-up (its candidates are in the evidence), a list that failed to come, and everything sent with a test
        token, which keeps nothing.

        Raises `InvalidArgument` for an error of another server's. A list that cannot be read raises nothing: the
        verdict is then `CannotTell`.
        """
        return (await self.reconcile_many([lost], checkpoint=checkpoint, known=known, settle_time=settle_time))[0]

    async def reconcile_many(
        self,
        lost: Iterable[OutcomeUnknown | Unsettled[Any]],
        *,
        checkpoint: Checkpoint | None = None,
        known: Collection[str] | Accounted = (),
        settle_time: float = SETTLE_TIME,
    ) -> list[Verdict[FoundOrder]]:
        """Find out what became of many, reading each list once. The verdicts come in the order of `lost`.

        The arguments, and what is raised, are those of `reconcile`; `checkpoint` is one taken before the first of them
        was sent. It only reads, so it may be repeated.
        """
        from wren_async.reconcile import wren

        return await wren.reconcile(self, lost, checkpoint, known, settle_time)

    async def find_or_place(self, call: Call[Any], *, settle_time: float = SETTLE_TIME) -> Placed[FoundOrder]:
        """Place an order unless one with its reference was placed before: for webhooks and messages that come twice.

        Args:
            call: The order, with a `reference` of your own, such as `OffsetOrders.create(..., reference="ride-7")`.
            settle_time: Seconds, as for `reconcile`, where an earlier sending of this process has no answer.

        Within one client and its copies a reference is placed once, by whatever method it was sent and also by tasks at
        the same time: an order on the wire is waited for, and a lost one is reconciled first.

        **Across processes it promises nothing**, because Wren has nothing that could: two processes that look at the
        same time both place the order, and so does one whose list does not show yet what another has just placed. Let
        one process handle a reference at a time, or keep what was ordered in a store that they share.

        Raises `ReferenceReused`, and sends nothing, where the reference stands for another order, and names both;
        `NotFindable`, and sends nothing, where it cannot be told whether the order is there; `OutcomeUnknown` where the
        answer to the order was lost. Call it again after that, with the same client, and it reconciles first.
        """
        from wren_async.reconcile import wren

        return await wren.find_or_place(self, call, settle_time)
