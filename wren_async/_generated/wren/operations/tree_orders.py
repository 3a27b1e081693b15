# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Orders of planted trees."""

from __future__ import annotations

from typing import Final, Literal, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation, ReferenceField, When
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_TREE_ORDER",
    "LIST_TREE_ORDERS",
    "PREVIEW_TREE_ORDER",
    "create_tree_order",
    "list_tree_orders",
    "preview_tree_order",
]


CREATE_TREE_ORDER: Final[Operation[models.TreeOrderReceipt]] = Operation(
    id="createTreeOrder",
    method="POST",
    path="/api/tree-orders",
    answer=Lazy(lambda: models.TreeOrderReceipt),
    effect=Effect.ONCE,
    compute_when=When(attribute="dryRun", value=True),
    content_type="application/json",
    reference=ReferenceField(attribute="note"),
)


def create_tree_order(
    *,
    amount_of_trees: int,
    payment_method: models.PaymentMethod | Literal["stripe", "credits"],
    note: str | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    on_behalf_of_name: str | Unset = UNSET,
    on_behalf_of_email: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.TreeOrderReceipt]:
    """Order trees to be planted.

    Buys `amount_of_trees` trees; WeForest is the only planter at present. Costs money at once, from the card or from
    the wallet as `payment_method` says, unless `dry_run` is true. A very small card payment is refused with 400. No
    receipt is mailed on request here. Wren knows no idempotency key, so sending the order twice buys twice. Refused
    with 400 for bad input and presumably with 402 when the wallet holds too little.

    Args:
        amount_of_trees: Number of trees; must be above zero.
        payment_method: Who pays: the card or the wallet. Wren documents the card as the default, yet says elsewhere
            that team tokens pay from the wallet; so always say which. An unknown value is refused with 400.
        note: Free text of the caller, kept with the order. Whether the list of tree orders shows it is not stated.
        dry_run: If true, the order is only priced; nothing is bought or charged.
        on_behalf_of_name: Name of the person in whose name the trees are planted, at most 200 characters.
        on_behalf_of_email: Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it.
        reference: Your own mark on this order, sent within `note` so that the order can be found again; `None` sends
            none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is lost it
    raises `OutcomeUnknown`. With `dry_run` it keeps nothing and is tried again freely.

    Source: https://www.wren.co/docs/api/tree-orders; https://www.wren.co/docs/api/wren-api.postman_collection.json; API
    Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=CREATE_TREE_ORDER,
        body=models.TreeOrderRequest(
            amount_of_trees=arguments.integer("amount_of_trees", amount_of_trees, above=0),
            payment_method=arguments.choice("payment_method", payment_method, models.PaymentMethod),
            note=arguments.text("note", note),
            dry_run=arguments.boolean("dry_run", dry_run),
            on_behalf_of_name=arguments.text("on_behalf_of_name", on_behalf_of_name, max_length=200),
            on_behalf_of_email=arguments.text("on_behalf_of_email", on_behalf_of_email, max_length=320),
        ),
        reference=reference,
        **options,
    )


LIST_TREE_ORDERS: Final[Operation[models.TreeOrderList]] = Operation(
    id="listTreeOrders",
    method="GET",
    path="/api/tree-orders",
    answer=Lazy(lambda: models.TreeOrderList),
    effect=Effect.READ,
)


def list_tree_orders(
    **options: Unpack[CallOptions],
) -> Call[models.TreeOrderList]:
    """List the caller's own tree orders.

    Returns all tree orders of the caller, without paging and in no documented order. Wren says that fulfilment status
    and payment details come along but not under which names; they are kept as extra fields. Whether a team token sees
    the orders of the whole team is not stated.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/wren-api.postman_collection.json; API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=LIST_TREE_ORDERS,
        **options,
    )


PREVIEW_TREE_ORDER: Final[Operation[models.TreePreview]] = Operation(
    id="previewTreeOrder",
    method="POST",
    path="/api/tree-orders/preview",
    answer=Lazy(lambda: models.TreePreview),
    effect=Effect.COMPUTE,
    content_type="application/json",
)


def preview_tree_order(
    *,
    amount_of_trees: int,
    **options: Unpack[CallOptions],
) -> Call[models.TreePreview]:
    """Price a number of trees.

    Returns the price of `amount_of_trees` trees in US dollars and in the caller's currency. Places and costs nothing.
    The unit of the prices is not stated, whole currency units being likelier than cents, and they are passed through as
    they come; a dry run of a tree order gives the exact charge. A token is assumed to be needed.

    Args:
        amount_of_trees: Number of trees, at least 1.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It calculates and keeps nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/tree-orders; https://www.wren.co/docs/api/wren-api.postman_collection.json; API
    Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=PREVIEW_TREE_ORDER,
        body=models.TreePreviewRequest(
            amount_of_trees=arguments.integer("amount_of_trees", amount_of_trees, minimum=1)
        ),
        **options,
    )
