"""Every choice that the sandbox's Wren leaves to its user, with the documented safe reading as the default.

Where Wren's documents are silent or disagree, a behaviour picks the other reading, so that a client can be tested
against both. Behaviours may be changed while the sandbox runs; the next request sees the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import attrs

from wren_async.sandbox import bounds
from wren_async.sandbox.exchange import JSON


@attrs.define(kw_only=True)
class WrenBehaviours:
    """How the sandbox's Wren behaves."""

    # Who may call
    unknown_token_status: Literal[401, 403] = 401
    """How a token that is not recognised is refused."""
    missing_token_status: Literal[401, 403] = 403
    """How a request without a token is refused."""
    no_wallet_status: Literal[400, 402, 403] = 400
    """How an order by card is refused when there is no card behind the token."""
    unsupported_in_test_mode_status: Literal[400, 403] = 403
    """How purchases and project donations refuse a test token."""
    team_lists: Literal["team", "token"] = "team"
    """Whose orders are listed for a token of a team: the team's, or only those placed with that very token."""
    preview_is_public: bool = False
    """Whether trees can be priced without a token."""

    # Money
    stripe_minimum_cents: Literal[50, 100] = 100
    """The least that a card is charged for an order: the documented dollar, or the fifty cents of other notes."""
    default_payment_method: Literal["stripe", "credits"] = "stripe"
    """Who pays when an order does not say: the documents disagree."""
    insufficient_credits_status: Literal[402, 400] = 402
    """How an order is refused that the wallet cannot pay."""
    dry_run_checks_minimum: bool = True
    """Whether a dry run is refused below the minimum."""
    dry_run_checks_balance: bool = False
    """Whether a dry run is refused when the wallet could not pay it."""
    dry_run_credits: Literal["current", "hypothetical"] = "current"
    """What `creditsRemaining` of a dry run shows: the balance as it is, or as it would be."""
    currency: str = attrs.field(default="USD", validator=bounds.text())
    """The currency in which the cards of the sandbox's accounts are charged; wallets are always in USD."""
    exchange_rate: Decimal = attrs.field(
        default=Decimal(1), validator=bounds.number(Decimal("0.000001"), Decimal(1_000_000))
    )
    """How many smallest units of that currency a US cent is worth."""
    convert_project_orders: bool = True
    """Whether the US cents of a project order paid by card are converted into that currency."""
    preview_unit: Literal["major", "cents"] = "major"
    """Whether the price of previewed trees is in dollars or in cents."""
    refund_sign: Literal[1, -1] = 1
    """The sign of a refund in the ledger. The wallet rises either way."""

    # What orders may say
    default_portfolio_id: int = attrs.field(default=1, validator=bounds.whole_number(1, 10**15))
    """The portfolio of orders that name none. An id of no preset becomes that of the Wren Climate Fund."""
    tons_limit: Decimal | None = attrs.field(default=None, validator=bounds.optional(bounds.number(0, 10**15)))
    """The most tonnes of an order; any number when None."""
    tons_decimals: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(0, 40)))
    """The most decimals that the tonnes of an order may have; any number when None."""
    note_limit: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(0, 10**6)))
    """The most characters of a note; any number when None."""
    long_on_behalf_of: Literal["refuse", "take"] = "refuse"
    """What becomes of `onBehalfOf…` texts above their documented 200 and 320 characters."""
    form_values: Literal["coerce", "strict"] = "coerce"
    """Whether numbers and truth values of a form are read from their texts, or refused because they are texts."""

    # Answers to orders
    embedded_portfolio: Literal["camel", "snake", "none"] = "camel"
    """How the portfolio in the answer to an offset order is written, if it is there at all."""

    # Test mode
    test_flag_everywhere: bool = True
    """Whether every JSON object answered to a test token carries `test`, or only the answers to orders."""
    test_balance_checked: bool = True
    """Whether an order above the canned balance is refused, or leaves a balance below zero."""
    test_dry_run_id: Literal["null", "prefixed"] = "null"
    """The id of a dry run made with a test token."""
    test_top_up_adds: bool = True
    """Whether a test top-up answers the canned balance raised, or just the canned balance."""

    # Lists
    list_lag: timedelta = attrs.field(default=timedelta(), validator=bounds.duration())
    """How long new orders and donations stay out of the lists, and purchases too."""
    ledger_lag: timedelta = attrs.field(default=timedelta(), validator=bounds.duration())
    """How long new entries stay out of the ledger."""
    rows_with_note: bool = True
    """Whether order rows carry their `note`."""
    tree_rows_with_note: bool = True
    """Whether the rows of tree orders carry their `note`."""
    rows_with_group_id: bool = False
    """Whether order rows name the group they belong to."""
    row_casing: Literal["snake", "camel"] = "snake"
    """How the attributes of offset order rows are written."""
    row_ids: Literal["string", "integer"] = "string"
    """Whether ids of rows are strings or integers."""
    bare_arrays: bool = False
    """Whether the lists of offset and tree orders are bare arrays, without the object around them."""
    public_list: Literal["object", "array"] = "object"
    """Whether the public feed is an object or a bare array."""
    credits_in_purchases: Literal["uuid", "null", "left_out"] = "uuid"
    """How purchases paid from the wallet are listed: under their UUID, under null, or not at all."""

    # The ledger
    ledger_details: bool = True
    """Whether ledger entries carry an id and a time."""
    ledger_casing: Literal["snake", "camel"] = "snake"
    """How the attributes of ledger entries are written."""
    ledger_limits: Literal["refuse", "clamp"] = "refuse"
    """What becomes of a `limit` or `offset` outside of its range."""

    # Certificates
    certificate: Literal["html", "json", "pdf", "redirect"] = "html"
    """What a certificate is: a page, data, a document, or a redirect to the page."""
    certificate_delay: timedelta = attrs.field(default=timedelta(), validator=bounds.duration())
    """How long after its order a certificate is not there yet."""
    certificate_base_url: str | None = attrs.field(default=None, validator=bounds.optional(bounds.web_url()))
    """Where the pages of certificates are; the sandbox itself when None."""

    # Answers in general
    error_key: Literal["message", "error"] = "message"
    """The name of the text in an error."""
    unknown_attributes: Literal["ignore", "refuse"] = "ignore"
    """What becomes of a request with an attribute that the contract does not know."""
    extra_members: Mapping[str, JSON] = attrs.field(factory=dict)
    """Members that no document names, added to every object that is answered, as a newer API would."""
