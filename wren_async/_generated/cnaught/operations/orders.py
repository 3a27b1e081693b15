# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""Buy carbon credits, follow and cancel orders."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation, ReferenceField
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CANCEL_ORDER",
    "CREATE_ORDER",
    "CREATE_RIDE_ORDER",
    "GET_ORDER",
    "LIST_ORDERS",
    "cancel_order",
    "create_order_by_amount",
    "create_order_by_price",
    "create_ride_order",
    "get_order",
    "list_orders",
]


LIST_ORDERS: Final[Operation[models.OrderList]] = Operation(
    id="listOrders",
    method="GET",
    path="/orders",
    answer=Lazy(lambda: models.OrderList),
    effect=Effect.READ,
    subaccount_header="X-Subaccount-Id",
)


def list_orders(
    *,
    limit: int | Unset = UNSET,
    starting_after: str | Unset = UNSET,
    ending_before: str | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.OrderList]:
    """List orders, newest first.

    Returns a page of orders, newest first. There is no filter by state or date. With a subaccount only its orders are
    returned; whether the list without one includes the orders of subaccounts is not stated. Cursors that do not fit are
    refused with status 400.

    Args:
        limit: Most items to return, from 1 to 100; 20 if left out.
        starting_after: Id of an item: only items created earlier than it are returned, without it. The last id of a
            page leads to the next page, back in time. Excludes `ending_before`.
        ending_before: Id of an item: only items created later than it are returned, without it. The first id of a page
            leads to the previous page, toward the newest. The page is newest first too, as we read it. Excludes
            `starting_after`.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, GetListOfOrder; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node
    SDK 3.1.0, integration tests
    """
    return Call(
        operation=LIST_ORDERS,
        query={
            "limit": arguments.integer("limit", limit, minimum=1, maximum=100),
            "starting_after": arguments.text("starting_after", starting_after),
            "ending_before": arguments.text("ending_before", ending_before),
        },
        subaccount_id=subaccount_id,
        **options,
    )


CREATE_ORDER: Final[Operation[models.Order]] = Operation(
    id="createOrder",
    method="POST",
    path="/orders",
    answer=Lazy(lambda: models.Order),
    effect=Effect.KEYED,
    content_type="application/json",
    idempotency_header="Idempotency-Key",
    subaccount_header="X-Subaccount-Id",
    reference=ReferenceField(attribute="metadata", max_length=512),
)


def create_order_by_amount(
    *,
    amount_kg: Decimal | int,
    metadata: str | None | Unset = UNSET,
    description: str | None | Unset = UNSET,
    notification_config: models.NotificationConfig | None | Unset = UNSET,
    portfolio_id: str | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Order]:
    """Order carbon credits by mass or by price.

    Places an order, either of a mass in kilograms of CO2e or for a price in US cents, and bills it to the account. The
    order starts as `placed` and becomes `fulfilled` once matched to credits; how long that takes is not stated. Refused
    with status 403 if billing is not set up or the portfolio is not available. With a subaccount the order belongs to
    it.

    Args:
        amount_kg: Mass to offset, in kilograms of CO2e, above 0. Whole kilograms are what is documented; a fraction may
            come back as a whole number.
        metadata: Private text kept with the order and returned with it, at most 512 characters. A reference of your own
            goes here.
        description: Public text printed on the certificate, at most 512 characters.
        notification_config: Where to report changes of the order's state. Left out or null: nothing is reported.
        portfolio_id: Portfolio whose projects fulfil the order. Left out or null: the default portfolio of the
            subaccount or account.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        idempotency_key: Any text of your own, at most 512 characters, that makes the request safe to repeat: the same
            key and payload again return the first answer and change nothing. A random UUID serves well. How long a key
            is kept is not stated. Left out, each sending gets a key of its own.
        reference: Your own mark on this order, sent within `metadata` so that the order can be found again; `None`
            sends none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: api-reference (2023); docs.cnaught.com, SubmitOrder; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK
    3.1.0, integration tests
    """
    return Call(
        operation=CREATE_ORDER,
        body=models.OrderByAmount(
            amount_kg=arguments.decimal("amount_kg", amount_kg, above=0),
            metadata=arguments.text("metadata", metadata, max_length=512, nullable=True),
            description=arguments.text("description", description, max_length=512, nullable=True),
            notification_config=arguments.instance(
                "notification_config", notification_config, models.NotificationConfig, nullable=True
            ),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
        ),
        subaccount_id=subaccount_id,
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=512),
        reference=reference,
        **options,
    )


