# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 0a973c664304a80f630357fe4c8a861700875ce29c1c7bf9b54a4042208a40b4

"""Models and enums of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import attrs

from wren_async.core.values import JSON, NO_EXTRA, UNSET, OpenStrEnum, Unset

__all__ = [
    "AirFreightQuoteRequest",
    "CategoryAllocation",
    "CheckoutSession",
    "CheckoutSessionRequest",
    "CheckoutSessionState",
    "CreditIssuance",
    "DueDiligenceFigure",
    "Equivalent",
    "FlightQuoteRequest",
    "GroundFreightQuoteRequest",
    "GroundTransportQuoteRequest",
    "HostedPageConfig",
    "ImpactCategory",
    "ImpactCategoryUsage",
    "ImpactData",
    "ImpactEquivalents",
    "ImpactProjectUsage",
    "LogoFromUrlRequest",
    "MassQuoteRequest",
    "NewsArticle",
    "NotableBuyer",
    "NotificationConfig",
    "OfficeSpaceQuoteRequest",
    "Order",
    "OrderByAmount",
    "OrderByPrice",
    "OrderList",
    "OrderState",
    "OrderType",
    "Portfolio",
    "PortfolioDetails",
    "PortfolioList",
    "Problem",
    "ProblemType",
    "Project",
    "ProjectAllocation",
    "ProjectCategory",
    "ProjectDetails",
    "ProjectLifetime",
    "Quote",
    "QuoteSource",
    "Retirement",
    "RideOrderRequest",
    "RideQuoteRequest",
    "Subaccount",
    "SubaccountCreateRequest",
    "SubaccountList",
    "SubaccountUpdateRequest",
    "TrainQuoteRequest",
    "VehicleType",
]


class OrderState(OpenStrEnum):
    """Where an order stands.

    `placed`: accepted, waiting to be matched to credits. `fulfilled`: matched, and the credits are retired.
    `cancelled`: called off, spelt with two l.
    """

    PLACED = "placed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class OrderType(OpenStrEnum):
    """Kind of an order in an older form of the API.

    `generic`: placed by mass or price. `ride`: placed by the length of a vehicle ride.
    """

    GENERIC = "generic"
    RIDE = "ride"


class QuoteSource(StrEnum):
    """Channel through which a quoted order would be placed.

    `api`: through this API, by `create_order_by_amount` or `create_order_by_price`. `checkout`: through a hosted
    checkout session.
    """

    API = "api"
    CHECKOUT = "checkout"


class VehicleType(StrEnum):
    """Vehicle of a journey by road.

    `passenger_car_van_or_suv`: a passenger car, van or sport utility vehicle; the one for rides. `small_bus`: a small
    bus. `school_bus`: a school bus. `coach_bus`: a coach.
    """

    PASSENGER_CAR_VAN_OR_SUV = "passenger_car_van_or_suv"
    SMALL_BUS = "small_bus"
    SCHOOL_BUS = "school_bus"
    COACH_BUS = "coach_bus"


class Equivalent(OpenStrEnum):
    """A comparison on the public impact page.

    `cars`: cars taken off the road. `homes`: yearly energy use of homes. `flights`: flights from Los Angeles to New
    York. `trees`: trees planted.
    """

    CARS = "cars"
    HOMES = "homes"
    FLIGHTS = "flights"
    TREES = "trees"


class CheckoutSessionState(OpenStrEnum):
    """Where a checkout session stands.

    `open`: waiting for the buyer. `complete`: paid, and the order exists. `expired`: ended unpaid.
    """

    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


class ProblemType(OpenStrEnum):
    """Kind of a problem, a URI.

    `https://api.cnaught.com/v1/errors/invalid-parameters`: status 400, a body or query that does not validate; carries
    `errors`. `https://api.cnaught.com/v1/errors/invalid-pagination`: status 400, cursors that do not fit; carries
    `detail`. `https://api.cnaught.com/v1/errors/invalid-subaccount`: status 400, the subaccount header names no usable
    subaccount. `https://api.cnaught.com/v1/errors/idempotency-key-too-long`: status 400, a key of more than 512
    characters. `https://api.cnaught.com/v1/errors/forbidden`: status 403, billing not set up, portfolio not available,
    order already cancelled or subaccounts not enabled. `https://api.cnaught.com/v1/errors/not-found`: status 404, no
    such object. `https://api.cnaught.com/v1/errors/idempotency-concurrent-requests`: status 409, the first request with
    this key is still running. `https://api.cnaught.com/v1/errors/idempotency-changed-payload`: status 422, this key was
    used with another payload.
    """

    INVALID_PARAMETERS = "https://api.cnaught.com/v1/errors/invalid-parameters"
    INVALID_PAGINATION = "https://api.cnaught.com/v1/errors/invalid-pagination"
    INVALID_SUBACCOUNT = "https://api.cnaught.com/v1/errors/invalid-subaccount"
    IDEMPOTENCY_KEY_TOO_LONG = "https://api.cnaught.com/v1/errors/idempotency-key-too-long"
    FORBIDDEN = "https://api.cnaught.com/v1/errors/forbidden"
    NOT_FOUND = "https://api.cnaught.com/v1/errors/not-found"
    IDEMPOTENCY_CONCURRENT_REQUESTS = "https://api.cnaught.com/v1/errors/idempotency-concurrent-requests"
    IDEMPOTENCY_CHANGED_PAYLOAD = "https://api.cnaught.com/v1/errors/idempotency-changed-payload"


@attrs.frozen(kw_only=True)
class Order:
    """An order of carbon credits.

    Only the id, the amount and the price are certain to be there; every other attribute may be missing or null, which
    both read as none.
    """

    id: str
    """Id of the order, set by CNaught. Opaque and case-sensitive; those of the sandbox end in `_sandbox`."""
    order_number: str | None = None
    """Number printed on the certificate, derived from the id."""
    created_on: datetime | None = None
    """When the order was placed, in UTC."""
    metadata: str | None = None
    """Private text given when the order was placed; null if none was."""
    description: str | None = None
    """Public text on the certificate; null if none was given."""
    amount_kg: Decimal
    """Mass ordered, in kilograms of CO2e."""
    state: OrderState | None = None
    """Where the order stands."""
    price_usd_cents: int
    """Price of the order in US cents."""
    callback_url: str | None = None
    """URL that is told of state changes, as given in `notification_config`; null if none was given."""
    certificate_public_url: str | None = None
    """Web page that shows the order and its certificate; null once the order is cancelled.

    Not stated to be set before the order is fulfilled.
    """
    certificate_download_public_url: str | None = None
    """The certificate as a PDF file; null once the order is cancelled.

    Not stated to be set before the order is fulfilled.
    """
    project_allocations: tuple[ProjectAllocation, ...] | None = None
    """The projects whose credits fulfil the order, and how much comes from each.

    Filled once the order is fulfilled; missing, null or empty before.
    """
    subaccount_id: str | None = None
    """Subaccount the order belongs to; null if it belongs to the account itself."""
    checkout_session_id: str | None = None
    """Checkout session the order came from; null if it was placed otherwise."""
    type: OrderType | None = None
    """Deprecated. Kind of the order. An older form of the API sent it; do not count on it."""
    distance_km: Decimal | None = None
    """Deprecated.

    Length of the ride in kilometres, on ride orders only. An older form of the API sent it; do not count on it.
    """
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OrderList:
    """A page of orders, newest first. It carries no total and no mark of the end; an empty page is past it."""

    data: tuple[Order, ...]
    """The orders of this page, newest first; empty past the end."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OrderByAmount:
    """What to order, given as a mass."""

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e, above 0.

    Whole kilograms are what is documented; a fraction may come back as a whole number.
    """
    metadata: str | None | Unset = UNSET
    """Private text kept with the order and returned with it, at most 512 characters.

    A reference of your own goes here.
    """
    description: str | None | Unset = UNSET
    """Public text printed on the certificate, at most 512 characters."""
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """


