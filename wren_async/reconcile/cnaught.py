"""Reconciling over CNaught: by the idempotency key while it is trusted, then by the reference in the orders."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, cast

import attrs

from wren_async._generated.cnaught.models import Order, Subaccount, SubaccountList
from wren_async._generated.cnaught.operations import orders, subaccounts
from wren_async.core import arguments
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call, Effect
from wren_async.core.paging import CursorPager, CursorWalk
from wren_async.core.printable import printable
from wren_async.core.values import UNSET, Unset
from wren_async.errors import CallError, OutcomeUnknown, ReferenceReused, UsageError
from wren_async.reconcile.agreement import disagreement
from wren_async.reconcile.find_or_place import FindOrPlace, not_findable, own_reference
from wren_async.reconcile.listing import READ_FAILURES, Listing, Reader, Search
from wren_async.reconcile.rules import (
    classify_absence,
    hides,
    horizon,
    key_trust_left,
    settle_seconds,
    stable_key,
)
from wren_async.reconcile.verdict import (
    CannotTell,
    Charge,
    Evidence,
    How,
    Look,
    NotPlaced,
    Placed,
    Unsettled,
    Verdict,
    as_unsettled,
    subaccount_of,
)

T = TypeVar("T")
VerdictT = TypeVar("VerdictT", bound=Placed[Any] | NotPlaced | CannotTell)

ORDERS: Final = "GET /orders"
SUBACCOUNTS: Final = "GET /subaccounts"
_ORDERING: Final = frozenset({orders.CREATE_ORDER.id, orders.CREATE_RIDE_ORDER.id})
_CANCELLED: Final = frozenset({"cancelled", "canceled"})
_AT_ONCE: Final = 8
_PAGE: Final = 100


@attrs.define(eq=False)
class _Case:
    """A write, and what is known of it so far."""

    lost: Unsettled[Any]
    subaccount_id: str | None
    notes: list[str] = attrs.field(factory=list[str])
    """What was tried so far, for the reason of the verdict."""
    doubts: list[str] = attrs.field(factory=list[str])
    """What rules out the verdict that it was not placed, whatever the lists show."""
    verdict: Verdict[Any] | None = None


class CNaughtReconciliation:
    """One reconciliation of any number of writes: the orders of each subaccount are walked once."""

    def __init__(self, client: BaseClient, lost: Sequence[Unsettled[Any]], *, search_only: bool) -> None:
        self._client = client
        self._search_only = search_only
        self._reader = Reader(client)
        self._cases = [_Case(each, subaccount_of(client, each.call)) for each in lost]

    async def verdicts(self, settle_time: float) -> list[Verdict[Any]]:
        """The verdict on each write, in their order."""
        if not self._cases:
            return []
        await self._ask_the_time()
        await self._repeat_all()
        await self._search_orders(settle_time)
        for case in self._cases:
            if case.verdict is None:
                case.verdict = await self._elsewhere(case)
        return [cast("Verdict[Any]", case.verdict) for case in self._cases]

    # --- by key ---

    async def _repeat_all(self) -> None:
        places = asyncio.Semaphore(_AT_ONCE)
        mistakes: list[UsageError] = []

        async def repeat(case: _Case) -> None:
            async with places:
                try:
                    await self._repeat(case)
                except UsageError as error:
                    mistakes.append(error)

        async with asyncio.TaskGroup() as group:
            for case in self._cases:
                if case.lost.key and case.lost.call.operation.effect is Effect.KEYED:
                    group.create_task(repeat(case))
        if mistakes:
            raise mistakes[0]

    async def _ask_the_time(self) -> None:
        """Learn the server's time from the date of a cheap read's answer. That of an error serves as well."""
        try:
            await self._reader.send(orders.list_orders(limit=1, subaccount_id=self._cases[0].subaccount_id))
        except CallError as error:
            self._reader.note(error.headers)

    async def _repeat(self, case: _Case) -> None:
        left = key_trust_left(case.lost.first_sent, self._reader.present())
        if left <= 0:
            case.notes.append("its key is too old to be trusted")
            return
        if self._search_only:
            case.notes.append(f"nothing was sent; its key is trusted for {left:.0f} s more")
            return
        try:
            reply = await self._client.send_raw(self._within(case.lost.repeat, left))
        except CallError as error:
            case.notes.append(f"sent again with its key: {error.reason}")
            if error.status in (409, 422):
                case.doubts.append("the server knows its idempotency key")
            accepted = isinstance(error, OutcomeUnknown) and error.accepted
            case.lost = attrs.evolve(
                case.lost, last_sent=error.last_sent or case.lost.last_sent, accepted=case.lost.accepted or accepted
            )
            return
        if not reply.replayed:
            # The answer is a new one: a replayed answer may have the date of the first.
            self._reader.note(reply.headers)
        how = How.REPLAYED if reply.replayed else How.SENT
        done = "the server repeated its first answer" if reply.replayed else "it was carried out now"
        case.verdict = self._placed(case, reply.value, how, f"sent again with its key: {done}")

    def _within(self, call: Call[T], left: float) -> Call[T]:
        """The call with a deadline that ends no later than the trust in its key."""
        deadline = self._client._limits.but(deadline=call.deadline).deadline
        return attrs.evolve(call, deadline=left if deadline is None else min(deadline, left))

    # --- by reference ---

    async def _search_orders(self, settle_time: float) -> None:
        searched = [
            case
            for case in self._cases
            if case.verdict is None and case.lost.reference and case.lost.call.operation.id in _ORDERING
        ]
        for subaccount_id in dict.fromkeys(case.subaccount_id for case in searched):
            cases = [case for case in searched if case.subaccount_id == subaccount_id]
            since = [case.lost.first_sent for case in cases]
            wanted = {case.lost.reference for case in cases if case.lost.reference}
            listing = await search_orders(
                self._reader, wanted, subaccount_id, None if None in since else min(filter(None, since))
            )
            for case in cases:
                self._classify(case, listing, settle_time)

    def _classify(self, case: _Case, listing: Listing[Order], settle_time: float) -> None:
        found = listing.found.get(case.lost.reference or "")
        if found:
            case.verdict = self._found(case, found, listing.look)
            return
        case.verdict = self._with_notes(
            case, classify_absence(case.lost, [listing.look], listing.present, settle_time, doubts=case.doubts)
        )

    def _found(self, case: _Case, found: Sequence[Order], look: Look) -> Verdict[Any]:
        order, reason = its_own(case.lost.call, found)
        if order is None:
            alike = tuple(Charge(where=ORDERS, id=e.id, cents=e.price_usd_cents, at=e.created_on) for e in found)
            return self._cannot_tell(case, reason, alike)
        return self._placed(case, order, How.FOUND, reason, look)

    # --- by what it left ---

    async def _elsewhere(self, case: _Case) -> Verdict[Any]:
        """The verdict on a write that no list of orders can tell about."""
        operation = case.lost.call.operation
        try:
            if operation.id == orders.CANCEL_ORDER.id:
                return await self._cancelled(case)
            if operation.id == subaccounts.CREATE_SUBACCOUNT.id:
                return await self._named_alike(case)
        except READ_FAILURES as error:
            return self._cannot_tell(case, f"what it left could not be read: {error}")
        if operation.effect is Effect.REPEATABLE:
            return self._cannot_tell(case, "send it again: a repeat leaves everything as the first would have")
        if operation.id in _ORDERING:
            return self._cannot_tell(case, "it carried no reference, so no list can tell it from others")
        return self._cannot_tell(case, f"{operation.id} has no key, and no list shows what came of it")

    async def _cancelled(self, case: _Case) -> Verdict[Any]:
        path = case.lost.call.path
        order = await self._reader.send(orders.get_order(path["id"], subaccount_id=case.subaccount_id))
        if order.state in _CANCELLED:
            return self._placed(case, order, How.FOUND, "the order is cancelled, whoever did it")
        return self._cannot_tell(
            case,
            f"the order is {printable(str(order.state), 60)}; "
            "cancelling again is safe, for it can be cancelled only once",
        )

    async def _named_alike(self, case: _Case) -> Verdict[Any]:
        """Names are not unique, so a subaccount of the same name is a hint and no proof."""
        name = case.lost.body.get("name")
        since = horizon(case.lost.first_sent, self._reader.present())

        def rows(page: SubaccountList) -> tuple[Subaccount, ...]:
            return page.data

        pager = CursorPager(
            self._reader, subaccounts.list_subaccounts(limit=_PAGE), items=rows, identify=lambda each: each.id
        )
        alike = [
            Charge(where=SUBACCOUNTS, id=each.id, at=each.created_on)
            async for each in pager
            if each.name == name and not (since and each.created_on and each.created_on < since)
        ]
        words = "no subaccount of its name is there yet" if not alike else "subaccounts of its name are there"
        return self._cannot_tell(case, f"{words}, and a name proves nothing", tuple(alike))

    # --- verdicts ---

    def _placed(self, case: _Case, order: Any, how: How, reason: str, *looks: Look) -> Placed[Any]:
        evidence = Evidence(
            reason=reason, present=self._reader.present(), reference=case.lost.reference, looks=tuple(looks)
        )
        return self._with_notes(case, Placed(order=order, how=how, evidence=evidence))

    def _cannot_tell(self, case: _Case, reason: str, candidates: tuple[Charge, ...] = ()) -> CannotTell:
        evidence = Evidence(
            reason=reason, present=self._reader.present(), reference=case.lost.reference, candidates=candidates
        )
        return self._with_notes(case, CannotTell(evidence=evidence))

    def _with_notes(self, case: _Case, verdict: VerdictT) -> VerdictT:
        evidence = attrs.evolve(verdict.evidence, reason="; ".join([*case.notes, verdict.evidence.reason]))
        return attrs.evolve(verdict, evidence=evidence)


async def search_orders(
    reader: Reader, wanted: Collection[str], subaccount_id: str | None, since: datetime | None
) -> Listing[Order]:
    """Walk the orders, newest first, until everything wanted is found, the list ends, or its orders are older than
    `horizon` allows for `since`."""
    search: Search[Order] = Search(wanted, lambda order: order.metadata)
    walk = CursorWalk(backwards=False)
    began, first, trouble = reader.present(), None, None
    cursor: str | Unset | None = UNSET
    end = False
    try:
        while not end and cursor is not None and not search.complete:
            call = orders.list_orders(limit=_PAGE, starting_after=cursor, subaccount_id=subaccount_id)
            page = (await reader.send(call)).data
            first = first or reader.present()
            cursor = walk.step([order.id for order in page])
            search.see_raw(reader.body, "metadata")
            for order in page:
                search.look_at(order)
            limit = horizon(since, reader.present())
            end = limit is not None and any(order.created_on and order.created_on < limit for order in page)
    except READ_FAILURES as error:
        trouble = str(error)
    return Listing(
        look=Look(
            where=ORDERS, rows=search.rows, shows=search.shows, to_the_end=end or cursor is None, trouble=trouble
        ),
        # Orders placed after the first page was asked for are not in the walk, so the list is as old as that.
        present=attrs.evolve(first or reader.present(), here=began.here),
        found=search.found,
    )


def its_own(call: Call[Any], found: Sequence[Order]) -> tuple[Order | None, str]:
    """Which of the orders that carry a call's reference is its own, by its amount, and why or why none."""
    others = [reason for order in found if (reason := disagreement(call, order)) is not None]
    agreeing = [order for order in found if disagreement(call, order) is None]
    if not agreeing:
        return None, f"{others[-1]} (order {found[-1].id})"
    if len(found) == 1:
        return found[0], "its metadata carries the reference"
    ids = ", ".join(order.id for order in found if order is not agreeing[-1])
    reason = f"its metadata carries the reference; so does that of {ids}: the reference was used more than once"
    return agreeing[-1], reason