def create_order_by_price(
    *,
    total_price_usd_cents: int,
    metadata: str | None | Unset = UNSET,
    description: str | None | Unset = UNSET,
    notification_config: models.NotificationConfig | None | Unset = UNSET,
    portfolio_id: str | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Order]:
    """Order carbon credits by mass or by price.

    Places an order, either of a mass in kilograms of CO2e or for a price in US cents, and bills it to the account. The
    order starts as `placed` and becomes `fulfilled` once matched to credits; how long that takes is not stated. Refused
    with status 403 if billing is not set up or the portfolio is not available. With a subaccount the order belongs to
    it.

    Args:
        total_price_usd_cents: Price to spend, in US cents, above 0.
        metadata: Private text kept with the order and returned with it, at most 512 characters. A reference of your own
            goes here.
        description: Public text printed on the certificate, at most 512 characters.
        notification_config: Where to report changes of the order's state. Left out or null: nothing is reported.
        portfolio_id: Portfolio whose projects fulfil the order. Left out or null: the default portfolio of the
            subaccount or account.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        idempotency_key: Any text of your own, at most 512 characters, that makes the request safe to repeat: the same
            key and payload again return the first answer and change nothing. A random UUID serves well. How long a key
            is kept is not stated. Left out, each sending gets a key of its own.
        reference: Your own mark on this order, sent within `metadata` so that the order can be found again; `None`
            sends none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: api-reference (2023); docs.cnaught.com, SubmitOrder; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK
    3.1.0, integration tests
    """
    return Call(
        operation=CREATE_ORDER,
        body=models.OrderByPrice(
            total_price_usd_cents=arguments.integer("total_price_usd_cents", total_price_usd_cents, above=0),
            metadata=arguments.text("metadata", metadata, max_length=512, nullable=True),
            description=arguments.text("description", description, max_length=512, nullable=True),
            notification_config=arguments.instance(
                "notification_config", notification_config, models.NotificationConfig, nullable=True
            ),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
        ),
        subaccount_id=subaccount_id,
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=512),
        reference=reference,
        **options,
    )


CREATE_RIDE_ORDER: Final[Operation[models.Order]] = Operation(
    id="createRideOrder",
    method="POST",
    path="/orders/ride",
    answer=Lazy(lambda: models.Order),
    effect=Effect.KEYED,
    content_type="application/json",
    idempotency_header="Idempotency-Key",
    subaccount_header="X-Subaccount-Id",
    reference=ReferenceField(attribute="metadata", max_length=512),
    deprecated=(
        "Get a quote from `create_ground_transport_quote` with the vehicle type `passenger_car_van_or_suv` "
        "and pass its `amount_kg` to `create_order_by_amount` or `create_order_by_price`."
    ),
)


