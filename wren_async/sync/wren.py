"""The client of the Wren API without `await`."""

from __future__ import annotations

from typing import Unpack

from wren_async import wren
from wren_async.sync.client import SyncClient, SyncClientOptions
from wren_async.sync.methods import SyncResource, awaited, group, listed, sent, walked_by_offset


class OffsetOrders(SyncResource):
    """Orders of carbon offsets by weight."""

    create = sent(wren.OffsetOrders.create)
    list = listed(wren.OffsetOrders.list)
    list_public = listed(wren.OffsetOrders.list_public)
    certificate = awaited(wren.OffsetOrders.certificate)


class ProjectOrders(SyncResource):
    """Orders that fund one project by an amount of money."""

    create = sent(wren.ProjectOrders.create)


class TreeOrders(SyncResource):
    """Orders of planted trees."""

    create = sent(wren.TreeOrders.create)
    preview = sent(wren.TreeOrders.preview)
    list = listed(wren.TreeOrders.list)


class WrenPortfolios(SyncResource):
    """The portfolios that offsets are bought from."""

    list = listed(wren.Portfolios.list)


class Purchases(SyncResource):
    """Payments, each with what it bought."""

    list = listed(wren.Purchases.list)


class ProjectDonations(SyncResource):
    """What was given to projects that offset nothing by weight."""

    list = listed(wren.ProjectDonations.list)


class Credits(SyncResource):
    """The prepaid wallet, in USD cents."""

    top_up = sent(wren.Credits.top_up)
    balance = sent(wren.Credits.balance)
    ledger = walked_by_offset(wren.Credits.ledger)


class WrenClient(SyncClient[wren.WrenClient]):
    """A client of the Wren API without `await`. Use it with `with`, one for the life of the program.

    Everything is as with `wren_async.WrenClient`: an order whose answer was lost is never sent again on a guess, and
    ends in `OutcomeUnknown`.
    """

    __slots__ = ()

    def __init__(self, token: str | None = None, **options: Unpack[SyncClientOptions]) -> None:
        """Make a client.

        Args:
            token: A live, personal or test token; `WREN_API_TOKEN` of the environment if left out.
            options: As for `wren_async.WrenClient`.

        Raises `InvalidConfiguration`, and `TypeError` for an option that does not exist. Sends nothing.
        """
        try:
            self._begin(wren.WrenClient(token, **options))
        finally:
            # A traceback may show the variables of this function.
            token = None
            options = SyncClientOptions()

    @property
    def is_test(self) -> bool:
        """Whether the token is a test token: answers are canned, nothing is bought or kept."""
        return self._target.is_test

    offset_orders = group(OffsetOrders)
    project_orders = group(ProjectOrders)
    tree_orders = group(TreeOrders)
    portfolios = group(WrenPortfolios)
    purchases = group(Purchases)
    project_donations = group(ProjectDonations)
    credits = group(Credits)

    checkpoint = awaited(wren.WrenClient.checkpoint)
    reconcile = awaited(wren.WrenClient.reconcile)
    reconcile_many = awaited(wren.WrenClient.reconcile_many)
    find_or_place = awaited(wren.WrenClient.find_or_place)