@attrs.frozen(kw_only=True)
class OrderByPrice:
    """What to order, given as the price to spend.

    The mass follows from the unit price of the portfolio and is a whole number of kilograms, so the final price can
    differ slightly.
    """

    total_price_usd_cents: int
    """Price to spend, in US cents, above 0."""
    metadata: str | None | Unset = UNSET
    """Private text kept with the order and returned with it, at most 512 characters.

    A reference of your own goes here.
    """
    description: str | None | Unset = UNSET
    """Public text printed on the certificate, at most 512 characters."""
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """


@attrs.frozen(kw_only=True)
class RideOrderRequest:
    """A vehicle ride to offset, given by its length."""

    distance_km: Decimal
    """Length of the ride in kilometres, above 0."""
    metadata: str | None | Unset = UNSET
    """Private text kept with the order and returned with it, at most 512 characters.

    A reference of your own goes here.
    """
    description: str | None | Unset = UNSET
    """Public text printed on the certificate, at most 512 characters."""
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """


@attrs.frozen(kw_only=True)
class NotificationConfig:
    """Where CNaught reports that an order was fulfilled or cancelled, by an HTTP POST with the order.

    It tries again for up to 24 hours until the answer has status 200. The POST is not signed: read the order again
    before trusting it.
    """

    url: str
    """URL that takes the POST. Put a token that nobody can guess in it."""


