"""The client of the CNaught API without `await`."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any, TypeVar, Unpack, overload

from wren_async import cnaught
from wren_async.core.images import ImageType
from wren_async.core.operation import CallOptions
from wren_async.errors import OutcomeUnknown
from wren_async.models.cnaught import Subaccount
from wren_async.reconcile import SETTLE_TIME, Unsettled, Verdict
from wren_async.sync.client import SyncClient, SyncClientOptions
from wren_async.sync.methods import SyncResource, awaited, group, listed, sent, walked_by_cursor

T = TypeVar("T")


class Orders(SyncResource):
    """Orders for carbon credits."""

    create = sent(cnaught.Orders.create)
    create_by_price = sent(cnaught.Orders.create_by_price)
    create_ride = sent(cnaught.Orders.create_ride)
    get = sent(cnaught.Orders.get)
    cancel = sent(cnaught.Orders.cancel)
    list = walked_by_cursor(cnaught.Orders.list)
    wait_until = awaited(cnaught.Orders.wait_until)
    certificate = awaited(cnaught.Orders.certificate)


class Quotes(SyncResource):
    """What a mass, or the emissions of an activity, would cost. A quote reserves nothing."""

    create = sent(cnaught.Quotes.create)
    ride = sent(cnaught.Quotes.ride)
    ground_transport = sent(cnaught.Quotes.ground_transport)
    flight = sent(cnaught.Quotes.flight)
    train = sent(cnaught.Quotes.train)
    air_freight = sent(cnaught.Quotes.air_freight)
    ground_freight = sent(cnaught.Quotes.ground_freight)
    office_space = sent(cnaught.Quotes.office_space)


class Impact(SyncResource):
    """What the account, or a subaccount, has offset."""

    data = sent(cnaught.Impact.data)
    hosted_page_config = sent(cnaught.Impact.hosted_page_config)


class SubaccountLogo(SyncResource):
    """The logo of a subaccount."""

    set_from_url = sent(cnaught.SubaccountLogo.set_from_url)
    remove = sent(cnaught.SubaccountLogo.remove)

    @overload
    def upload(
        self,
        subaccount_id: str,
        image: str | os.PathLike[str],
        *,
        content_type: ImageType | None = None,
        **options: Unpack[CallOptions],
    ) -> Subaccount: ...
    @overload
    def upload(
        self, subaccount_id: str, image: bytes, *, content_type: ImageType, **options: Unpack[CallOptions]
    ) -> Subaccount: ...
    def upload(
        self,
        subaccount_id: str,
        image: str | os.PathLike[str] | bytes,
        *,
        content_type: ImageType | None = None,
        **options: Unpack[CallOptions],
    ) -> Subaccount:
        """Upload an image as the logo: the path of a file, or bytes with their `content_type`.

        A repeat leaves the same logo, so it is tried again after a failure. Raises `OSError` where the file cannot be
        read, and `InvalidArgument` for another kind of image.
        """
        self._portal.check()
        target: Any = self._target
        changed: Coroutine[Any, Any, Subaccount] = target.upload(
            subaccount_id, image, content_type=content_type, **options
        )
        return self._portal.run(changed)


class Subaccounts(SyncResource):
    """Subaccounts, which have orders, quotes and impact of their own."""

    create = sent(cnaught.Subaccounts.create)
    get = sent(cnaught.Subaccounts.get)
    update = sent(cnaught.Subaccounts.update)
    delete = sent(cnaught.Subaccounts.delete)
    list = walked_by_cursor(cnaught.Subaccounts.list)
    modify = awaited(cnaught.Subaccounts.modify)
    logo = group(SubaccountLogo)


class CheckoutSessions(SyncResource):
    """Payment pages on which a buyer pays for an order."""

    create = sent(cnaught.CheckoutSessions.create)
    get = sent(cnaught.CheckoutSessions.get)


class CNaughtPortfolios(SyncResource):
    """The portfolios that orders are fulfilled from."""

    list = listed(cnaught.Portfolios.list)
    get = sent(cnaught.Portfolios.get)


class Projects(SyncResource):
    """The projects behind the credits."""

    get = sent(cnaught.Projects.get)


class ProjectCategories(SyncResource):
    """Kinds of projects."""

    get = sent(cnaught.ProjectCategories.get)


class CNaughtClient(SyncClient[cnaught.CNaughtClient]):
    """A client of the CNaught API without `await`. Use it with `with`, one for the life of the program.

    Everything is as with `wren_async.CNaughtClient`: each order carries an idempotency key, so it is tried again after
    a failure, and placed once.
    """

    __slots__ = ()

    def __init__(self, api_key: str | None = None, **options: Unpack[SyncClientOptions]) -> None:
        """Make a client.

        Args:
            api_key: A key in production or sandbox mode; `CNAUGHT_API_KEY` of the environment if left out.
            options: As for `wren_async.CNaughtClient`.

        Raises `InvalidConfiguration`, and `TypeError` for an option that does not exist. Sends nothing.
        """
        try:
            self._begin(cnaught.CNaughtClient(api_key, **options))
        finally:
            # A traceback may show the variables of this function.
            api_key = None
            options = SyncClientOptions()

    def for_subaccount(self, subaccount_id: str) -> CNaughtClient:
        """A copy that acts for a subaccount wherever the API allows it. It shares thread and connections."""
        return self._copy(self._target.for_subaccount(subaccount_id))

    @property
    def subaccount_id(self) -> str | None:
        """The subaccount that this client acts for; `None` for the parent account."""
        return self._target.subaccount_id

    orders = group(Orders)
    quotes = group(Quotes)
    impact = group(Impact)
    subaccounts = group(Subaccounts)
    checkout_sessions = group(CheckoutSessions)
    portfolios = group(CNaughtPortfolios)
    projects = group(Projects)
    project_categories = group(ProjectCategories)

    @overload
    def reconcile(self, lost: Unsettled[T], *, settle_time: float = ..., search_only: bool = ...) -> Verdict[T]: ...
    @overload
    def reconcile(self, lost: OutcomeUnknown, *, settle_time: float = ..., search_only: bool = ...) -> Verdict[Any]: ...
    def reconcile(
        self, lost: OutcomeUnknown | Unsettled[Any], *, settle_time: float = SETTLE_TIME, search_only: bool = True
    ) -> Verdict[Any]:
        """Find out what became of a write whose answer was lost, as `reconcile` of `wren_async.CNaughtClient` does.

        `settle_time` is in seconds. With `search_only=False` it may send a call again with its key; else it only reads.
        """
        return self.reconcile_many([lost], settle_time=settle_time, search_only=search_only)[0]

    reconcile_many = awaited(cnaught.CNaughtClient.reconcile_many)
    find_or_place = awaited(cnaught.CNaughtClient.find_or_place)
