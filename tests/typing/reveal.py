"""What type checkers make of the public face. Never run: `test_types.py` has mypy and pyright read it.

A line with `# type: ignore[...]` must be an error: where it is none, the comment is unused, and that fails.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportUnusedFunction=false, reportUnusedExpression=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import wren_async.cnaught
import wren_async.sync
import wren_async.wren
from wren_async import (
    UNSET,
    APIError,
    Call,
    CallError,
    CNaughtClient,
    CursorPager,
    Document,
    Effect,
    InvalidParameters,
    OffsetPage,
    OffsetPager,
    Operation,
    Outcome,
    OutcomeUnknown,
    Page,
    Placed,
    RateLimited,
    Reply,
    RetryPolicy,
    Timing,
    WholeList,
    WrenClient,
    from_dict,
    from_json,
    parse_order_notification,
    to_dict,
    to_json,
)
from wren_async._generated.cnaught.operations.orders import CREATE_ORDER
from wren_async._lazy import Lazy
from wren_async.models import cnaught as cnaught_models
from wren_async.models import wren as wren_models
from wren_async.models.cnaught import Order, OrderState, Quote, Subaccount
from wren_async.models.wren import LedgerEntry, OffsetOrderReceipt, ProjectDonation


async def orders(client: CNaughtClient) -> None:
    assert_type(await assert_type(client.orders.get("o1"), Coroutine[None, None, Order]), Order)
    assert_type(await client.orders.create(amount_kg=10), Order)
    assert_type(await client.orders.create(amount_kg=Decimal("0.5"), metadata=None, timeout=3), Order)
    assert_type(await client.orders.create_by_price(total_price_usd_cents=3190), Order)
    assert_type(await client.orders.create_ride(distance_km=Decimal("10.5")), Order)
    assert_type(await client.orders.cancel("o1", idempotency_key="k"), Order)
    assert_type(await client.orders.wait_until("o1"), Order)
    assert_type(await client.orders.wait_until("o1", OrderState.CANCELLED, within=9), Order)
    assert_type(await client.orders.wait_until("o1", "placed"), Order)
    assert_type(await client.orders.certificate("o1", to=Path("c.pdf")), Document)
    assert_type(await client.quotes.create(amount_kg=1, source="checkout"), Quote)
    assert_type((await client.impact.data(from_=datetime(2024, 1, 1, tzinfo=UTC))).name, str | None)


async def values(client: CNaughtClient, wren: WrenClient) -> None:
    order = await client.orders.get("o1")
    assert_type(order.amount_kg, Decimal)
    assert_type(order.price_usd_cents, int)
    assert_type(order.state, OrderState | None)
    assert_type(order.created_on, datetime | None)
    assert_type(order.extra_fields, Mapping[str, object])
    receipt = await wren.offset_orders.create(tons=1, payment_method="credits")
    assert_type(receipt, OffsetOrderReceipt)
    assert_type(receipt.amount_charged, int)
    assert_type(receipt.id, str | None)
    assert_type((await wren.credits.balance()).credit_balance_usd_cents, int)
    assert_type(await wren.project_donations.list(), tuple[ProjectDonation, ...])


async def tasks(client: CNaughtClient, wren: WrenClient) -> None:
    async with asyncio.TaskGroup() as group:
        one = group.create_task(client.orders.get("o1"))
        two = group.create_task(wren.credits.balance())
        three = group.create_task(client.subaccounts.delete("s1"))
        four = group.create_task(client.send(wren_async.cnaught.Orders.create(amount_kg=1)))
    assert_type(one, asyncio.Task[Order])
    assert_type(two.result(), wren_models.CreditBalance)
    assert_type(three, asyncio.Task[None])
    assert_type(four.result(), Order)
    both = await asyncio.gather(client.orders.get("o1"), wren.credits.balance())
    assert_type(both, tuple[Order, wren_models.CreditBalance])


async def pagers(client: CNaughtClient, wren: WrenClient) -> None:
    assert_type(client.orders.list(limit=5), CursorPager[Order])
    assert_type(await client.orders.list(), Page[Order])
    async for order in client.orders.list():
        assert_type(order, Order)
    async for page in client.subaccounts.list().pages():
        assert_type(page, Page[Subaccount])
        assert_type(page.items, tuple[Subaccount, ...])
        assert_type(page.cursor, str | None)
    assert_type(wren.credits.ledger(), OffsetPager[LedgerEntry])
    assert_type(await wren.credits.ledger(), OffsetPage[LedgerEntry])
    assert_type([entry.amount_usd_cents async for entry in wren.credits.ledger()], list[int | Decimal])


async def whole_lists(client: CNaughtClient, wren: WrenClient) -> None:
    assert_type(wren.offset_orders.list(), WholeList[wren_models.OffsetOrderList, wren_models.OffsetOrder])
    assert_type(await wren.offset_orders.list(), wren_models.OffsetOrderList)
    async for order in wren.offset_orders.list():
        assert_type(order, wren_models.OffsetOrder)
    async for donation in wren.project_donations.list():
        assert_type(donation, ProjectDonation)
    assert_type([each.id async for each in client.portfolios.list()], list[str])
    assert_type(wren_async.wren.TreeOrders.list(), Call[wren_models.TreeOrderList])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(wren.purchases.list())
    assert_type(task, asyncio.Task[wren_models.PurchaseList])


def plain_data(order: Order) -> None:
    assert_type(to_dict(order), dict[str, Any])
    assert_type(to_json(order), str)
    assert_type(from_dict(Order, {}), Order)
    assert_type(from_json(Quote, b"{}"), Quote)


async def sending(client: CNaughtClient, stream: AsyncIterator[bytes]) -> None:
    call = wren_async.cnaught.Orders.create(amount_kg=1)
    assert_type(call, Call[Order])
    assert_type(await client.send(call), Order)
    assert_type(await client.send_raw(call), Reply[Order])
    assert_type((await client.send_raw(call)).value, Order)
    assert_type(wren_async.wren.OffsetOrders.create(tons=1, payment_method="stripe"), Call[OffsetOrderReceipt])
    search: Operation[dict[str, object]] = Operation(
        id="search", method="GET", path="/search", answer=dict[str, object], effect=Effect.READ
    )
    assert_type(await client.send(Call(operation=search)), dict[str, object])
    own = Operation(id="own", method="GET", path="/own", answer=Own)
    assert_type(own, Operation[Own])
    assert_type(await client.send(Call(operation=own)), Own)
    order = Lazy(lambda: cnaught_models.Order)
    late = Operation(id="late", method="GET", path="/late", answer=order)
    assert_type(late.answer, type[Order])
    assert_type(await client.send(Call(operation=late)), Order)
    assert_type(CREATE_ORDER.answer, type[Order])
    wrong: Operation[Quote] = Operation(id="wrong", method="GET", path="/", answer=order)  # type: ignore[arg-type]
    print(wrong)
    assert_type(await client.subaccounts.logo.upload("s1", Path("logo.png")), Subaccount)
    assert_type(await client.subaccounts.logo.upload("s1", "logo.png"), Subaccount)
    assert_type(await client.subaccounts.logo.upload("s1", b"png", content_type="image/png"), Subaccount)
    assert_type(await client.subaccounts.logo.upload("s1", stream, content_type="image/webp"), Subaccount)
    assert_type(await client.subaccounts.modify("s1", email=None, name=UNSET), Subaccount)


def without_await(client: wren_async.sync.CNaughtClient, wren: wren_async.sync.WrenClient) -> None:
    assert_type(client.orders.create(amount_kg=10), Order)
    assert_type(client.orders.get("o1"), Order)
    assert_type(client.subaccounts.delete("s1"), None)
    assert_type(client.orders.certificate("o1", to=Path("c.pdf")), Document)
    assert_type(client.orders.wait_until("o1", "placed"), Order)
    for order in client.orders.list(limit=5):
        assert_type(order, Order)
    for page in client.subaccounts.list().pages():
        assert_type(page, Page[Subaccount])
    assert_type(client.orders.list().first(), Page[Order])
    assert_type(wren.credits.ledger().first(), OffsetPage[LedgerEntry])
    assert_type([entry.amount_usd_cents for entry in wren.credits.ledger()], list[int | Decimal])
    for portfolio in wren.portfolios.list():
        assert_type(portfolio, wren_models.Portfolio)
    assert_type(wren.offset_orders.list().answer, wren_models.OffsetOrderList)
    assert_type(client.portfolios.list()[0].id, str)
    assert_type(client.send(wren_async.cnaught.Orders.create(amount_kg=1)), Order)
    assert_type(client.with_options(timeout=3), wren_async.sync.CNaughtClient)
    assert_type(client.for_subaccount("s1"), wren_async.sync.CNaughtClient)
    assert_type(client.subaccounts.logo.upload("s1", "logo.png"), Subaccount)
    assert_type(client.find_or_place(wren_async.cnaught.Orders.create(amount_kg=1)), Placed[Order])
    assert_type(client.outcomes, Mapping[str, wren_async.sync.SyncOutcome])
    with wren_async.sync.WrenClient(timeout=3, ceilings=None) as opened:
        assert_type(opened, wren_async.sync.WrenClient)
        assert_type(opened.credits.balance(), wren_models.CreditBalance)
    client.orders.create(amount_kg=0.5)  # type: ignore[arg-type]
    client.orders.create()  # type: ignore[call-arg]
    client.orders.list(limits=5)  # type: ignore[call-arg]
    wren.offset_orders.create(tons=1, payment_method="visa")  # type: ignore[arg-type]
    wren_async.sync.WrenClient(timeot=3)  # type: ignore[call-arg]


class Own:
    """A model of the user's."""