@attrs.frozen(kw_only=True)
class ProjectAllocation:
    """The share of an order that one project fulfils."""

    project: Project
    """The project the credits come from."""
    amount_kg: Decimal
    """Mass from this project, in kilograms of CO2e."""
    retirements: tuple[Retirement, ...] | None = None
    """The retirements in the registry that cover this share."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Retirement:
    """Credits retired in a registry for an order."""

    serial_number_range: str | None = None
    """Serial numbers of the retired credits, as the registry writes them."""
    url: str | None = None
    """Page of the registry that shows the retirement."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Quote:
    """Mass and price an order would have.

    A quote is not kept and reserves nothing; how long its price holds is not stated.
    """

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e."""
    price_usd_cents: int
    """Price in US cents."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class MassQuoteRequest:
    """A mass to price."""

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class RideQuoteRequest:
    """A vehicle ride to price, given by its length."""

    distance_km: Decimal
    """Length of the ride in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from.

    Left out or null: the default portfolio. Not stated for rides, but its successor takes it.
    """


@attrs.frozen(kw_only=True)
class GroundTransportQuoteRequest:
    """A journey by road to price."""

    distance_km: Decimal
    """Distance in kilometres, above 0."""
    vehicle_type: VehicleType
    """Vehicle the journey is made with."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class FlightQuoteRequest:
    """A flight to price."""

    distance_km: Decimal
    """Distance in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class TrainQuoteRequest:
    """A journey by train to price."""

    distance_km: Decimal
    """Distance in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class AirFreightQuoteRequest:
    """Freight carried by air to price."""

    freight_mass_kg: Decimal
    """Mass of the freight in kilograms, above 0."""
    distance_km: Decimal
    """Distance in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class GroundFreightQuoteRequest:
    """Freight carried over land to price."""

    freight_mass_kg: Decimal
    """Mass of the freight in kilograms, above 0."""
    distance_km: Decimal
    """Distance in kilometres, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class OfficeSpaceQuoteRequest:
    """Office space to price."""

    square_footage: Decimal
    """Floor area in square feet, above 0."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio to price the credits from. Left out or null: the default portfolio of the subaccount or account."""
    source: QuoteSource | None | Unset = UNSET
    """Through which channel the order would be placed; prices can differ between the two. Left out: `api`."""


