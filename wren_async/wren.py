"""The client of the Wren API: orders of offsets, projects and trees, and the wallet that pays for them."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Unpack

from wren_async._generated.wren import models
from wren_async._generated.wren.operations import (
    offset_orders,
    portfolios,
    project_donations,
    project_orders,
    purchases,
    tree_orders,
    wallet,
)
from wren_async.core import arguments
from wren_async.core.auth import base_url as checked_base_url
from wren_async.core.auth import credentials
from wren_async.core.ceilings import Ceilings, checked_ceilings
from wren_async.core.client import USER_AGENT, ClientOptions, HTTPClient, check_options, new_session
from wren_async.core.identity import Identity
from wren_async.core.operation import CallOptions
from wren_async.core.resource import Resource, bound, listed
from wren_async.core.telemetry import Telemetry
from wren_async.core.timing import Timing
from wren_async.http.secret import hidden
from wren_async.reconcile.mixins import WrenReconciling

if TYPE_CHECKING:
    from wren_async.core.document import Document
    from wren_async.core.paging import OffsetPager

WREN: Final = "https://www.wren.co"


class OffsetOrders(Resource):
    """Orders of carbon offsets by weight."""

    create = bound(offset_orders.create_offset_order)
    list = listed(offset_orders.list_offset_orders, lambda answer: answer.offset_orders)
    list_public = listed(offset_orders.list_public_offset_orders, lambda answer: answer.offset_orders)

    async def certificate(
        self, group_id: str, *, to: str | os.PathLike[str] | None = None, **options: Unpack[CallOptions]
    ) -> Document:
        """Download the impact certificate of an order and, with `to`, save it as a file.

        Args:
            group_id: The `id` of the order's receipt.
            to: Path of the file to write; replaced whole, or not at all.
            options: Time limits, retries and further headers of this call.

        What kind of document comes is not documented: look at its `content_type`. Where the server redirects to another
        address, the document is fetched from there without credentials. It changes nothing, and may be repeated.
        Raises `CallError`, and `OSError` where the file cannot be written.

        Source: https://www.wren.co/docs/api/quickstart
        """
        from wren_async.core.document import download

        call = self._call("certificate", offset_orders.get_offset_order_certificate, group_id, **options)
        return await download(self._client, call, to)


class ProjectOrders(Resource):
    """Orders that fund one project by an amount of money."""

    create = bound(project_orders.create_project_order)


class TreeOrders(Resource):
    """Orders of planted trees."""

    create = bound(tree_orders.create_tree_order)
    preview = bound(tree_orders.preview_tree_order)
    list = listed(tree_orders.list_tree_orders, lambda answer: answer.tree_orders)


class Portfolios(Resource):
    """The portfolios that offsets are bought from."""

    list = listed(portfolios.list_portfolios, lambda answer: answer.portfolios)


class Purchases(Resource):
    """Payments, each with what it bought."""

    list = listed(purchases.list_purchases, lambda answer: answer.purchases)


class ProjectDonations(Resource):
    """What was given to projects that offset nothing by weight."""

    list = listed(project_donations.list_project_donations, lambda answer: answer)


class Credits(Resource):
    """The prepaid wallet, in USD cents."""

    top_up = bound(wallet.top_up_credits)
    balance = bound(wallet.get_credit_balance)

    def ledger(
        self,
        *,
        limit: int = 200,
        offset: int = 0,
        prefetch: bool = False,
        at_once: int = 1,
        **options: Unpack[CallOptions],
    ) -> OffsetPager[models.LedgerEntry]:
        """Walk the movements of the wallet, newest first.

        `await` the pager for the first page, or iterate over it (`async for`) for all entries.

        Args:
            limit: Entries asked for with each request, from 1 to 200.
            offset: Entries to leave out, counted from the newest.
            prefetch: Fetch the next page while you work on this one.
            at_once: Pages to fetch at the same time, once the first has told the total.
            options: Time limits, retries and further headers of each request.

        Entries that arrive during the walk neither repeat nor hide others. Raises `PagingError` where the pages
        contradict each other. It changes nothing, so each page is tried again after a failure.

        Source: https://www.wren.co/docs/api/credits
        """
        from wren_async.core.paging import OffsetPager

        return OffsetPager(
            self._client,
            self._call(
                "ledger",
                wallet.list_credit_ledger,
                limit=arguments.integer("limit", limit, minimum=1, maximum=200),
                offset=arguments.integer("offset", offset, minimum=0),
                **options,
            ),
            items=lambda page: page.entries,
            total=lambda page: page.total,
            starts_at=lambda page: page.offset,
            identify=lambda entry: entry.id,
            prefetch=prefetch,
            at_once=arguments.integer("at_once", at_once, minimum=1),
        )


class WrenClient(WrenReconciling):
    """A client of the Wren API. Use it with `async with`, one for the life of the program.

    Wren has no idempotency keys: an order sent twice is an order bought twice. So after a failure an order is sent
    again only with proof that nothing was sent. Without proof, `OutcomeUnknown` is raised, and `reconcile` finds out
    what became of the order, by the reference that it carries in `note`.
    """

    __slots__ = ()

    def __init__(
        self,
        token: str | None = None,
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
            token: A live, personal or test token; `WREN_API_TOKEN` of the environment if left out.
            base_url: Another server, such as the sandbox's; else `WREN_BASE_URL`, else Wren's own.
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
        (secret, token), (address, base_url) = (hidden(token), None), (hidden(base_url), None)
        check_options(type(self), options)
        identity = Identity(
            base_url=checked_base_url(address, variable="WREN_BASE_URL", default=WREN, insecure_hosts=insecure_hosts),
            credentials=credentials(secret, argument="token", variable="WREN_API_TOKEN"),
            user_agent=USER_AGENT,
            ceilings=checked_ceilings(ceilings),
        )
        self._begin(identity, new_session(http_client, max_in_flight, timing, telemetry), options)

    @property
    def is_test(self) -> bool:
        """Whether the token is a test token: answers are canned, nothing is bought or kept."""
        return self._identity.credentials.is_test

    @property
    def offset_orders(self) -> OffsetOrders:
        """Orders of carbon offsets by weight."""
        return self._resource(OffsetOrders)

    @property
    def project_orders(self) -> ProjectOrders:
        """Orders that fund one project by an amount of money."""
        return self._resource(ProjectOrders)

    @property
    def tree_orders(self) -> TreeOrders:
        """Orders of planted trees."""
        return self._resource(TreeOrders)

    @property
    def portfolios(self) -> Portfolios:
        """The portfolios that offsets are bought from."""
        return self._resource(Portfolios)

    @property
    def purchases(self) -> Purchases:
        """Payments, each with what it bought. Live tokens only."""
        return self._resource(Purchases)

    @property
    def project_donations(self) -> ProjectDonations:
        """What was given to projects that offset nothing by weight. Live tokens only."""
        return self._resource(ProjectDonations)

    @property
    def credits(self) -> Credits:
        """The prepaid wallet."""
        return self._resource(Credits)
