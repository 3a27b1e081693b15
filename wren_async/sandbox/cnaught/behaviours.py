"""Every choice that the sandbox's CNaught leaves to its user, with the documented safe reading as the default.

Where the API's documents are silent or disagree, a behaviour picks the other reading, so that a client can be
tested against both. Behaviours may be changed while the sandbox runs; the next request sees the change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Literal

import attrs

from wren_async.sandbox import bounds
from wren_async.sandbox.exchange import JSON

LIVE_KEY_PREFIX = "cnaught_sandbox_live_"
"""How every production-mode key of the sandbox begins. CNaught issues no such keys."""
TEST_KEY_PREFIX = "cnaught_sandbox_test_"
"""How every sandbox-mode key of the sandbox begins."""


@attrs.frozen
class UnitPrices:
    """What a kilogram costs in US cents, through the API and through a checkout session."""

    api: Decimal = attrs.field(default=Decimal(2), validator=bounds.number(Decimal("0.000001"), Decimal(1_000_000)))
    checkout: Decimal = attrs.field(
        default=Decimal(2), validator=bounds.number(Decimal("0.000001"), Decimal(1_000_000))
    )


@attrs.define(kw_only=True)
class CNaughtBehaviours:
    """How the sandbox's CNaught behaves."""

    live_key: str = attrs.field(default=f"{LIVE_KEY_PREFIX}key", validator=bounds.prefixed(LIVE_KEY_PREFIX), repr=False)
    """The only key of production mode. It must begin with `LIVE_KEY_PREFIX`."""
    test_key: str = attrs.field(default=f"{TEST_KEY_PREFIX}key", validator=bounds.prefixed(TEST_KEY_PREFIX), repr=False)
    """The only key of sandbox mode, whose order ids end in `_sandbox`. It must begin with `TEST_KEY_PREFIX`."""

    # The account
    billing_set_up: bool = True
    """Without billing, placing an order is forbidden."""
    subaccounts_enabled: bool = True
    """Without the feature, every use of subaccounts is forbidden."""
    portfolio_ids: tuple[str, ...] = ("oH5hlq", "ixmZSK")
    """The portfolios that the account may use."""
    default_portfolio_id: str = "oH5hlq"
    """What orders are fulfilled from when neither they nor their subaccount name a portfolio."""
    unit_prices: Mapping[str, UnitPrices] = attrs.field(factory=dict)
    """Prices of portfolios, by id, other than the 2 cents a kilogram of all."""
    sample_order: bool = True
    """Whether sandbox mode starts with the well-known fulfilled order `2FhU3B0F36_sandbox`."""
    hosted_page_enabled: bool = True
    """Whether the public impact page is on; while off, its URL is null."""

    # Orders
    fractional_amounts: Literal["floor", "keep"] = "floor"
    """What becomes of a fractional `amount_kg` of an order: 100.5 is answered with 100, or kept."""
    orders_without_header: Literal["all", "parent"] = "all"
    """Whether a request without `X-Subaccount-Id` also reaches the orders and the impact of subaccounts."""
    foreign_order_status: Literal[404, 400, 403] = 404
    """How a request for an order that its subaccount does not own is refused."""
    certificates_while_placed: bool = True
    """Whether an order has its certificate URLs before it is fulfilled."""
    fulfil_after: timedelta | None = attrs.field(default=None, validator=bounds.optional(bounds.duration()))
    """How long after placing an order is fulfilled by itself; never when None."""
    ride_operations: Literal["served", 404, 410] = "served"
    """Whether the two deprecated ride operations still answer, or with which status they are gone."""
    cancelled_spelling: Literal["cancelled", "canceled"] = "cancelled"
    """How the state of a cancelled order is written."""

    # Lists
    default_limit: int = attrs.field(default=20, validator=bounds.whole_number(1, 100))
    """Items of a page when the request names no limit; the other reading is 100."""
    limits: Literal["refuse", "clamp"] = "refuse"
    """Whether a limit outside 1 to 100 is refused, or taken for the nearest one inside."""
    page_clamp: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(1, 100)))
    """The most items that a page holds, whatever the limit of the request says."""
    starting_after: Literal["earlier", "later"] = "earlier"
    """Which items `starting_after` selects; `ending_before` selects the others."""
    ending_before_order: Literal["newest_first", "oldest_first"] = "newest_first"
    """The order of items inside an `ending_before` page."""
    ending_before_page: Literal["nearest", "newest"] = "nearest"
    """Whether an `ending_before` page holds the items next to the cursor or the newest of all."""
    order_list_lag: timedelta = attrs.field(default=timedelta(), validator=bounds.duration())
    """How long a new order stays out of the list."""

    # Idempotency
    idempotency_retention: timedelta = attrs.field(default=timedelta(hours=24), validator=bounds.duration())
    """How long a key and its answer are remembered."""
    idempotency_scope: Literal["path", "account"] = "path"
    """Whether a key is bound to one path, or to all four operations of its account together."""
    idempotency_stores_errors: bool = False
    """Whether a refusal is remembered and replayed as a success is."""

    # Subaccounts and checkout
    delete_with_orders_status: Literal[409, 400, 403] = 409
    """How deleting a subaccount that has orders is refused."""
    signed_logo_urls: bool = False
    """Whether the URL of a logo ends in a signature that changes with the clock."""
    logo_bytes_limit: int | None = attrs.field(default=None, validator=bounds.optional(bounds.whole_number(0, 10**9)))
    """The largest logo that may be uploaded; a larger one is refused with 413."""
    checkout_base_url: str = attrs.field(default="https://checkout.cnaught.com/pay", validator=bounds.web_url())
    """Where checkout pages live; the server points it to its own."""
    checkout_lifetime: timedelta = attrs.field(default=timedelta(hours=24), validator=bounds.duration())
    """How long a checkout session stays open."""
    checkout_minimum_usd_cents: int = attrs.field(default=50, validator=bounds.whole_number(0, 10**15))
    """The least that a checkout session may come to."""

    # Requests and answers
    unknown_attributes: Literal["ignore", "refuse"] = "ignore"
    """Whether an attribute that the contract does not know makes a request invalid."""
    problem_media_type: Literal["application/problem+json", "application/json"] = "application/problem+json"
    """The content type of errors."""
    unauthorized_type: bool = False
    """Whether a 401 carries a problem type, which no document names."""
    homes_key: Literal["homes_annual_energy_usage", "homes_annual_energy usages"] = "homes_annual_energy_usage"
    """The name of the equivalent in homes: the SDK's, or the one of the documents' examples."""
    impact_category: Literal["description", "id"] = "description"
    """Whether a category in impact data carries its description or, as it once did, its id."""
    impact_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    """Which bounds of an impact period count: both, none, or only the first."""
    bare_dates: Literal["refuse", "take"] = "refuse"
    """Whether bounds of an impact period without a time or a zone are refused, or are midnight and UTC."""
    notification_body: Literal["wrapped", "bare"] = "wrapped"
    """Whether a notification holds the order in a member `order`, or is the order."""
    leave_out_nulls: bool = False
    """Whether attributes without a value are left out of answers instead of being null."""
    extra_members: Mapping[str, JSON] = attrs.field(factory=dict)
    """Members that no document names, added to every object that is answered, as a newer API would."""
    success_status: Mapping[str, int] = attrs.field(factory=dict, validator=bounds.statuses_by_name(200, 299))
    """Other success statuses, by `operationId`."""