@attrs.frozen(kw_only=True)
class ImpactData:
    """What an account or subaccount has offset over a period."""

    name: str | None = None
    """Name of the account or subaccount."""
    logo_url: str | None = None
    """Logo of the account or subaccount; null if it has none."""
    total_offset_kgs: Decimal
    """Mass retired in the period, in kilograms of CO2e."""
    equivalents: ImpactEquivalents
    """The total in everyday terms."""
    since_date: datetime
    """Start of the period, in UTC: the one asked for, else when use began."""
    to_date: datetime | None = None
    """End of the period, in UTC; null if none was asked for."""
    categories: tuple[ImpactCategoryUsage, ...]
    """The total, split by project category."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ImpactEquivalents:
    """A mass of CO2e in everyday terms. All are plain counts."""

    cars_off_the_road: Decimal
    """Number of cars taken off the road."""
    trees_planted: Decimal
    """Number of trees planted."""
    homes_annual_energy_usage: Decimal | None = attrs.field(
        default=None, metadata={"aliases": ("homes_annual_energy usages",)}
    )
    """Number of homes whose yearly energy use it equals.

    The documentation spells the key in another way; both are read.
    """
    flights_lax_to_nyc: Decimal
    """Number of flights from Los Angeles to New York."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ImpactCategoryUsage:
    """What one project category contributed."""

    category: ImpactCategory
    """The category."""
    offset_kgs: Decimal
    """Mass retired in this category, in kilograms of CO2e."""
    projects: tuple[ImpactProjectUsage, ...]
    """The mass, split by project."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ImpactCategory:
    """A project category as impact data names it."""

    id: str | None = None
    """Id of the category. Older answers carry it, newer ones do not."""
    name: str
    """Name of the category."""
    description: str | None = None
    """What the category is about. Newer answers carry it, older ones do not."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ImpactProjectUsage:
    """What one project contributed."""

    project: Project
    """The project."""
    offset_kgs: Decimal
    """Mass retired from this project, in kilograms of CO2e."""
    vintages: str
    """Year or years in which the credits came about, as text."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class HostedPageConfig:
    """Settings of the public impact page that CNaught hosts."""

    enabled: bool
    """Whether the page is public."""
    url: str | None = None
    """Address of the page; may be null while it is off."""
    enabled_equivalents: tuple[Equivalent, ...]
    """The comparisons the page shows."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Subaccount:
    """A part of the account with orders, a default portfolio and a logo of its own.

    CNaught's support must enable the feature first.
    """

    id: str
    """Id of the subaccount, set by CNaught."""
    created_on: datetime | None = None
    """When the subaccount was created, in UTC."""
    name: str
    """Name of the subaccount."""
    email: str | None = None
    """Mail address of the subaccount; null if none is set."""
    default_portfolio_id: str | None = None
    """Portfolio of its orders that name none; null: the default of the account applies."""
    logo_url: str | None = None
    """Logo, hosted by CNaught; null if there is none. It may change between reads."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class SubaccountList:
    """A page of subaccounts, newest first. It carries no total and no mark of the end; an empty page is past it."""

    data: tuple[Subaccount, ...]
    """The subaccounts of this page, newest first; empty past the end."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class SubaccountCreateRequest:
    """A subaccount to create."""

    name: str
    """Name of the subaccount, at most 512 characters."""
    email: str | None | Unset = UNSET
    """Mail address of the subaccount."""
    default_portfolio_id: str | None | Unset = UNSET
    """Portfolio of its orders that name none. Left out or null: the default of the account applies."""
    logo_url: str | None | Unset = UNSET
    """Address of the logo, which anyone must be able to fetch; CNaught keeps a copy."""


@attrs.frozen(kw_only=True)
class SubaccountUpdateRequest:
    """The whole of a subaccount but its logo: what is left out is cleared."""

    name: str
    """Name of the subaccount, at most 512 characters."""
    email: str | None | Unset = UNSET
    """Mail address of the subaccount. Left out or null: cleared."""
    default_portfolio_id: str | None | Unset = UNSET
    """Portfolio of its orders that name none. Left out or null: cleared, so that the default of the account applies."""


@attrs.frozen(kw_only=True)
class LogoFromUrlRequest:
    """Where to fetch a logo from."""

    logo_url: str
    """Address of the logo, which anyone must be able to fetch.

    It must serve a PNG, JPEG, WebP or SVG image with its content type.
    """


@attrs.frozen(kw_only=True)
class CheckoutSession:
    """A hosted payment page for one purchase.

    It does not name the order it leads to: look for the order whose `checkout_session_id` is its id.
    """

    id: str
    """Id of the session, set by CNaught."""
    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e."""
    price_usd_cents: int
    """Price the buyer pays, in US cents."""
    success_url: str | None = None
    """Where the buyer returns after paying, as given, with any placeholder still in it."""
    cancel_url: str | None = None
    """Where the buyer goes who leaves the page, as given."""
    checkout_url: str
    """Address of the payment page, to send the buyer to."""
    state: CheckoutSessionState
    """Where the session stands."""
    created_on: datetime | None = None
    """When the session was created, in UTC."""
    expires_on: datetime | None = None
    """When the session ends unpaid, in UTC; 24 hours after creation in the documented example."""
    completed_on: datetime | None = None
    """When the buyer paid, in UTC; null until then."""
    portfolio_id: str | None = None
    """Portfolio whose projects fulfil the order."""
    subaccount_id: str | None = None
    """Subaccount of the session and its order; null if the account itself."""
    order_description: str | None = None
    """Public text of the order; `description` in the request. Null if none was given."""
    order_webhook_url: str | None = None
    """URL that is told of the order's state changes; `notification_config` in the request. Null if none was given."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class CheckoutSessionRequest:
    """A purchase to open a hosted payment page for."""

    amount_kg: Decimal
    """Mass to offset, in kilograms of CO2e, above 0.

    The price must come to at least 50 US cents; ask with a quote of source `checkout`.
    """
    success_url: str
    """Where the buyer returns after paying.

    Absolute, with https. The text `{CHECKOUT_SESSION_ID}` in it, braces not percent-encoded, stands for the id of the
    session.
    """
    cancel_url: str
    """Where the buyer goes who leaves the page. Absolute, with https."""
    description: str | None | Unset = UNSET
    """Public text of the order, printed on the certificate."""
    portfolio_id: str | None | Unset = UNSET
    """Portfolio whose projects fulfil the order.

    Left out or null: the default portfolio of the subaccount or account.
    """
    notification_config: NotificationConfig | None | Unset = UNSET
    """Where to report changes of the order's state. Left out or null: nothing is reported."""


