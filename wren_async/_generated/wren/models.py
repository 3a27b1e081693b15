# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 24feab187ff7d51128cde55fc27d8f74796a3e7584558b3329de5305d8b63226

"""Models and enums of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import attrs

from wren_async.core.values import JSON, NO_EXTRA, UNSET, OpenStrEnum, Unset

__all__ = [
    "CreditBalance",
    "ErrorMessage",
    "LedgerEntry",
    "LedgerEntryType",
    "LedgerPage",
    "OffsetOrder",
    "OffsetOrderList",
    "OffsetOrderReceipt",
    "OffsetOrderRequest",
    "OffsetOrderStats",
    "OrderedPortfolio",
    "PaymentMethod",
    "Portfolio",
    "PortfolioList",
    "PortfolioProject",
    "ProjectDonation",
    "ProjectImpact",
    "ProjectOrderReceipt",
    "ProjectOrderRequest",
    "PublicOffsetOrderList",
    "Purchase",
    "PurchaseList",
    "TopUpReceipt",
    "TopUpRequest",
    "TreeImpact",
    "TreeOrder",
    "TreeOrderList",
    "TreeOrderReceipt",
    "TreeOrderRequest",
    "TreePreview",
    "TreePreviewRequest",
]


class PaymentMethod(OpenStrEnum):
    """Who pays for an order.

    `stripe` charges the saved card or other payment method; `credits` takes the amount from the prepaid wallet.
    """

    STRIPE = "stripe"
    CREDITS = "credits"


class LedgerEntryType(OpenStrEnum):
    """Kind of a movement.

    `top_up` is money charged and added to the wallet; `deduction` is money taken for an order; `refund` is money given
    back.
    """

    TOP_UP = "top_up"
    DEDUCTION = "deduction"
    REFUND = "refund"


@attrs.frozen(kw_only=True)
class OffsetOrderRequest:
    """An order of carbon offsets by weight."""

    tons: Decimal
    """Weight to offset, in tonnes of CO2e. Must be above zero; no maximum is documented."""
    portfolio_id: int | Unset = attrs.field(default=UNSET, metadata={"wire": "portfolioId"})
    """Id of the portfolio to buy from, as in the list of portfolios. The Wren Climate Fund when absent."""
    note: str | Unset = UNSET
    """Free text of the caller, copied onto every order row of the order and shown in the list of orders.

    No limit of length is documented.
    """
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    send_receipt_email: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "sendReceiptEmail"})
    """If true, Wren mails a receipt. Without effect on a dry run."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Wren documents the card as the default, yet says elsewhere that team tokens pay from the wallet; so always say
    which.
    """
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name shown as the purchaser on the certificate, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""


@attrs.frozen(kw_only=True)
class ProjectOrderRequest:
    """An amount of money for one project."""

    project_id: int = attrs.field(metadata={"wire": "projectId"})
    """Id of the project, as in the projects of a portfolio. Projects sold by the tree are refused."""
    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to spend, in US cents; at least 100, whichever way it is paid."""
    note: str | Unset = UNSET
    """Free text of the caller, kept with the offset orders or donations that come of the order."""
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    send_receipt_email: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "sendReceiptEmail"})
    """If true, Wren mails a receipt. Without effect on a dry run."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Missing from Wren's table of attributes but used in its own examples, so no default is documented; always say which.
    """
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name of the person in whose name the money is given, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""


@attrs.frozen(kw_only=True)
class TreeOrderRequest:
    """An order of trees to be planted."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees; must be above zero."""
    payment_method: PaymentMethod = attrs.field(metadata={"wire": "paymentMethod"})
    """Who pays: the card or the wallet.

    Wren documents the card as the default, yet says elsewhere that team tokens pay from the wallet; so always say
    which. An unknown value is refused with 400.
    """
    note: str | Unset = UNSET
    """Free text of the caller, kept with the order. Whether the list of tree orders shows it is not stated."""
    dry_run: bool | Unset = attrs.field(default=UNSET, metadata={"wire": "dryRun"})
    """If true, the order is only priced; nothing is bought or charged."""
    on_behalf_of_name: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfName"})
    """Name of the person in whose name the trees are planted, at most 200 characters."""
    on_behalf_of_email: str | Unset = attrs.field(default=UNSET, metadata={"wire": "onBehalfOfEmail"})
    """Mail address kept with the order, at most 320 characters. Nothing is ever mailed to it."""


