# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""Hosted payment pages for buyers."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Unpack

from wren_async._generated.cnaught import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "CREATE_CHECKOUT_SESSION",
    "GET_CHECKOUT_SESSION",
    "create_checkout_session",
    "get_checkout_session",
]


CREATE_CHECKOUT_SESSION: Final[Operation[models.CheckoutSession]] = Operation(
    id="createCheckoutSession",
    method="POST",
    path="/checkout/sessions",
    answer=Lazy(lambda: models.CheckoutSession),
    effect=Effect.ONCE,
    content_type="application/json",
    subaccount_header="X-Subaccount-Id",
)


def create_checkout_session(
    *,
    amount_kg: Decimal | int,
    success_url: str,
    cancel_url: str,
    description: str | None | Unset = UNSET,
    portfolio_id: str | None | Unset = UNSET,
    notification_config: models.NotificationConfig | None | Unset = UNSET,
    subaccount_id: str | None | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.CheckoutSession]:
    """Open a hosted payment page for a purchase.

    Creates a session and returns the address of a payment page to send the buyer to; the buyer pays there, which places
    an order. The price must come to at least 50 US cents. There is no idempotency key: sent twice, it makes two
    sessions. A mass that is not above 0, or a URL that is not absolute with https, is meant to be refused with status
    400. With a subaccount the session and its order belong to it.

    Args:
        amount_kg: Mass to offset, in kilograms of CO2e, above 0. The price must come to at least 50 US cents; ask with
            a quote of source `checkout`.
        success_url: Where the buyer returns after paying. Absolute, with https. The text `{CHECKOUT_SESSION_ID}` in it,
            braces not percent-encoded, stands for the id of the session; with it, this is no URI by RFC 3986.
        cancel_url: Where the buyer goes who leaves the page. Absolute, with https.
        description: Public text of the order, printed on the certificate.
        portfolio_id: Portfolio whose projects fulfil the order. Left out or null: the default portfolio of the
            subaccount or account.
        notification_config: Where to report changes of the order's state. Left out or null: nothing is reported.
        subaccount_id: Id of the subaccount to act for. Left out, the client's; `None` acts for the parent account.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is lost it
    raises `OutcomeUnknown`.

    Source: docs.cnaught.com, CreateCheckoutSession; CNaught Node SDK 3.1.0 (2025-03-07); CNaught Node SDK 3.1.0,
    integration tests
    """
    return Call(
        operation=CREATE_CHECKOUT_SESSION,
        body=models.CheckoutSessionRequest(
            amount_kg=arguments.decimal("amount_kg", amount_kg, above=0),
            success_url=arguments.text("success_url", success_url),
            cancel_url=arguments.text("cancel_url", cancel_url),
            description=arguments.text("description", description, nullable=True),
            portfolio_id=arguments.text("portfolio_id", portfolio_id, nullable=True),
            notification_config=arguments.instance(
                "notification_config", notification_config, models.NotificationConfig, nullable=True
            ),
        ),
        subaccount_id=subaccount_id,
        **options,
    )


GET_CHECKOUT_SESSION: Final[Operation[models.CheckoutSession]] = Operation(
    id="getCheckoutSession",
    method="GET",
    path="/checkout/sessions/{id}",
    answer=Lazy(lambda: models.CheckoutSession),
    effect=Effect.READ,
)


def get_checkout_session(
    session_id: str,
    **options: Unpack[CallOptions],
) -> Call[models.CheckoutSession]:
    """Get a checkout session.

    Returns a checkout session and where it stands. It does not name the order it led to: look for the order whose
    `checkout_session_id` is its id.

    Args:
        session_id: Id of the checkout session.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: docs.cnaught.com, GetCheckoutSessionById; CNaught Node SDK 3.1.0 (2025-03-07)
    """
    return Call(
        operation=GET_CHECKOUT_SESSION,
        path={"id": arguments.identifier("session_id", session_id)},
        **options,
    )