@attrs.frozen(kw_only=True)
class Portfolio:
    """A mix of projects that orders can be fulfilled from."""

    id: str
    """Id of the portfolio."""
    name: str
    """Name of the portfolio."""
    summary: str | None = None
    """One or two sentences about it."""
    description: str | None = None
    """Longer text about it."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PortfolioList:
    """The portfolios that may be ordered from. Not paged."""

    data: tuple[Portfolio, ...]
    """The portfolios."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PortfolioDetails:
    """A portfolio with its unit prices and its make-up. The price of an order is rounded up to whole cents."""

    id: str
    """Id of the portfolio."""
    name: str
    """Name of the portfolio."""
    summary: str | None = None
    """One or two sentences about it."""
    description: str | None = None
    """Longer text about it."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    checkout_price_per_kg_usd_cents: Decimal | None = None
    """Unit price in US cents per kilogram of CO2e, possibly a fraction, for orders through checkout sessions or the
    dashboard.
    """
    api_price_per_kg_usd_cents: Decimal | None = None
    """Unit price in US cents per kilogram of CO2e, possibly a fraction, for orders through this API."""
    category_allocations: tuple[CategoryAllocation, ...]
    """The categories it is made of, and the share of each."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class CategoryAllocation:
    """The share of a portfolio that goes to one project category."""

    allocated_fraction: Decimal
    """Share of the portfolio, a fraction from 0 to 1."""
    category: ProjectCategory
    """The category, with its projects."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectCategory:
    """A kind of project, with the projects of that kind."""

    id: str
    """Id of the category."""
    name: str
    """Name of the category."""
    description: str | None = None
    """Text about the category."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    projects: tuple[Project, ...]
    """The projects of the category."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Project:
    """A project that removes or avoids emissions.

    Everything but its id, name, type and goals may be missing or null.
    """

    id: str
    """Id of the project."""
    name: str
    """Name of the project."""
    type: str
    """Kind of the project, as free text."""
    summary: str | None = None
    """One or two sentences about it."""
    description: str | None = None
    """Longer text about it."""
    developer: str | None = None
    """Who runs the project."""
    location_name: str | None = None
    """Where it is, as text."""
    location_latitude: Decimal | None = None
    """Latitude in degrees, north positive."""
    location_longitude: Decimal | None = None
    """Longitude in degrees, east positive."""
    registry_name: str | None = None
    """Registry that lists it. The sandbox sends the text `None`."""
    registry_id: str | None = None
    """Its id in that registry, a text even where it looks like a number."""
    registry_url: str | None = None
    """Its page in that registry."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    un_sdg_goals: tuple[int, ...]
    """Numbers of the United Nations development goals it serves; may be empty."""
    activity_types: tuple[str, ...] | None = None
    """Kinds of work done in it."""
    impact_type: str | None = None
    """Whether it removes or avoids emissions, as free text."""
    methodology: str | None = None
    """Method by which its effect is measured."""
    verifier: str | None = None
    """Who checks its effect."""
    permanence: str | None = None
    """How long the carbon stays stored, as free text."""
    lifetime: ProjectLifetime | None = None
    """The years it runs."""
    due_diligence: str | None = None
    """What CNaught checked before taking it in."""
    beyond_carbon: str | None = None
    """What good it does besides the climate."""
    risk_of_reversal: str | None = None
    """How likely the stored carbon is lost again."""
    third_party_labels: tuple[str, ...] | None = None
    """Labels that others gave it."""
    notable_buyers: tuple[NotableBuyer, ...] | None = None
    """Well-known buyers of its credits."""
    due_diligence_figure: DueDiligenceFigure | None = None
    """A picture of what was checked."""
    news_articles: tuple[NewsArticle, ...] | None = None
    """Articles about it."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectDetails:
    """A project with the credits issued for it."""

    id: str
    """Id of the project."""
    name: str
    """Name of the project."""
    type: str
    """Kind of the project, as free text."""
    summary: str | None = None
    """One or two sentences about it."""
    description: str | None = None
    """Longer text about it."""
    developer: str | None = None
    """Who runs the project."""
    location_name: str | None = None
    """Where it is, as text."""
    location_latitude: Decimal | None = None
    """Latitude in degrees, north positive."""
    location_longitude: Decimal | None = None
    """Longitude in degrees, east positive."""
    registry_name: str | None = None
    """Registry that lists it. The sandbox sends the text `None`."""
    registry_id: str | None = None
    """Its id in that registry, a text even where it looks like a number."""
    registry_url: str | None = None
    """Its page in that registry."""
    primary_image_url: str | None = None
    """Picture that stands for it."""
    un_sdg_goals: tuple[int, ...]
    """Numbers of the United Nations development goals it serves; may be empty."""
    activity_types: tuple[str, ...] | None = None
    """Kinds of work done in it."""
    impact_type: str | None = None
    """Whether it removes or avoids emissions, as free text."""
    methodology: str | None = None
    """Method by which its effect is measured."""
    verifier: str | None = None
    """Who checks its effect."""
    permanence: str | None = None
    """How long the carbon stays stored, as free text."""
    lifetime: ProjectLifetime | None = None
    """The years it runs."""
    due_diligence: str | None = None
    """What CNaught checked before taking it in."""
    beyond_carbon: str | None = None
    """What good it does besides the climate."""
    risk_of_reversal: str | None = None
    """How likely the stored carbon is lost again."""
    third_party_labels: tuple[str, ...] | None = None
    """Labels that others gave it."""
    notable_buyers: tuple[NotableBuyer, ...] | None = None
    """Well-known buyers of its credits."""
    due_diligence_figure: DueDiligenceFigure | None = None
    """A picture of what was checked."""
    news_articles: tuple[NewsArticle, ...] | None = None
    """Articles about it."""
    credit_issuances: tuple[CreditIssuance, ...]
    """The credits issued, by year."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class CreditIssuance:
    """Credits issued for one year of a project."""

    vintage_year: int
    """Year in which the effect came about."""
    total_amount: Decimal
    """Amount issued. Its unit is not stated; tonnes of CO2e seem likely."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectLifetime:
    """The years a project runs."""

    start_year: int | None = None
    """First year; null if not known."""
    end_year: int | None = None
    """Last year; null if open or not known."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class NotableBuyer:
    """A well-known buyer of a project's credits."""

    name: str
    """Name of the buyer."""
    logo_url: str | None = None
    """Logo of the buyer."""
    logo_alt_text: str | None = None
    """Text in place of the logo."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class DueDiligenceFigure:
    """A picture of what CNaught checked about a project."""

    description: str | None = None
    """What the picture shows."""
    image_url: str
    """Address of the picture."""
    image_alt_text: str | None = None
    """Text in place of the picture."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class NewsArticle:
    """An article about a project."""

    title: str
    """Headline."""
    url: str
    """Address of the article."""
    author: str | None = None
    """Who wrote or published it."""
    published_on: str | None = None
    """When it was published, as text; its form is not stated."""
    cnaught_take: str | None = None
    """What CNaught says about it."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Problem:
    """What went wrong, as problem details (RFC 9457).

    Any attribute may be missing, and an answer of status 401 or 5xx may carry none of them. Decide by `type`, then by
    the status, never by `title`.
    """

    type: ProblemType | None = attrs.field(default=None, metadata={"lenient": True})
    """Which kind of problem it is. An unknown or missing one means no more than the status does."""
    title: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Short text for people; do not decide by it."""
    status: int | None = attrs.field(default=None, metadata={"lenient": True})
    """The HTTP status, repeated."""
    detail: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Longer text about this case; sent with `invalid-pagination`."""
    instance: str | None = attrs.field(default=None, metadata={"lenient": True})
    """URI of this case; never seen."""
    errors: Mapping[str, tuple[str, ...]] | None = attrs.field(default=None, hash=False, metadata={"lenient": True})
    """What is wrong with each attribute of the request, by its name; only sent with `invalid-parameters`."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