class Scoped(CNaughtClient):
    """A subclass keeps its type."""


async def clients(client: CNaughtClient, wren: WrenClient, scoped: Scoped, timing: Timing) -> None:
    assert_type(client.with_options(timeout=3, retries=RetryPolicy(retries=1)), CNaughtClient)
    assert_type(wren.with_options(deadline=None, headers={"X-Trace": "t"}), WrenClient)
    assert_type(scoped.with_options(retries=2), Scoped)
    assert_type(client.for_subaccount("s1"), CNaughtClient)
    assert_type(wren.is_test, bool)
    assert_type(client.outcomes, Mapping[str, Outcome])
    assert_type(parse_order_notification(b"{}"), Order)
    async with CNaughtClient("key", timing=timing, timeout=None) as opened:
        assert_type(opened, CNaughtClient)
    async with WrenClient(insecure_hosts=["proxy.internal"], max_in_flight=5) as other:
        assert_type(other, WrenClient)


def failures(error: CallError, unknown: OutcomeUnknown, limited: RateLimited, invalid: InvalidParameters) -> None:
    assert_type(error.call, Call[Any])
    assert_type(error.status, int | None)
    assert_type(error.idempotency_key, str | None)
    assert_type(unknown.accepted, bool)
    assert_type(limited.retry_after, float | None)
    assert_type(invalid.errors, dict[str, list[str]])
    if isinstance(error, APIError):
        assert_type(error.problem_type, str | None)