@attrs.frozen(kw_only=True)
class TreePreviewRequest:
    """A number of trees to be priced."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees, at least 1."""


@attrs.frozen(kw_only=True)
class TopUpRequest:
    """An amount to add to the wallet."""

    amount_in_usd_cents: int = attrs.field(metadata={"wire": "amountInUsdCents"})
    """Amount to charge and add, in US cents; at least 100."""


@attrs.frozen(kw_only=True)
class OffsetOrderReceipt:
    """What an order of offsets cost, or would cost when it was a dry run."""

    id: str | None = None
    """Id of the order group, which also leads to the certificate: a Stripe charge id when paid by card, presumably a
    UUID when paid from the wallet, beginning with `test_oo_` in test mode.

    Null for a dry run. Opaque.
    """
    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of `currency` (cents for USD; yen for JPY). A fraction is rounded up."""
    currency: str
    """Upper-case code of the currency charged: the caller's own for a card, presumably USD for the wallet, always USD
    in test mode.
    """
    tons: Decimal
    """Weight ordered, in tonnes of CO2e."""
    portfolio: OrderedPortfolio | None = attrs.field(default=None, metadata={"lenient": True})
    """The portfolio bought from. Seen in answers of 2021; it may be absent today."""
    payment_method: PaymentMethod | None = attrs.field(default=None, metadata={"wire": "paymentMethod"})
    """Says `credits` when the wallet paid; absent when the card did."""
    credits_remaining: int | None = attrs.field(default=None, metadata={"wire": "creditsRemaining"})
    """US cents left in the wallet after the order; absent when the card paid.

    On a dry run and in test mode only a hint.
    """
    test: bool | None = None
    """True when a test token was used; absent otherwise."""
    dry_run: bool | None = attrs.field(default=None, metadata={"wire": "dryRun", "lenient": True})
    """True for a dry run. Seen in answers of 2021; it may be absent today."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OrderedPortfolio:
    """The portfolio as it may come inside the receipt of an offset order.

    Known from answers of 2021, and nothing of it is certain.
    """

    id: int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the portfolio."""
    name: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Name of the portfolio."""
    description: str | None = attrs.field(default=None, metadata={"lenient": True})
    """What the portfolio is made of, for people."""
    cost_per_ton: Decimal | None = attrs.field(
        default=None, metadata={"wire": "costPerTon", "aliases": ("cost_per_ton",), "lenient": True}
    )
    """Blended price of the portfolio, in US dollars per tonne of CO2e."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectOrderReceipt:
    """What an order for a project cost, or would cost when it was a dry run."""

    id: str | None = None
    """Id of the order group: a Stripe charge id when paid by card, presumably a UUID when paid from the wallet,
    beginning with `test_po_` in test mode.

    Null for a dry run. Opaque.
    """
    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of `currency`. A fraction is rounded up."""
    currency: str
    """Upper-case code of the currency charged: the caller's own for a card, presumably USD for the wallet, always USD
    in test mode.
    """
    impact: ProjectImpact | None = attrs.field(default=None, metadata={"lenient": True})
    """What the money does. For a project without a price per tonne it may be absent or empty."""
    payment_method: PaymentMethod | None = attrs.field(default=None, metadata={"wire": "paymentMethod"})
    """Says `credits` when the wallet paid; absent when the card did."""
    credits_remaining: int | None = attrs.field(default=None, metadata={"wire": "creditsRemaining"})
    """US cents left in the wallet after the order; absent when the card paid.

    On a dry run and in test mode only a hint.
    """
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """True when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectImpact:
    """What an order for a project achieves."""

    tons: Decimal | None = None
    """Weight offset, in tonnes of CO2e. Absent for a project without a price per tonne."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TreeOrderReceipt:
    """What an order of trees cost, or would cost when it was a dry run."""

    id: str | None = None
    """Id of the order group: a Stripe charge id when paid by card, a UUID when paid from the wallet, beginning with
    `test_to_` in test mode.

    Null for a dry run. Opaque.
    """
    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of `currency`, so 5000 is 50.00 USD. A fraction is rounded up."""
    currency: str
    """Upper-case code of the currency charged: the caller's own for a card, USD for the wallet and in test mode."""
    impact: TreeImpact
    """What is planted."""
    payment_method: PaymentMethod | None = attrs.field(default=None, metadata={"wire": "paymentMethod"})
    """Says `credits` when the wallet paid; absent when the card did."""
    credits_remaining: int | None = attrs.field(default=None, metadata={"wire": "creditsRemaining"})
    """US cents left in the wallet after the order; absent when the card paid.

    On a dry run and in test mode only a hint.
    """
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """True when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TreeImpact:
    """What an order of trees achieves."""

    trees: int
    """Number of trees of the order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TreePreview:
    """The price of a number of trees. The unit of both prices is not stated."""

    amount_of_trees: int = attrs.field(metadata={"wire": "amountOfTrees"})
    """Number of trees priced."""
    price_in_usd: Decimal = attrs.field(metadata={"wire": "priceInUSD"})
    """Price in US money, passed through as it comes: probably dollars, perhaps cents."""
    price_in_user_currency: Decimal = attrs.field(metadata={"wire": "priceInUserCurrency"})
    """Price in the caller's currency, whose code does not come along; in the same doubtful unit as the other price."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TopUpReceipt:
    """What a top-up charged and the balance after it."""

    amount_charged: int = attrs.field(metadata={"wire": "amountCharged"})
    """Amount charged, in the smallest unit of the caller's currency, so 10000 is 100.00 USD.

    As the currency may not come along, rely on `credit_balance` instead.
    """
    id: str
    """Stripe charge id of the top-up. Its form in test mode is not stated."""
    credit_balance: int = attrs.field(metadata={"wire": "creditBalance"})
    """Balance of the wallet after the top-up, in US cents."""
    currency: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Upper-case code of the currency charged. Not documented; orders have it."""
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """True when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class CreditBalance:
    """The balance of the wallet."""

    credit_balance_usd_cents: int = attrs.field(metadata={"wire": "creditBalanceUsdCents"})
    """Balance of the wallet in US cents, so 10000 is 100.00 USD."""
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """Perhaps true when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class LedgerPage:
    """A page of the wallet's ledger, newest entries first."""

    entries: tuple[LedgerEntry, ...]
    """The entries of the page, newest first."""
    total: int
    """Number of entries on all pages together."""
    limit: int
    """Greatest number of entries on a page, as the server used it."""
    offset: int
    """Number of entries skipped, as the server used it."""
    test: bool | None = attrs.field(default=None, metadata={"lenient": True})
    """Perhaps true when a test token was used; absent otherwise."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """One movement of the wallet."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the entry. Not documented, so it may be absent."""
    amount_usd_cents: int
    """Amount in US cents: above zero for a top-up, below zero for a deduction, and presumably above zero for a refund.
    """
    type: LedgerEntryType
    """What kind of movement it is."""
    order_group_id: str | None = None
    """Id of the order group that a deduction paid for. Null for a top-up; not stated for a refund."""
    stripe_charge_id: str | None = None
    """Stripe charge id of a top-up. Null for a deduction; not stated for a refund."""
    created_at: datetime | None = attrs.field(default=None, metadata={"aliases": ("createdAt",), "lenient": True})
    """When the entry was made. Not documented, so it may be absent."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OffsetOrderList:
    """The caller's offset orders and their summary.

    Until spring 2021 the server sent the bare array of rows instead.
    """

    __bare_array__: ClassVar[str] = "offset_orders"

    stats: OffsetOrderStats | None = attrs.field(default=None, metadata={"lenient": True})
    """Summary of all the caller's orders."""
    offset_orders: tuple[OffsetOrder, ...] = attrs.field(metadata={"wire": "offsetOrders"})
    """The order rows, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OffsetOrderStats:
    """Summary figures of the caller's offset orders.

    The equivalents carry the names that older clients read; the place of rank and percentile is a guess.
    """

    total_tons: Decimal | None = attrs.field(default=None, metadata={"wire": "totalTons", "lenient": True})
    """Weight of all orders, in tonnes of CO2e."""
    approximate_trees_saved_per_year_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateTreesSavedPerYearEquivalent", "lenient": True}
    )
    """The same weight, roughly, as trees saved in a year."""
    approximate_miles_driven_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateMilesDrivenEquivalent", "lenient": True}
    )
    """The same weight, roughly, as miles driven."""
    approximate_flights_taken_equivalent: Decimal | None = attrs.field(
        default=None, metadata={"wire": "approximateFlightsTakenEquivalent", "lenient": True}
    )
    """The same weight, roughly, as flights taken."""
    rank: int | None = attrs.field(default=None, metadata={"lenient": True})
    """Place of the caller among all buyers. Documented by name only."""
    percentile: Decimal | None = attrs.field(default=None, metadata={"lenient": True})
    """Percentile of the caller among all buyers. Documented by name only; its scale is not stated."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class OffsetOrder:
    """One row of an offset order: the part that went to one project. No attribute of it is certain to be there."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the row, which is not the id of the order group."""
    amount_paid_by_customer: int | None = attrs.field(
        default=None, metadata={"aliases": ("amountPaidByCustomer",), "lenient": True}
    )
    """What the row cost, in US cents."""
    tons: Decimal | None = attrs.field(default=None, metadata={"lenient": True})
    """Weight of the row, in tonnes of CO2e."""
    portfolio_id: int | None = attrs.field(default=None, metadata={"aliases": ("portfolioId",), "lenient": True})
    """Id of the portfolio ordered from. Null when there was none."""
    project_id: int | None = attrs.field(default=None, metadata={"aliases": ("projectId",), "lenient": True})
    """Id of the project the row went to."""
    source: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Where the order came from, as Wren names it."""
    note: str | None = attrs.field(default=None, metadata={"lenient": True})
    """The note given with the order. Null when there was none."""
    created_at: datetime | None = attrs.field(
        default=None, metadata={"wire": "createdAt", "aliases": ("created_at",), "lenient": True}
    )
    """When the row was made."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PublicOffsetOrderList:
    """The public feed of offset orders. The server may send the bare array instead."""

    __bare_array__: ClassVar[str] = "offset_orders"

    offset_orders: tuple[OffsetOrder, ...] = attrs.field(metadata={"wire": "offsetOrders"})
    """The order rows, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TreeOrderList:
    """The caller's tree orders. The server may send the bare array instead."""

    __bare_array__: ClassVar[str] = "tree_orders"

    tree_orders: tuple[TreeOrder, ...] = attrs.field(metadata={"wire": "treeOrders"})
    """The tree orders, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class TreeOrder:
    """One order of trees.

    Its fulfilment status and payment details come under names that are not documented. No attribute of it is certain to
    be there.
    """

    id: str | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the order."""
    amount_of_trees: int | None = attrs.field(
        default=None, metadata={"wire": "amountOfTrees", "aliases": ("amount_of_trees",), "lenient": True}
    )
    """Number of trees of the order."""
    created_at: datetime | None = attrs.field(
        default=None, metadata={"wire": "createdAt", "aliases": ("created_at",), "lenient": True}
    )
    """When the order was made."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PortfolioList:
    """The portfolios that can be ordered."""

    portfolios: tuple[Portfolio, ...]
    """The portfolios, in no documented order."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Portfolio:
    """A mix of projects that can be ordered by the tonne.

    In the expanded form the names are in camelCase and more attributes may come.
    """

    id: int
    """Id of the portfolio, as an order wants it."""
    name: str
    """Name of the portfolio."""
    description: str | None = None
    """What the portfolio is made of, for people."""
    cost_per_ton: Decimal | None = attrs.field(default=None, metadata={"aliases": ("costPerTon",), "lenient": True})
    """Blended price in US dollars per tonne of CO2e.

    It is rounded, so a dry run gives the exact charge. Always there in the plain form; what the expanded form holds is
    not documented.
    """
    image_url: str | None = attrs.field(default=None, metadata={"aliases": ("imageUrl",)})
    """Address of a picture of the portfolio."""
    projects: tuple[PortfolioProject, ...] | None = attrs.field(default=None, metadata={"lenient": True})
    """The projects of the portfolio; their percentages add up to 1.

    Always there in the plain form; what the expanded form holds is not documented.
    """
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PortfolioProject:
    """A project and its share of a portfolio."""

    id: int
    """Id of the project, as a project order wants it."""
    name: str
    """Name of the project."""
    description: str | None = attrs.field(default=None, metadata={"lenient": True})
    """What the project does, for people."""
    image_url: str | None = attrs.field(default=None, metadata={"aliases": ("imageUrl",), "lenient": True})
    """Address of a picture of the project."""
    cost_per_ton: Decimal | None = attrs.field(default=None, metadata={"aliases": ("costPerTon",), "lenient": True})
    """Price in US dollars per tonne of CO2e. Absent or null for a project that does not sell tonnes."""
    cost_per_tree: Decimal | None = attrs.field(default=None, metadata={"aliases": ("costPerTree",), "lenient": True})
    """Price in US dollars per tree.

    Present only for a project that is measured in trees, which project orders refuse.
    """
    percentage: Decimal
    """Share of the portfolio as a fraction, so 0.2 is 20 percent."""
    certification_status: str | None = attrs.field(
        default=None, metadata={"aliases": ("certificationStatus",), "lenient": True}
    )
    """State of the project's certification, as free text."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class PurchaseList:
    """The caller's purchases."""

    purchases: tuple[Purchase, ...]
    """The purchases, newest first."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class Purchase:
    """All that one charge paid for, summed up."""

    stripe_charge_id: str | None = attrs.field(default=None, metadata={"wire": "stripeChargeId", "lenient": True})
    """Stripe charge id that the orders share.

    What stands here for orders paid from the wallet is not stated; may be null.
    """
    created_at: datetime = attrs.field(metadata={"wire": "createdAt"})
    """When the purchase was made."""
    total_amount_paid_by_customer: int = attrs.field(metadata={"wire": "totalAmountPaidByCustomer"})
    """Sum of all orders of the charge, in US cents."""
    total_tons: Decimal = attrs.field(metadata={"wire": "totalTons"})
    """Weight of the certified offsets alone, in tonnes of CO2e."""
    has_offset_orders: bool | None = attrs.field(default=None, metadata={"wire": "hasOffsetOrders", "lenient": True})
    """Whether the charge paid for offset orders."""
    has_project_donations: bool | None = attrs.field(
        default=None, metadata={"wire": "hasProjectDonations", "lenient": True}
    )
    """Whether the charge paid for donations to projects."""
    certificate_url: str | None = attrs.field(default=None, metadata={"wire": "certificateUrl"})
    """Address of the page with the impact certificate."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ProjectDonation:
    """Money given to one project that does not sell tonnes."""

    id: str | int | None = attrs.field(default=None, metadata={"lenient": True})
    """Id of the donation."""
    project_id: int | None = attrs.field(default=None, metadata={"wire": "projectId", "lenient": True})
    """Id of the project."""
    user_id: int | None = attrs.field(default=None, metadata={"wire": "userId", "lenient": True})
    """Id of the user who gave."""
    amount_paid_by_customer: Decimal = attrs.field(metadata={"wire": "amountPaidByCustomer"})
    """Amount given, in US cents.

    Fractions of a cent come up when an order of less than a dollar, paid from the wallet, was divided among projects.
    """
    created_at: datetime | None = attrs.field(default=None, metadata={"wire": "createdAt", "lenient": True})
    """When the donation was made."""
    source: str | None = None
    """Where the donation came from, as Wren names it."""
    note: str | None = attrs.field(default=None, metadata={"lenient": True})
    """The note given with the order. Null when there was none."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""


@attrs.frozen(kw_only=True)
class ErrorMessage:
    """Why a request was refused, in words for people.

    There are no error codes; something in between may answer with another body.
    """

    message: str | None = attrs.field(default=None, metadata={"aliases": ("error",), "lenient": True})
    """What is wrong."""
    extra_fields: Mapping[str, JSON] = attrs.field(default=NO_EXTRA, hash=False, repr=False, metadata={"extra": True})
    """What the server sent and the contract does not know, by its name on the wire."""
