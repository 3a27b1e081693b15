"""What the clients offer for finding out what became of a write. The machinery loads when it is first called for."""

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
        self, lost: OutcomeUnknown | Unsettled[Any], *, settle_time: float = SETTLE_TIME, search_only: bool = False
    ) -> Verdict[Any]:
        """Find out what became of a write whose answer was lost. **It may place it now**: exactly once either way.

        With `search_only=True` it sends nothing that could buy.

        Args:
            lost: The error, or what a journal remembers of it.
            settle_time: Seconds since the last byte before an absence proves anything, by both clocks: this machine's
                and the server's.
            search_only: Look for the order in the lists alone, and do not send it again with its key.

        For ten minutes from the first sending, by the server's clock, the very call is sent again with its key. The
        server repeats its first answer (`How.REPLAYED`) or, if nothing had reached it, carries the call out now
        (`How.SENT`). After that nothing is sent. The orders are searched for the reference in `metadata`; `NotPlaced`
        needs the settle time, and a list that shows references and was walked to its end. A cancelled order was
        cancelled. All else is `CannotTell`: an order without a reference, a new subaccount (those of its name are in
        the evidence), a list that failed to come.

        Ask the client, or the copy for a subaccount, that sent it: its key means nothing elsewhere.
        """
        return (await self.reconcile_many([lost], settle_time=settle_time, search_only=search_only))[0]

    async def reconcile_many(
        self,
        lost: Iterable[OutcomeUnknown | Unsettled[Any]],
        *,
        settle_time: float = SETTLE_TIME,
        search_only: bool = False,
    ) -> list[Verdict[Any]]:
        """Find out what became of many, as `reconcile` does, walking the orders of each subaccount once at most.

        The verdicts come in the order of `lost`.
        """
        from wren_async.reconcile import cnaught

        return await cnaught.reconcile(self, lost, settle_time, search_only=search_only)

    async def find_or_place(
        self, call: Call[models.Order], *, since: datetime | None = None, settle_time: float = SETTLE_TIME
    ) -> Placed[models.Order]:
        """Place an order unless one with its reference was placed before: for webhooks and messages that come twice.

        Args:
            call: The order, with a `reference` of your own, such as `Orders.create(amount_kg=10, reference="ride-7")`.
            since: How far back to look; left out, through all orders. Nothing older than the event is needed.
            settle_time: As for `reconcile`, where an earlier sending of this process has no answer.

        The orders are searched for the reference, and an order that is placed gets an idempotency key made from it,
        unless the call has one. So two processes at the same time place it once, for as long as the server remembers
        keys. Not promised is what comes later than that and earlier than the list shows the order.

        Raises `NotFindable`, and sends nothing, where the list hides whether the order is there; `OutcomeUnknown` where
        the answer to the order was lost: call it again. `IdempotencyChangedPayload` says that the reference stands for
        another order.
        """
        from wren_async.reconcile import cnaught

        return await cnaught.find_or_place(self, call, since, settle_time)


class WrenReconciling(BaseClient):
    """What a client of Wren offers for finding out what became of an order."""

    __slots__ = ()

    async def checkpoint(self) -> Checkpoint:
        """Note where the ledger stands. Taken before orders are sent, it helps to find their ids again."""
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
        """Find out what became of an order whose answer was lost. It places nothing.

        Args:
            lost: The error, or what a journal remembers of it.
            checkpoint: Where the ledger stood before the order was sent; helps to find the id.
            known: Ids of orders that are accounted for, so that their charges are not taken for this one's; or a
                function that tells which of some ids are, where they are too many to hand over.
            settle_time: Seconds since the last byte before an absence proves anything, by both clocks: this machine's
                and the server's.

        Looks for the reference in the lists of orders and donations. `Placed` has all rows of the order together; its
        id comes from the rows or, where exactly one new charge fits, from that. An equal charge alone proves nothing.
        `NotPlaced` needs more than absence: the settle time, and a list that was read whole and shows references.
        All else is `CannotTell`: an order without a reference, a top-up (its candidates are in the evidence), a list
        that failed to come, and everything sent with a test token, which keeps nothing.
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

        The arguments are those of `reconcile`; `checkpoint` is one taken before the first of them was sent.
        """
        from wren_async.reconcile import wren

        return await wren.reconcile(self, lost, checkpoint, known, settle_time)

    async def find_or_place(self, call: Call[Any], *, settle_time: float = SETTLE_TIME) -> Placed[FoundOrder]:
        """Place an order unless one with its reference was placed before: for webhooks and messages that come twice.

        Args:
            call: The order, with a `reference` of your own, such as `OffsetOrders.create(..., reference="ride-7")`.
            settle_time: As for `reconcile`, where an earlier sending of this process has no answer.

        Within one client (and its copies) a reference is placed once, also by tasks at the same time. Beyond that Wren
        has nothing that would promise it: two processes that look at the same time both place the order, and so does
        one whose list does not show yet what another has just placed. Let one process handle a reference at a time.

        Raises `NotFindable`, and sends nothing, where a list hides whether the order is there; `OutcomeUnknown` where
        the answer to the order was lost. Call it again after that, with the same client, and it reconciles first.
        """
        from wren_async.reconcile import wren

        return await wren.find_or_place(self, call, settle_time)