def enums(order: Order) -> str:
    match order.state:
        case OrderState.PLACED:
            return "soon"
        case None:
            return "unknown"
        case _:
            assert_type(order.state.known, bool)
            return order.state


def as_callbacks(client: CNaughtClient) -> None:
    get: Callable[[str], Coroutine[Any, Any, Order]] = client.orders.get
    wrong: Callable[[str], Coroutine[Any, Any, Quote]] = client.orders.get  # type: ignore[assignment]
    print(get, wrong)


async def mistakes(client: CNaughtClient, wren: WrenClient) -> None:
    await client.orders.create()  # type: ignore[call-arg]
    await client.orders.create(amount_kg=0.5)  # type: ignore[arg-type]
    await client.orders.create(amount_kg="1")  # type: ignore[arg-type]
    await client.orders.create(amount_kg=1, total_price_usd_cents=1)  # type: ignore[call-arg]
    await client.orders.create(amount_kg=1, amount=1)  # type: ignore[call-arg]
    await client.orders.create(amount_kg=1, timeout="3")  # type: ignore[arg-type]
    await client.orders.create(1)  # type: ignore[call-arg]
    await client.orders.get()  # type: ignore[call-arg]
    await client.orders.get(7)  # type: ignore[arg-type]
    await client.orders.get("o1", idempotency_key="k")  # type: ignore[call-arg]
    await client.orders.wait_until("o1", "fulfiled")  # type: ignore[arg-type]
    await client.quotes.create(amount_kg=1, source="shop")  # type: ignore[arg-type]
    await client.subaccounts.update("s1")  # type: ignore[call-arg]
    await client.subaccounts.logo.upload("s1", b"png")  # type: ignore[call-overload]
    await client.subaccounts.logo.upload("s1", b"gif", content_type="image/gif")  # type: ignore[call-overload]
    await wren.offset_orders.create(tons=1)  # type: ignore[call-arg]
    await wren.offset_orders.create(tons=1, payment_method="visa")  # type: ignore[arg-type]
    await wren.offset_orders.create(tons=1, payment_method="stripe", note=None)  # type: ignore[arg-type]
    await wren.tree_orders.create(amount_of_trees=Decimal(1), payment_method="stripe")  # type: ignore[arg-type]
    await wren.credits.top_up(amount_in_usd_cents=99.5)  # type: ignore[arg-type]
    client.with_options(timeot=3)  # type: ignore[call-arg]
    client.with_options(timeout="3")  # type: ignore[arg-type]
    CNaughtClient(timing=3)  # type: ignore[arg-type]
    client.timeout = 3  # type: ignore[attr-defined]
    order = await client.orders.get("o1")
    order.amount_kg = Decimal(1)  # type: ignore[misc]
    print(order.amount_kgs)  # type: ignore[attr-defined]
    wren.portfolios.list(expandd=True)  # type: ignore[call-arg]
    await client.send(client.orders.get("o1"))  # type: ignore[arg-type]
    cnaught_models.Order(id="o1")  # type: ignore[call-arg]
    print(client.orders.get("o1").amount_kg)  # type: ignore[attr-defined]
