"""Reconciling over Wren, which knows no idempotency key: by the reference in the lists, then by the charges."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import attrs

from wren_async._generated.wren.models import OffsetOrder, ProjectDonation, TreeOrder
from wren_async._generated.wren.operations import (
    offset_orders,
    project_donations,
    project_orders,
    tree_orders,
    wallet,
)
from wren_async.core.client import BaseClient
from wren_async.core.operation import Call
from wren_async.errors import OutcomeUnknown, ReferenceReused
from wren_async.reconcile import ledger
from wren_async.reconcile.agreement import disagreement
from wren_async.reconcile.find_or_place import FindOrPlace, not_findable, own_reference
from wren_async.reconcile.ledger import Accounted, Charges, Checkpoint
from wren_async.reconcile.listing import Listing, Reader, Search, look_through
from wren_async.reconcile.order_rows import FoundOrder, Row, is_doubled, note_of, order_of, order_of_receipt
from wren_async.reconcile.rules import classify_absence, hides, horizon, settle_seconds
from wren_async.reconcile.verdict import (
    CannotTell,
    Charge,
    Evidence,
    How,
    Look,
    NotPlaced,
    Placed,
    Present,
    Unsettled,
    Verdict,
    as_unsettled,
)

RowT = TypeVar("RowT", bound=Row)

_OFFSETS: Final = offset_orders.CREATE_OFFSET_ORDER.id
_PROJECTS: Final = project_orders.CREATE_PROJECT_ORDER.id
_TREES: Final = tree_orders.CREATE_TREE_ORDER.id
_TOP_UP: Final = wallet.TOP_UP_CREDITS.id
_SHOWN: Final = 20
_DOUBLED: Final = ", more than one of the same kind: it may have been used for several orders"
_REHEARSAL: Final = "a test token keeps nothing, so nothing can be found again"


@attrs.frozen(kw_only=True)
class Lists:
    """What the lists of orders showed; `None` for a list that was not needed."""

    offsets: Listing[OffsetOrder] | None = None
    donations: Listing[ProjectDonation] | None = None
    trees: Listing[TreeOrder] | None = None

    def rows(self, lost: Unsettled[Any]) -> list[Row]:
        """The rows that carry the reference of a lost order."""
        kept: list[Row] = []
        for listing in self._where(lost):
            kept.extend(listing.found.get(lost.reference or "", ()))
        return kept

    def whole(self, lost: Unsettled[Any]) -> bool:
        """Whether every list that may hold a part of the order was read to its end."""
        return all(listing.look.to_the_end for listing in self._where(lost))

    def needed(self, lost: Unsettled[Any]) -> list[Listing[Any]]:
        """The lists in which the order would be, had it been placed."""
        listings = self._where(lost)
        if lost.call.operation.id == _OFFSETS:
            # Its donations, if it has any, are only a part of it.
            return listings[:1]
        if lost.call.operation.id == _PROJECTS and len(listings) > 1:
            project = lost.body.get("projectId")
            telling = [listing for listing in listings if project in listing.groups]
            return telling if len(telling) == 1 else listings
        return listings

    def _where(self, lost: Unsettled[Any]) -> list[Listing[Any]]:
        kind = lost.call.operation.id
        pair: tuple[Listing[Any] | None, ...] = ()
        if kind in (_OFFSETS, _PROJECTS):
            pair = (self.offsets, self.donations)
        elif kind == _TREES:
            pair = (self.trees,)
        return [listing for listing in pair if listing is not None]


class WrenReconciliation:
    """One reconciliation of any number of writes: each list is walked once."""

    def __init__(self, client: BaseClient, lost: Sequence[Unsettled[Any]]) -> None:
        self._lost = lost
        self._reader = Reader(client)
        self._is_test = client._identity.credentials.is_test
        self._wanted = {each.reference for each in lost if each.reference is not None}
        self._kinds = {each.call.operation.id for each in lost if each.reference is not None}

    async def read_lists(self) -> Lists:
        """Look through the lists that the writes need."""
        by_tons = not self._kinds.isdisjoint((_OFFSETS, _PROJECTS))
        return Lists(
            offsets=await self._offsets() if by_tons else None,
            # A test token is refused there.
            donations=await self._donations() if by_tons and not self._is_test else None,
            trees=await self._trees() if _TREES in self._kinds else None,
        )

    async def verdicts(
        self, checkpoint: Checkpoint | None, accounted: Accounted, settle_time: float
    ) -> list[Verdict[FoundOrder]]:
        """The verdict on each write, in their order."""
        lists = await self.read_lists()
        found = {
            place: _known_in_part(order_of(lost.reference, rows), lists.whole(lost))
            for place, lost in enumerate(self._lost)
            if lost.reference is not None and (rows := lists.rows(lost))
        }
        candidates = await self._candidates(found, checkpoint, accounted)
        told = ledger.unique({place: candidates[place] for place in found if place in candidates})
        return [
            self._found(lost, lists, found[place], told.get(place), candidates.get(place, ()))
            if place in found
            else self._absent(lost, lists, settle_time, candidates.get(place, ()))
            for place, lost in enumerate(self._lost)
        ]

    def evidence(self, lost: Unsettled[Any], lists: Lists, reason: str) -> Evidence:
        """What the lists that matter to a write have shown."""
        listings = lists.needed(lost)
        looks = tuple(listing.look for listing in listings)
        present = _oldest(listings, self._reader)
        return Evidence(reason=reason, present=present, reference=lost.reference, looks=looks)

    # --- lists ---

    async def _offsets(self) -> Listing[OffsetOrder]:
        search: Search[OffsetOrder] = Search(self._wanted, note_of, lambda row: row.project_id)
        call = offset_orders.list_offset_orders()
        return await look_through(self._reader, call, search, "offsetOrders", OffsetOrder, "note")

    async def _donations(self) -> Listing[ProjectDonation]:
        search: Search[ProjectDonation] = Search(self._wanted, note_of, lambda row: row.project_id)
        call = project_donations.list_project_donations()
        return await look_through(self._reader, call, search, "", ProjectDonation, "note")

    async def _trees(self) -> Listing[TreeOrder]:
        search: Search[TreeOrder] = Search(self._wanted, note_of)
        call = tree_orders.list_tree_orders()
        return await look_through(self._reader, call, search, "treeOrders", TreeOrder, "note")

    # --- charges ---

    async def _candidates(
        self, found: dict[int, FoundOrder], checkpoint: Checkpoint | None, accounted: Accounted
    ) -> dict[int, tuple[Charge, ...]]:
        """By the place of each write, the charges that may be its own."""
        asking = {
            place: amounts
            for place, lost in enumerate(self._lost)
            if _asks_for_charges(lost, found.get(place)) and (amounts := _amounts(lost, found.get(place)))
        }
        if not asking or self._is_test:
            return {}
        by_card = {place for place in asking if _pays_by_card(self._lost[place])}
        entries = await self._ledger(asking.keys() - by_card, checkpoint, _all_of(asking), accounted)
        bought = await self._purchases(by_card, _all_of(asking), accounted)
        taken = {order.id for order in found.values() if order.id is not None}
        return {
            place: ledger.fitting(
                self._charges(place, bought if place in by_card else entries, checkpoint),
                amounts,
                found[place].created_at if place in found else None,
                taken,
            )
            for place, amounts in asking.items()
        }

    def _charges(self, place: int, charges: Charges, checkpoint: Checkpoint | None) -> tuple[Charge, ...]:
        lost = self._lost[place]
        late = checkpoint is not None and lost.first_sent is not None and checkpoint.taken > lost.first_sent
        if late and charges.look.where == ledger.LEDGER:
            return ()
        return charges.top_ups if lost.call.operation.id == _TOP_UP else charges.charges

    async def _ledger(
        self, places: Collection[int], checkpoint: Checkpoint | None, amounts: Collection[int], accounted: Accounted
    ) -> Charges:
        since = self._since(places)
        if not places or (checkpoint is None and since is None):
            return Charges(look=Look(where=ledger.LEDGER))
        return await ledger.new_entries(self._reader, checkpoint, since, amounts, accounted)

    async def _purchases(self, places: Collection[int], amounts: Collection[int], accounted: Accounted) -> Charges:
        since = self._since(places)
        if not places or since is None:
            return Charges(look=Look(where=ledger.PURCHASES))
        return await ledger.new_purchases(self._reader, since, amounts, accounted)

    def _since(self, places: Collection[int]) -> datetime | None:
        return horizon(ledger.earliest([self._lost[place].first_sent for place in places]), self._reader.present())

    # --- verdicts ---

    def _found(
        self,
        lost: Unsettled[Any],
        lists: Lists,
        order: FoundOrder,
        charge: Charge | None,
        candidates: tuple[Charge, ...],
    ) -> Placed[FoundOrder] | CannotTell:
        if lists.whole(lost) and (other := disagreement(lost.call, order)):
            other += _DOUBLED if is_doubled(order) else ""
            evidence = attrs.evolve(self.evidence(lost, lists, other), candidates=candidates[:_SHOWN])
            return CannotTell(evidence=evidence)
        reason = f"{len(order.rows)} {'rows carry' if len(order.rows) > 1 else 'row carries'} the reference"
        if is_doubled(order):
            reason += _DOUBLED
        if charge is not None:
            order = attrs.evolve(order, id=charge.id, cents=charge.cents)
            reason += f"; the id is that of the only new charge of {charge.cents} cents that may be its own"
        elif order.id is None:
            reason += "; no row and no unique charge tells the id"
        evidence = self.evidence(lost, lists, reason)
        if charge is None:
            evidence = attrs.evolve(evidence, candidates=candidates[:_SHOWN])
        return Placed(order=order, how=How.FOUND, evidence=evidence)

    def _absent(
        self, lost: Unsettled[Any], lists: Lists, settle_time: float, candidates: tuple[Charge, ...]
    ) -> NotPlaced | CannotTell:
        listings = lists.needed(lost)
        return classify_absence(
            lost,
            [listing.look for listing in listings],
            _oldest(listings, self._reader),
            settle_time,
            doubts=[_REHEARSAL] if self._is_test else [],
            candidates=candidates[:_SHOWN],
        )


class _WrenSearch:
    """Finds or places one order."""

    def __init__(self, client: BaseClient, call: Call[Any], settle_time: float) -> None:
        self._client = client
        self.call = call
        self._settle_time = settle_time
        self._reference = own_reference(client, call)

    async def look(self) -> Placed[FoundOrder] | None:
        lost = Unsettled(call=self.call)
        run = WrenReconciliation(self._client, [lost])
        lists = await run.read_lists()
        if rows := lists.rows(lost):
            evidence = run.evidence(lost, lists, "it was placed before: rows carry the reference")
            order = _known_in_part(order_of(self._reference, rows), lists.whole(lost))
            if lists.whole(lost) and (other := disagreement(self.call, order)):
                raise ReferenceReused(self._reference, other)
            return Placed(order=order, how=How.FOUND, evidence=evidence)
        if reasons := [reason for listing in lists.needed(lost) if (reason := hides(listing.look))]:
            raise not_findable(reasons, run.evidence(lost, lists, ""))
        return None

    async def place(self) -> Placed[FoundOrder]:
        return self.placed(await self._client.send(self.call), How.SENT, "placed now: no list shows an earlier one")

    async def reconcile(self, lost: Sequence[OutcomeUnknown]) -> Sequence[Verdict[FoundOrder]]:
        return await reconcile(self._client, lost, None, (), self._settle_time)

    def placed(self, answer: Any, how: How, reason: str) -> Placed[FoundOrder]:
        evidence = Evidence(reason=reason, present=Reader(self._client).present(), reference=self._reference)
        return Placed(order=order_of_receipt(self._reference, answer), how=how, evidence=evidence)


async def reconcile(
    client: BaseClient,
    lost: Iterable[OutcomeUnknown | Unsettled[Any]],
    checkpoint: Checkpoint | None,
    known: Collection[str] | Accounted,
    settle_time: float,
) -> list[Verdict[FoundOrder]]:
    """The verdict on each write, in their order."""
    run = WrenReconciliation(client, [as_unsettled(each, client) for each in lost])
    return await run.verdicts(checkpoint, _accounted(known), settle_seconds(settle_time))


async def find_or_place(client: BaseClient, call: Call[Any], settle_time: float) -> Placed[FoundOrder]:
    """The order with the reference of `call`, placed now if it was not before."""
    search = _WrenSearch(client, call, settle_seconds(settle_time))
    return await FindOrPlace(client, search).run()


def _amounts(lost: Unsettled[Any], order: FoundOrder | None) -> set[int]:
    """What the charge of a write may come to, in US cents."""
    if order is not None and order.cents is not None:
        return {order.cents}
    exact = lost.body.get("amountInUsdCents") if lost.call.operation.id in (_PROJECTS, _TOP_UP) else None
    return {amount for amount in (exact, lost.cents) if isinstance(amount, int)}


def _all_of(amounts: Mapping[int, set[int]]) -> set[int]:
    return {amount for each in amounts.values() for amount in each}


def _accounted(known: Collection[str] | Accounted) -> Accounted:
    if callable(known):
        return known
    ids = frozenset(known)

    async def among(asked: Collection[str]) -> Collection[str]:
        return ids.intersection(asked)

    return among


def _asks_for_charges(lost: Unsettled[Any], order: FoundOrder | None) -> bool:
    """Whether charges could help: to find the id of an order, or to tell anything of a write without a reference."""
    return lost.reference is None if order is None else order.id is None


def _known_in_part(order: FoundOrder, whole: bool) -> FoundOrder:
    return order if whole else attrs.evolve(order, cents=None)


def _pays_by_card(lost: Unsettled[Any]) -> bool:
    return lost.call.operation.id != _TOP_UP and lost.body.get("paymentMethod") != "credits"


def _oldest(listings: Sequence[Listing[Any]], reader: Reader) -> Present:
    """The time that counts for an absence: when the first of the lists was read."""
    presents: Iterator[Present] = (listing.present for listing in listings)
    return min(presents, key=lambda present: present.here, default=reader.present())
