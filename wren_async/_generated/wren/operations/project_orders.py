# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""Orders that give an amount of money to one project."""

from __future__ import annotations

from typing import Final, Literal, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation, ReferenceField, When
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_PROJECT_ORDER",
    "create_project_order",
]


CREATE_PROJECT_ORDER: Final[Operation[models.ProjectOrderReceipt]] = Operation(
    id="createProjectOrder",
    method="POST",
    path="/api/project-orders",
    answer=Lazy(lambda: models.ProjectOrderReceipt),
    effect=Effect.ONCE,
    compute_when=When(attribute="dryRun", value=True),
    content_type="application/json",
    reference=ReferenceField(attribute="note"),
)


def create_project_order(
    *,
    project_id: int,
    amount_in_usd_cents: int,
    payment_method: models.PaymentMethod | Literal["stripe", "credits"],
    note: str | Unset = UNSET,
    dry_run: bool | Unset = UNSET,
    send_receipt_email: bool | Unset = UNSET,
    on_behalf_of_name: str | Unset = UNSET,
    on_behalf_of_email: str | Unset = UNSET,
    reference: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.ProjectOrderReceipt]:
    """Give an amount of money to one project.

    Spends `amount_in_usd_cents` US cents, at least 100, on one project. A project with a price per tonne yields offset
    orders and `impact.tons`; one without, such as policy work, yields donations, found under project donations. A
    project sold by the tree is refused; order trees for it. Costs money at once, from the card or from the wallet as
    `payment_method` says, unless `dry_run` is true. Wren knows no idempotency key, so sending the order twice pays
    twice. Refused with 400 for bad input, an unfit project or a failed payment, and presumably with 402 when the wallet
    holds too little.

    Args:
        project_id: Id of the project, as in the projects of a portfolio. Projects sold by the tree are refused.
        amount_in_usd_cents: Amount to spend, in US cents; at least 100, whichever way it is paid.
        payment_method: Who pays: the card or the wallet. Missing from Wren's table of attributes but used in its own
            examples, so no default is documented; always say which.
        note: Free text of the caller, kept with the offset orders or donations that come of the order.
        dry_run: If true, the order is only priced; nothing is bought or charged.
        send_receipt_email: If true, Wren mails a receipt. Without effect on a dry run.
        on_behalf_of_name: Name of the person in whose name the money is given, at most 200 characters.
        on_behalf_of_email: Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it.
        reference: Your own mark on this order, sent within `note` so that the order can be found again; `None` sends
            none.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is lost it
    raises `OutcomeUnknown`. With `dry_run` it keeps nothing and is tried again freely.

    Source: https://www.wren.co/docs/api/project-orders; https://www.wren.co/docs/api/wren-api.postman_collection.json;
    API Evangelist profile of Wren (2026-07-21)
    """
    return Call(
        operation=CREATE_PROJECT_ORDER,
        body=models.ProjectOrderRequest(
            project_id=arguments.integer("project_id", project_id, above=0),
            amount_in_usd_cents=arguments.integer("amount_in_usd_cents", amount_in_usd_cents, minimum=100),
            payment_method=arguments.choice("payment_method", payment_method, models.PaymentMethod),
            note=arguments.text("note", note),
            dry_run=arguments.boolean("dry_run", dry_run),
            send_receipt_email=arguments.boolean("send_receipt_email", send_receipt_email),
            on_behalf_of_name=arguments.text("on_behalf_of_name", on_behalf_of_name, max_length=200),
            on_behalf_of_email=arguments.text("on_behalf_of_email", on_behalf_of_email, max_length=320),
        ),
        reference=reference,
        **options,
    )
