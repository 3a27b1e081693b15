"""Order groups: what one order buys, how it is spread over projects, and the book that keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count

import attrs

from wren_async.sandbox.wren.accounts import WrenAccount
from wren_async.sandbox.wren.catalogue import TREE_CENTS, WrenPortfolio, WrenProject
from wren_async.sandbox.wren.refusal import WrenRefusedError

_TON_PLACES = Decimal("0.000001")
_CENT_PLACES = Decimal("0.01")
_CENTS_OF_A_DOLLAR = 100


@attrs.frozen
class OffsetShare:
    """What of an order goes to a project sold by the tonne."""

    project_id: int
    tons: Decimal
    cents: Decimal


@attrs.frozen
class DonationShare:
    """What of an order goes to a project that sells no tonnes."""

    project_id: int
    cents: Decimal


@attrs.frozen(kw_only=True)
class Basket:
    """What an order comes to, before anybody pays: the total in US cents, rounded up, and the shares of it."""

    kind: str
    cents: int
    tons: Decimal | None = None
    trees: int | None = None
    portfolio: WrenPortfolio | None = None
    offsets: tuple[OffsetShare, ...] = ()
    donations: tuple[DonationShare, ...] = ()


@attrs.frozen
class Row:
    """A line in one of the lists, with its own id."""

    id: int
    share: OffsetShare | DonationShare


@attrs.define(kw_only=True, eq=False)
class Group:
    """An order that was placed, with the rows it led to."""

    id: str
    account: WrenAccount
    at: datetime
    basket: Basket
    by_credits: bool
    charged: int
    """What was charged, in the smallest unit of the currency."""
    currency: str
    note: str | None = None
    on_behalf_of_name: str | None = None
    on_behalf_of_email: str | None = None
    receipt_email: bool = False
    rows: tuple[Row, ...] = ()
    tree_order_id: int | None = None
    state: str = "placed"
    """`placed`, `fulfilled` once the trees stand or the credits are retired, or `refunded`."""


class GroupBook:
    """Every order group, in the order of placing."""

    def __init__(self) -> None:
        self._by_id: dict[str, Group] = {}
        self._row_ids = count(1001)
        self._donation_ids = count(701)
        self._tree_ids = count(501)

    def __iter__(self) -> Iterator[Group]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, group_id: object) -> bool:
        return group_id in self._by_id

    def __getitem__(self, group_id: str) -> Group:
        return self._by_id[group_id]

    def get(self, group_id: str) -> Group | None:
        """The group of that id, whoever owns it."""
        return self._by_id.get(group_id)

    def enter(self, group: Group) -> None:
        """Enter a group, whose rows get their ids here."""
        offsets = [Row(next(self._row_ids), share) for share in group.basket.offsets]
        donations = [Row(next(self._donation_ids), share) for share in group.basket.donations]
        group.rows = (*offsets, *donations)
        if group.basket.trees is not None:
            group.tree_order_id = next(self._tree_ids)
        self._by_id[group.id] = group


def offset_basket(portfolio: WrenPortfolio, tons: Decimal) -> Basket:
    """An order for a number of tonnes of a portfolio."""
    cents = ceil(tons * portfolio.cost_per_ton * 100)
    offsets, donations = _split(portfolio, tons, cents)
    return Basket(kind="offset", cents=cents, tons=tons, portfolio=portfolio, offsets=offsets, donations=donations)


def project_basket(project: WrenProject, cents: int) -> Basket:
    """An order for one project, by money."""
    if project.cost_per_tree is not None:
        raise WrenRefusedError(400, f"Project {project.id} is sold by the tree: place a tree order")
    if project.cost_per_ton is None:
        return Basket(kind="project", cents=cents, donations=(DonationShare(project.id, Decimal(cents)),))
    tons = (Decimal(cents) / (project.cost_per_ton * 100)).quantize(_TON_PLACES, ROUND_FLOOR)
    return Basket(kind="project", cents=cents, tons=tons, offsets=(OffsetShare(project.id, tons, Decimal(cents)),))


def tree_basket(trees: int) -> Basket:
    """An order for a number of trees."""
    return Basket(kind="tree", cents=ceil(trees * TREE_CENTS), trees=trees)


def ceil(amount: Decimal) -> int:
    """An amount in whole units: any fraction goes up."""
    return int(amount.to_integral_value(ROUND_CEILING))


def plain(number: Decimal) -> int | Decimal:
    """A number as JSON would write it: without a fraction when there is none."""
    return int(number) if number == number.to_integral_value() else number.normalize()


def _split(
    portfolio: WrenPortfolio, tons: Decimal, cents: int
) -> tuple[tuple[OffsetShare, ...], tuple[DonationShare, ...]]:
    sold = [(weight, project) for weight, project in portfolio.shares if project.cost_per_ton is not None]
    given = [(weight, project) for weight, project in portfolio.shares if project.cost_per_ton is None]
    given_away = sum((weight for weight, _ in given), Decimal(0))
    for_tons = (cents * (1 - given_away)).quantize(Decimal(1), ROUND_FLOOR)
    of_tons = _spread(tons, [weight for weight, _ in sold], _TON_PLACES)
    of_cents = _spread(for_tons, [weight * (project.cost_per_ton or 0) for weight, project in sold], Decimal(1))
    # Only what is less than a dollar is divided into fractions of a cent.
    step = Decimal(1) if cents >= _CENTS_OF_A_DOLLAR else _CENT_PLACES
    of_gifts = _spread(cents - for_tons, [weight for weight, _ in given], step) if given else []
    shares = zip(sold, of_tons, of_cents, strict=True)
    offsets = tuple(OffsetShare(project.id, part, money) for (_, project), part, money in shares if part > 0)
    return offsets, tuple(DonationShare(project.id, money) for (_, project), money in zip(given, of_gifts, strict=True))


def _spread(total: Decimal, weights: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """Divide a total by weights, in whole steps; the last part takes what is left over."""
    whole = sum(weights, Decimal(0))
    parts = [(total * weight / whole).quantize(step, ROUND_FLOOR) for weight in weights[:-1]]
    return [*parts, total - sum(parts, Decimal(0))]