class _CNaughtSearch:
    """Finds or places one order."""

    def __init__(self, client: BaseClient, call: Call[Order], since: datetime | None, settle_time: float) -> None:
        self._client = client
        self._reference = own_reference(client, call)
        self._subaccount_id = subaccount_of(client, call)
        self._since = since
        self._settle_time = settle_time
        if call.idempotency_key is UNSET:
            call = attrs.evolve(call, idempotency_key=stable_key(call, self._reference, self._subaccount_id))
        self.call = call

    async def look(self) -> Placed[Order] | None:
        listing = await search_orders(Reader(self._client), {self._reference}, self._subaccount_id, self._since)
        evidence = Evidence(reason="", present=listing.present, reference=self._reference, looks=(listing.look,))
        if found := listing.found.get(self._reference):
            order, carried = its_own(self.call, found)
            if order is None:
                raise ReferenceReused(self._reference, carried)
            evidence = attrs.evolve(evidence, reason=f"it was placed before: {carried}")
            return Placed(order=order, how=How.FOUND, evidence=evidence)
        if reason := hides(listing.look):
            raise not_findable([reason], evidence)
        return None

    async def place(self) -> Placed[Order]:
        reply = await self._client.send_raw(self.call)
        if reply.replayed:
            return self.placed(reply.value, How.REPLAYED, "placed before under the key of its reference")
        return self.placed(reply.value, How.SENT, "placed now: no list shows an earlier one")

    async def reconcile(self, lost: Sequence[OutcomeUnknown]) -> Sequence[Verdict[Order]]:
        # With several keys, sending each again could place the order once for each key.
        several = len({each.idempotency_key for each in lost}) > 1
        return await reconcile(self._client, lost, self._settle_time, search_only=several)

    def placed(self, answer: Any, how: How, reason: str) -> Placed[Order]:
        evidence = Evidence(reason=reason, present=Reader(self._client).present(), reference=self._reference)
        return Placed(order=answer, how=how, evidence=evidence)


async def reconcile(
    client: BaseClient, lost: Iterable[OutcomeUnknown | Unsettled[Any]], settle_time: float, *, search_only: bool
) -> list[Verdict[Any]]:
    """The verdict on each write, in their order."""
    run = CNaughtReconciliation(client, [as_unsettled(each, client) for each in lost], search_only=search_only)
    return await run.verdicts(settle_seconds(settle_time))


async def find_or_place(
    client: BaseClient, call: Call[Order], since: datetime | None, settle_time: float
) -> Placed[Order]:
    """The order with the reference of `call`, placed now if it was not before."""
    arguments.moment("since", since, nullable=True)
    search = _CNaughtSearch(client, call, since, settle_seconds(settle_time))
    return await FindOrPlace(client, search).run()
