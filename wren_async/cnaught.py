"""The client of the CNaught API: orders, quotes, subaccounts, checkout sessions and the catalogue."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable, Collection
from typing import TYPE_CHECKING, Final, Literal, Unpack, overload

import attrs

from wren_async._generated.cnaught import models
from wren_async._generated.cnaught.operations import (
    checkout_sessions,
    impact,
    orders,
    portfolios,
    project_categories,
    projects,
    quotes,
    subaccounts,
)
from wren_async.core import arguments
from wren_async.core.auth import base_url as checked_base_url
from wren_async.core.auth import credentials
from wren_async.core.ceilings import Ceilings, checked_ceilings
from wren_async.core.client import USER_AGENT, ClientOptions, HTTPClient, check_options, new_session
from wren_async.core.identity import Identity
from wren_async.core.images import ImageType, to_upload
from wren_async.core.operation import CallOptions
from wren_async.core.printable import printable
from wren_async.core.resource import Resource, bound, listed
from wren_async.core.telemetry import Telemetry
from wren_async.core.timing import Timing
from wren_async.core.values import UNSET, Unset
from wren_async.errors import InvalidArgument, StateNotReached
from wren_async.http.secret import hidden
from wren_async.reconcile.mixins import CNaughtReconciling

if TYPE_CHECKING:
    from wren_async.core.document import Document
    from wren_async.core.paging import CursorPager

CNAUGHT: Final = "https://api.cnaught.com/v1"

_COURSE: Final = ("placed", "fulfilled", "cancelled")
"""The states of an order, which only go forward."""


class Orders(Resource):
    """Orders for carbon credits."""

    create = bound(orders.create_order_by_amount)
    create_by_price = bound(orders.create_order_by_price)
    create_ride = bound(orders.create_ride_order)
    get = bound(orders.get_order)
    cancel = bound(orders.cancel_order)

    def list(
        self,
        *,
        limit: int = 100,
        starting_after: str | Unset = UNSET,
        ending_before: str | Unset = UNSET,
        subaccount_id: str | Unset | None = UNSET,
        prefetch: bool = False,
        **options: Unpack[CallOptions],
    ) -> CursorPager[models.Order]:
        """Walk the orders, newest first.

        `await` the pager for the first page, iterate over it (`async for`) for all orders, or over `pages()`.

        Args:
            limit: Orders asked for with each request, from 1 to 100.
            starting_after: Id of an order: go on from there, back in time.
            ending_before: Id of an order: walk from there to the newest. Excludes `starting_after`.
            subaccount_id: Only this subaccount's orders; left out, the client's.
            prefetch: Fetch the next page while you work on this one.
            options: Time limits, retries and further headers of each request.

        Raises `PagingError` where the list repeats itself. It changes nothing, so each page is tried again after a
        failure.

        Source: https://docs.cnaught.com
        """
        from wren_async.core.paging import CursorPager

        call = self._call(
            "list",
            orders.list_orders,
            limit=limit,
            starting_after=starting_after,
            ending_before=ending_before,
            subaccount_id=subaccount_id,
            **options,
        )
        return CursorPager(
            self._client, call, items=lambda page: page.data, identify=lambda order: order.id, prefetch=prefetch
        )

    async def wait_until(
        self,
        order_id: str,
        state: models.OrderState | Literal["placed", "fulfilled", "cancelled"] = "fulfilled",
        *,
        every: float = 5.0,
        within: float = 300.0,
        subaccount_id: str | Unset | None = UNSET,
        **options: Unpack[CallOptions],
    ) -> models.Order:
        """Look at an order every few seconds until it is in a state.

        Args:
            order_id: The order.
            state: The state to wait for.
            every: Seconds between two looks.
            within: Seconds to wait at most.
            subaccount_id: The subaccount that owns the order; left out, the client's.
            options: Time limits, retries and further headers of each look.

        Raises `StateNotReached` when the time is up, or when the order is past the state, `CallError` where a look
        fails, and `InvalidArgument`. How long CNaught takes to fulfil an order is not documented. It changes nothing,
        and may be repeated.
        """
        wanted = arguments.choice("state", state, models.OrderState)
        if not every > 0:
            raise InvalidArgument("every", f"takes seconds, more than 0; not {every!r}")
        timing = self._client._session.timing
        ends = timing.monotonic() + within
        while True:
            order = await self.get(order_id, subaccount_id=subaccount_id, **options)
            if order.state == wanted:
                return order
            stands = f"order {printable(order_id, 60)} is {printable(str(order.state), 60)}"
            if order.state in _COURSE[_COURSE.index(wanted) :]:
                raise StateNotReached(f"{stands} and will not be {wanted} again")
            if timing.monotonic() + every > ends:
                raise StateNotReached(f"{stands}, not {wanted}, after {within:g} s")
            await timing.sleep(every)

    async def certificate(
        self,
        order: models.Order | str,
        *,
        to: str | os.PathLike[str] | None = None,
        subaccount_id: str | Unset | None = UNSET,
        **options: Unpack[CallOptions],
    ) -> Document:
        """Download the certificate of an order and, with `to`, save it as a file.

        Args:
            order: The order, or its id.
            to: Path of the file to write; replaced whole, or not at all.
            subaccount_id: The subaccount that owns the order, where an id is given.
            options: Time limits, retries and further headers of the look at the order.

        The certificate lies on another host, which gets no API key. It changes nothing, and may be repeated. Raises
        `StateNotReached` for an order that has none, such as a cancelled one, `CallError` where it cannot be fetched,
        and `OSError` where the file cannot be written.
        """
        from wren_async.core.document import download

        if isinstance(order, str):
            order = await self.get(order, subaccount_id=subaccount_id, **options)
        if order.certificate_download_public_url is None:
            raise StateNotReached(
                f"order {printable(order.id, 60)} ({printable(str(order.state), 60)}) has no certificate"
            )
        return await download(self._client, order.certificate_download_public_url, to)


class Quotes(Resource):
    """What a mass, or the emissions of an activity, would cost. A quote reserves nothing."""

    create = bound(quotes.create_quote)
    ride = bound(quotes.create_ride_quote)
    ground_transport = bound(quotes.create_ground_transport_quote)
    flight = bound(quotes.create_flight_quote)
    train = bound(quotes.create_train_quote)
    air_freight = bound(quotes.create_air_freight_quote)
    ground_freight = bound(quotes.create_ground_freight_quote)
    office_space = bound(quotes.create_office_space_quote)


class Impact(Resource):
    """What the account, or a subaccount, has offset."""

    data = bound(impact.get_impact_data)
    hosted_page_config = bound(impact.get_hosted_page_config)


class SubaccountLogo(Resource):
    """The logo of a subaccount."""

    set_from_url = bound(subaccounts.set_subaccount_logo_from_url)
    remove = bound(subaccounts.remove_subaccount_logo)

    @overload
    async def upload(
        self,
        subaccount_id: str,
        image: str | os.PathLike[str],
        *,
        content_type: ImageType | None = None,
        **options: Unpack[CallOptions],
    ) -> models.Subaccount: ...
    @overload
    async def upload(
        self,
        subaccount_id: str,
        image: bytes | AsyncIterable[bytes],
        *,
        content_type: ImageType,
        **options: Unpack[CallOptions],
    ) -> models.Subaccount: ...
    async def upload(
        self,
        subaccount_id: str,
        image: str | os.PathLike[str] | bytes | AsyncIterable[bytes],
        *,
        content_type: ImageType | None = None,
        **options: Unpack[CallOptions],
    ) -> models.Subaccount:
        """Upload an image as the logo.

        Args:
            subaccount_id: The subaccount.
            image: Path of a file, bytes, or an asynchronous stream of bytes.
            content_type: Kind of image; a path's ending tells it, bytes and streams do not.
            options: Time limits, retries and further headers of this call.

        A repeat leaves the same logo, so a path or bytes are tried again after a failure. A stream is sent once. Raises
        `OSError` where the file cannot be read, and `InvalidArgument` for another kind of image.

        Source: https://docs.cnaught.com
        """
        body, kind = await to_upload(image, content_type)
        return await self._client.send(
            self._call(
                "upload", subaccounts.upload_subaccount_logo, subaccount_id, body=body, content_type=kind, **options
            )
        )


class Subaccounts(Resource):
    """Subaccounts, which have orders, quotes and impact of their own."""

    create = bound(subaccounts.create_subaccount)
    get = bound(subaccounts.get_subaccount)
    update = bound(subaccounts.update_subaccount)
    delete = bound(subaccounts.delete_subaccount)

    @property
    def logo(self) -> SubaccountLogo:
        """The logos of subaccounts."""
        return SubaccountLogo(self._client)

    def list(
        self,
        *,
        limit: int = 100,
        starting_after: str | Unset = UNSET,
        ending_before: str | Unset = UNSET,
        prefetch: bool = False,
        **options: Unpack[CallOptions],
    ) -> CursorPager[models.Subaccount]:
        """Walk the subaccounts, newest first. The pager works like that of `orders.list`.

        Args:
            limit: Subaccounts asked for with each request, from 1 to 100.
            starting_after: Id of a subaccount: go on from there, back in time.
            ending_before: Id of a subaccount: walk from there to the newest. Excludes `starting_after`.
            prefetch: Fetch the next page while you work on this one.
            options: Time limits, retries and further headers of each request.

        Source: https://docs.cnaught.com
        """
        from wren_async.core.paging import CursorPager

        call = self._call(
            "list",
            subaccounts.list_subaccounts,
            limit=limit,
            starting_after=starting_after,
            ending_before=ending_before,
            **options,
        )
        return CursorPager(
            self._client, call, items=lambda page: page.data, identify=lambda each: each.id, prefetch=prefetch
        )

    async def modify(
        self,
        subaccount_id: str,
        *,
        name: str | Unset = UNSET,
        email: str | Unset | None = UNSET,
        default_portfolio_id: str | Unset | None = UNSET,
        **options: Unpack[CallOptions],
    ) -> models.Subaccount:
        """Change some attributes of a subaccount and leave the others as they are.

        The API only replaces a subaccount as a whole. So this reads it, merges the changes and writes it back, and a
        change that another program makes in between is overwritten. It may be repeated.

        Args:
            subaccount_id: The subaccount.
            name: New name, at most 512 characters.
            email: New address; `None` clears it.
            default_portfolio_id: New default portfolio; `None` takes the account's.
            options: Time limits, retries and further headers, for the reading and for the writing.
        """
        now = await self.get(subaccount_id, **options)
        return await self.update(
            subaccount_id,
            name=now.name if name is UNSET else name,
            email=now.email if email is UNSET else email,
            default_portfolio_id=now.default_portfolio_id if default_portfolio_id is UNSET else default_portfolio_id,
            **options,
        )


class CheckoutSessions(Resource):
    """Payment pages on which a buyer pays for an order."""

    create = bound(checkout_sessions.create_checkout_session)
    get = bound(checkout_sessions.get_checkout_session)


class Portfolios(Resource):
    """The portfolios that orders are fulfilled from."""

    list = listed(portfolios.list_portfolios, lambda answer: answer.data)
    get = bound(portfolios.get_portfolio)


class Projects(Resource):
    """The projects behind the credits."""

    get = bound(projects.get_project)


class ProjectCategories(Resource):
    """Kinds of projects."""

    get = bound(project_categories.get_project_category)


class CNaughtClient(CNaughtReconciling):
    """A client of the CNaught API. Use it with `async with`, one for the life of the program.

    Each order carries an idempotency key, which is made once for the call. So it is tried again after a failure, and
    placed once.
    """

    __slots__ = ()

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        http_client: HTTPClient | None = None,
        insecure_hosts: Collection[str] = (),
        max_in_flight: int | None = None,
        ceilings: Ceilings | None = None,
        telemetry: Telemetry | None = None,
        timing: Timing | None = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Make a client.

        Args:
            api_key: A key in production or sandbox mode; `CNAUGHT_API_KEY` of the environment if left out.
            base_url: Another server, such as the sandbox's; else `CNAUGHT_BASE_URL`, else CNaught's own.
            http_client: An `httpx.AsyncClient` or `aiohttp.ClientSession` of your own, which stays yours to close; or
                `AiohttpBackend()`, which costs the least CPU. If left out, the library makes its own over httpx: with
                that, https goes through the proxy that the environment names, and plain http does not, because a proxy
                would read the token. Where a server gives two answers to one request, the pool of a client of yours
                takes the second for the answer to the next call, orders included; the library closes such a connection.
            insecure_hosts: Hosts that may be called over plain http, beside this machine.
            max_in_flight: Exchanges that this client and its copies have on the wire at once. If left out: 128 over the
                library's own httpx, 512 over aiohttp, 100 over an httpx client of yours; but no more than a session of
                yours has room for, and no more than half of the files that the process may have open.
            ceilings: How large one order may be. Above a ceiling, nothing is sent and `CeilingExceeded` is raised.
            telemetry: Who is told of calls and attempts: `OpenTelemetry()`, or a function that takes a `CallBegan` and
                returns its `CallEvents`, both of `wren_async.telemetry`. What it raises is logged and changes nothing.
            timing: Clocks, waits and random numbers, for tests.
            options: `timeout` of an attempt (30 unless set) and `deadline` of a call with all its attempts and waits
                (100), both in seconds, or `None` for no limit; `retries` (3), a number or a `RetryPolicy`; further
                `headers`; and `max_answer_bytes`, as for `CallOptions`. `with_options` changes them for a copy.

        Raises `InvalidConfiguration`, and `TypeError` for an option that does not exist. Sends nothing.
        """
        # Only secrets from here on: a traceback may show the variables of this function.
        (secret, api_key), (address, base_url) = (hidden(api_key), None), (hidden(base_url), None)
        check_options(type(self), options)
        identity = Identity(
            base_url=checked_base_url(
                address, variable="CNAUGHT_BASE_URL", default=CNAUGHT, insecure_hosts=insecure_hosts
            ),
            credentials=credentials(secret, argument="api_key", variable="CNAUGHT_API_KEY"),
            user_agent=USER_AGENT,
            ceilings=checked_ceilings(ceilings),
        )
        self._begin(identity, new_session(http_client, max_in_flight, timing, telemetry), options)

    def for_subaccount(self, subaccount_id: str) -> CNaughtClient:
        """A copy that acts for a subaccount wherever the API allows it. It shares the connections."""
        identity = attrs.evolve(self._identity, subaccount_id=arguments.identifier("subaccount_id", subaccount_id))
        return self._copy(identity, self._limits)

    @property
    def subaccount_id(self) -> str | None:
        """The subaccount that this client acts for; `None` for the parent account."""
        return self._identity.subaccount_id

    @property
    def orders(self) -> Orders:
        """Orders for carbon credits."""
        return self._resource(Orders)

    @property
    def quotes(self) -> Quotes:
        """What an order would cost."""
        return self._resource(Quotes)

    @property
    def impact(self) -> Impact:
        """What was offset."""
        return self._resource(Impact)

    @property
    def subaccounts(self) -> Subaccounts:
        """Subaccounts."""
        return self._resource(Subaccounts)

    @property
    def checkout_sessions(self) -> CheckoutSessions:
        """Payment pages for buyers."""
        return self._resource(CheckoutSessions)

    @property
    def portfolios(self) -> Portfolios:
        """The portfolios that orders are fulfilled from."""
        return self._resource(Portfolios)

    @property
    def projects(self) -> Projects:
        """The projects behind the credits."""
        return self._resource(Projects)

    @property
    def project_categories(self) -> ProjectCategories:
        """Kinds of projects."""
        return self._resource(ProjectCategories)