def create_ride_order(
    *,
    distance_km: Decimal | int,
    metadata: str | None | Unset = UNSET,
    description: str | None | Unset = UNSET,
    notification_config: models.NotificationConfig | None | Unset = UNSET,
    portfolio_id: str | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Order]:
    """Order the offset of a vehicle ride.

    .. deprecated:: 0.1
        Get a quote from `create_ground_transport_quote` with the vehicle type `passenger_car_van_or_suv` and pass its
        `amount_kg` to `create_order_by_amount` or `create_order_by_price`.

    Works out the emissions of a vehicle ride from its length in kilometres, places an order of that mass and bills it
    to the account. It may be gone, with status 404 or 410.

    Args:
        distance_km: Length of the ride in kilometres, above 0.
        metadata: Private text kept with the order and returned with it, at most 512 characters. A reference of your own
            goes here.
        description: Public text printed on the certificate, at most 512 characters.
        notification_config: Where to report changes of the order's state. Left out or null: nothing is reported.
        portfolio_id: Portfolio whose projects fulfil the order. Left out or null: the default portfolio of the
            subaccount or account.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        idempotency_key: Any text of your own, at most 512 characters, that makes the request safe to repeat: the same
            key and payload again return the first answer and change nothing. A random UUID serves well. How long a key
            is kept is not stated. Left out, each sending gets a key of its own.
        reference: Your own mark on this order, sent within `metadata` so that the order can be found again; `None`
            sends none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: api-reference (2023); docs.cnaught.com, SubmitRideOrder; CNaught Node SDK, git history to 3.0 (2024-12)
    """
    return Call(
        operation=CREATE_RIDE_ORDER,
        body=models.RideOrderRequest(
            distance_km=arguments.decimal("distance_km", distance_km, above=0),
            metadata=arguments.text("metadata", metadata, max_length=512, nullable=True),
            description=arguments.text("description", description, max_length=512, nullable=True),
            notification_config=arguments.instance(
                "notification_config", notification_config, models.NotificationConfig, nullable=True
            ),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
        ),
        subaccount_id=subaccount_id,
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=512),
        reference=reference,
        **options,
    )


GET_ORDER: Final[Operation[models.Order]] = Operation(
    id="getOrder",
    method="GET",
    path="/orders/{id}",
    answer=Lazy(lambda: models.Order),
    effect=Effect.READ,
    subaccount_header="X-Subaccount-Id",
)


def get_order(
    order_id: str,
    *,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Order]:
    """Get an order.

    Returns an order; once it is fulfilled, with the projects whose credits were used. With a subaccount only its orders
    are looked at, so that another one's should be answered with status 404.

    Args:
        order_id: Id of the order.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: api-reference (2023); docs.cnaught.com, GetOrderById; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK
    3.1.0, integration tests
    """
    return Call(
        operation=GET_ORDER,
        path={"id": arguments.identifier("order_id", order_id)},
        subaccount_id=subaccount_id,
        **options,
    )


CANCEL_ORDER: Final[Operation[models.Order]] = Operation(
    id="cancelOrder",
    method="POST",
    path="/orders/{id}/cancel",
    answer=Lazy(lambda: models.Order),
    effect=Effect.KEYED,
    idempotency_header="Idempotency-Key",
    subaccount_header="X-Subaccount-Id",
)


def cancel_order(
    order_id: str,
    *,
    subaccount_id: str | None | Unset = UNSET,
    idempotency_key: str | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.Order]:
    """Cancel an order.

    Cancels a placed or fulfilled order. The price of a fulfilled one is credited to the current invoice, which can be
    that of a later billing period. Both certificate URLs become null. An order that is already cancelled is refused
    with status 403, so a repeat needs the same idempotency key. With a subaccount only its orders can be cancelled.

    Args:
        order_id: Id of the order.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        idempotency_key: Any text of your own, at most 512 characters, that makes the request safe to repeat: the same
            key and payload again return the first answer and change nothing. A random UUID serves well. How long a key
            is kept is not stated. Left out, each sending gets a key of its own.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Every attempt carries the same idempotency key, so it is tried again after a failure and acts once. If no attempt
    gets an answer it raises `OutcomeUnknown`; sending that error's call again is safe.

    Source: api-reference (2023); docs.cnaught.com, CancelOrder; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=CANCEL_ORDER,
        path={"id": arguments.identifier("order_id", order_id)},
        subaccount_id=subaccount_id,
        idempotency_key=arguments.text("idempotency_key", idempotency_key, min_length=1, max_length=512),
        **options,
    )
