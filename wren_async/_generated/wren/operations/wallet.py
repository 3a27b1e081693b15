# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""The prepaid balance of credits: topping up, balance and ledger."""

from __future__ import annotations

from typing import Final, Unpack

from wren_async._generated.wren import models
from wren_async._lazy import Lazy
from wren_async.core import arguments
from wren_async.core.operation import Call, CallOptions, Effect, Operation
from wren_async.core.values import UNSET, Unset

__all__ = [
    "GET_CREDIT_BALANCE",
    "LIST_CREDIT_LEDGER",
    "TOP_UP_CREDITS",
    "get_credit_balance",
    "list_credit_ledger",
    "top_up_credits",
]


TOP_UP_CREDITS: Final[Operation[models.TopUpReceipt]] = Operation(
    id="topUpCredits",
    method="POST",
    path="/api/credits/top-up",
    answer=Lazy(lambda: models.TopUpReceipt),
    effect=Effect.ONCE,
    content_type="application/json",
)


def top_up_credits(
    *,
    amount_in_usd_cents: int,
    **options: Unpack[CallOptions],
) -> Call[models.TopUpReceipt]:
    """Charge the stored card and add the amount to the wallet.

    Charges the saved card or other payment method at once and adds `amount_in_usd_cents` US cents, at least 100, to the
    wallet of the team, or of the user when the token is personal. Wren knows no idempotency key and no dry run here, so
    sending it twice charges twice. Both bad input and a declined card are refused with 400; a caller without an account
    is refused with 403. A test token charges nothing.

    Args:
        amount_in_usd_cents: Amount to charge and add, in US cents; at least 100.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    Sent twice it would act twice, so it is tried again only on proof that nothing was sent; when the answer is lost it
    raises `OutcomeUnknown`.

    Source: https://www.wren.co/docs/api/credits; https://www.wren.co/docs/api/wren-api.postman_collection.json
    """
    return Call(
        operation=TOP_UP_CREDITS,
        body=models.TopUpRequest(
            amount_in_usd_cents=arguments.integer("amount_in_usd_cents", amount_in_usd_cents, minimum=100)
        ),
        **options,
    )


GET_CREDIT_BALANCE: Final[Operation[models.CreditBalance]] = Operation(
    id="getCreditBalance",
    method="GET",
    path="/api/credits/balance",
    answer=Lazy(lambda: models.CreditBalance),
    effect=Effect.READ,
)


def get_credit_balance(
    **options: Unpack[CallOptions],
) -> Call[models.CreditBalance]:
    """Get the balance of the wallet.

    Returns the balance in US cents of the team's wallet, or of the user's when the token is personal. A test token
    always sees a balance of 1000.00 USD, whatever it did before.

    Args:
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/credits
    """
    return Call(
        operation=GET_CREDIT_BALANCE,
        **options,
    )


LIST_CREDIT_LEDGER: Final[Operation[models.LedgerPage]] = Operation(
    id="listCreditLedger",
    method="GET",
    path="/api/credits/ledger",
    answer=Lazy(lambda: models.LedgerPage),
    effect=Effect.READ,
)


def list_credit_ledger(
    *,
    limit: int | Unset = UNSET,
    offset: int | Unset = UNSET,
    **options: Unpack[CallOptions],
) -> Call[models.LedgerPage]:
    """List the entries of the wallet's ledger, newest first.

    Returns a page of the movements of the team's wallet, or of the user's when the token is personal, in US cents.
    Newest come first, so entries that arrive while paging shift the pages and some may be seen twice. A test token sees
    a small fixed sample.

    Args:
        limit: Greatest number of entries on the page, at most 200; 50 when absent. What happens outside the range is
            not stated, and zero or less makes no sense.
        offset: Number of newest entries to skip; 0 when absent. A negative number makes no sense.
        options: Time limits, retries and further headers of this call; see `CallOptions`.

    It changes nothing, so it is tried again after a failure.

    Source: https://www.wren.co/docs/api/credits; https://www.wren.co/docs/api/wren-api.postman_collection.json
    """
    return Call(
        operation=LIST_CREDIT_LEDGER,
        query={"limit": arguments.integer("limit", limit, maximum=200), "offset": arguments.integer("offset", offset)},
        **options,
    )
