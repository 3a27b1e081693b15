# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Orders of carbon offsets by weight, spread over the projects of a portfolio."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation, ReferenceField, When
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_OFFSET_ORDER",
    "GET_OFFSET_ORDER_CERTIFICATE",
    "LIST_OFFSET_ORDERS",
    "LIST_PUBLIC_OFFSET_ORDERS",
    "create_offset_order",
    "get_offset_order_certificate",
    "list_offset_orders",
    "list_public_offset_orders",
]


CREATE_OFFSET_ORDER: Final[Operation[models.OffsetOrderReceipt]] = Operation(
    id="createOffsetOrder",
    method="POST",
    path="/api/offset-orders",
    answer=Lazy(lambda: models.OffsetOrderReceipt),
    effect=Effect.ONCE,
    compute_when=When(attribute="dryRun", value=True),
    content_type="application/json",
    reference=ReferenceField(attribute="note"),
)


def create_offset_order(
    *,
    tons: Decimal | int,
    payment_method: models.PaymentMethod | Literal["stripe", "credits"],
    portfolio_id: int | Unset = UNSET,
    note: str | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    send_receipt_email: bool | Unset = UNSET,
    on_behalf_of_name: str | Unset = UNSET,
    on_behalf_of_email: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.OffsetOrderReceipt]:
    """Order carbon offsets by weight.

    Buys `tons` tonnes of CO2e and spreads them over the projects of a portfolio by its weights. Each project gets an
    order row of its own; all rows share one order group, whose id is the `id` of the answer. Costs money at once, from
    the card or from the wallet as `payment_method` says, unless `dry_run` is true. A card payment has to reach 1.00
    USD; a payment from the wallet has no minimum. Wren knows no idempotency key, so sending the order twice buys twice.
    Refused with 400 for bad input or a failed payment and with 402 when the wallet holds too little.

    Args:
        tons: Weight to offset, in tonnes of CO2e. Must be above zero; no maximum is documented.
        payment_method: Who pays: the card or the wallet. Wren documents the card as the default, yet says elsewhere
            that team tokens pay from the wallet; so always say which.
        portfolio_id: Id of the portfolio to buy from, as in the list of portfolios. The Wren Climate Fund when absent.
        note: Free text of the caller, copied onto every order row of the order and shown in the list of orders. No
            limit of length is documented.
        dry_run: If true, the order is only priced; nothing is bought or charged.
        send_receipt_email: If true, Wren mails a receipt. Without effect on a dry run.
        on_behalf_of_name: Name shown as the purchaser on the certificate, at most 200 characters.
        on_behalf_of_email: Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it.
        reference: Your own mark on this order, sent within `note` so that the order can be found again; `None` sends
            none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is lost it
    raises `OutcomeUnknown`. With `dry_run` it keeps nothing and is tried again freely.

    Source: https://www.wren.co/docs/api/offset-orders; https://www.wren.co/docs/api/quickstart;
    https://www.wren.co/docs/api/wren-api.postman_collection.json; API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=CREATE_OFFSET_ORDER,
        body=models.OffsetOrderRequest(
            tons=arguments.decimal("tons", tons, above=0),
            payment_method=arguments.choice("payment_method", payment_method, models.PaymentMethod),
            portfolio_id=arguments.integer("portfolio_id", portfolio_id),
            note=arguments.text("note", note),
            dry_run=arguments.boolean("dry_run", dry_run),
            send_receipt_email=arguments.boolean("send_receipt_email", send_receipt_email),
            on_behalf_of_name=arguments.text("on_behalf_of_name", on_behalf_of_name, max_length=200),
            on_behalf_of_email=arguments.text("on_behalf_of_email", on_behalf_of_email, max_length=320),
        ),
        reference=reference,
        **options,
    )


LIST_OFFSET_ORDERS: Final[Operation[models.OffsetOrderList]] = Operation(
    id="listOffsetOrders",
    method="GET",
    path="/api/offset-orders",
    answer=Lazy(lambda: models.OffsetOrderList),
    effect=Effect.READ,
)


def list_offset_orders(
    **options: Unpack[CallOptions],
) -> Call[models.OffsetOrderList]:
    """List the caller's own offset orders.

    Returns all order rows of the caller, one for each project of an order, together with summary figures. There is no
    paging and no documented order of the rows. The rows are known from older clients and an unofficial profile, so any
    of their attributes may be missing. Whether a team token sees the orders of the whole team is not stated.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/wren-api.postman_collection.json; API Evangelist profile of Wren (2026-07-21);
    https://github.com/bstanfield/wren-api-tutorial; https://github.com/omBratteng/website;
    https://github.com/celo-org/website
    """
    return Call(
        operation=LIST_OFFSET_ORDERS,
        **options,
    )


LIST_PUBLIC_OFFSET_ORDERS: Final[Operation[models.PublicOffsetOrderList]] = Operation(
    id="listPublicOffsetOrders",
    method="GET",
    path="/api/offset-orders/public",
    answer=Lazy(lambda: models.PublicOffsetOrderList),
    effect=Effect.READ,
    credentials="none",
)


def list_public_offset_orders(
    **options: Unpack[CallOptions],
) -> Call[models.PublicOffsetOrderList]:
    """List the public feed of offset orders.

    Returns orders that may be shown to anyone, for leaderboards and feeds. Takes no token, and none should be sent. The
    server answers from a cache of unknown age. The shape of the answer is not documented; it may also be a bare array
    of rows. An unofficial profile lists a 403, which is not to be expected here.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/offset-orders; API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=LIST_PUBLIC_OFFSET_ORDERS,
        **options,
    )


GET_OFFSET_ORDER_CERTIFICATE: Final[Operation[bytes]] = Operation(
    id="getOffsetOrderCertificate",
    method="GET",
    path="/api/offset-orders/certificate/by-group/{id}",
    answer=bytes,
    effect=Effect.READ,
)


def get_offset_order_certificate(
    group_id: str,
    **options: Unpack[CallOptions],
) -> Call[bytes]:
    """Fetch the impact certificate of an order group.

    Returns the certificate for the `id` of a live order. Neither its media type nor whether it redirects to a page
    elsewhere is documented, so the answer is handed over as bytes with its headers. A token is assumed to be needed,
    and must not follow a redirect to another host. Ids of test orders and dry runs lead to no certificate, as nothing
    is stored for them.

    Args:
        group_id: Id of the order group, as the `id` of a live order's receipt: a Stripe charge id or a UUID. Sent as
            one percent-encoded path segment.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/quickstart; API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=GET_OFFSET_ORDER_CERTIFICATE,
        path={"id": arguments.identifier("group_id", group_id)},
        **options,
    )
