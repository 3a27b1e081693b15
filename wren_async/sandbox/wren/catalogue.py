"""What there is to buy from Wren: portfolios and projects.

Names, ids and prices that public documents show are kept (Trailblazer, biochar, the tree planting of 2021, a default
portfolio at which 0.45 tonnes cost 1040 cents); the rest is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.sandbox.exchange import JSON

IMAGES = "https://images.example.com/wren"
TREE_CENTS = Decimal(500)
"""What a tree costs, in US cents."""


@attrs.frozen(kw_only=True)
class WrenProject:
    """A project: sold by the tonne, by the tree, or neither, and then it takes donations."""

    id: int
    name: str
    description: str
    cost_per_ton: Decimal | None = None
    cost_per_tree: Decimal | None = None
    certification_status: str = "standard 2023"

    def body(self, percentage: Decimal) -> dict[str, JSON]:
        """The project as it stands in a portfolio."""
        body: dict[str, JSON] = {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "image_url": f"{IMAGES}/project-{self.id}.png",
            "percentage": percentage,
            "certification_status": self.certification_status,
        }
        if self.cost_per_ton is not None:
            body["cost_per_ton"] = self.cost_per_ton
        return body


@attrs.frozen(kw_only=True)
class WrenPortfolio:
    """A portfolio: projects with their weights, which add to 1, and the blended price."""

    id: int
    name: str
    description: str
    cost_per_ton: Decimal
    shares: tuple[tuple[Decimal, WrenProject], ...]

    def body(self) -> dict[str, JSON]:
        """The portfolio in its public form."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "cost_per_ton": self.cost_per_ton,
            "image_url": f"{IMAGES}/portfolio-{self.id}.png",
            "projects": [project.body(weight) for weight, project in self.shares],
        }


_FOREST = WrenProject(
    id=3,
    name="Rainforest protection",
    description="Keeps a forest standing with the people who live in it.",
    cost_per_ton=Decimal("12.40"),
)
_COMMUNITY_TREES = WrenProject(
    id=2,
    name="Community tree planting",
    description="Farmers plant trees among their crops.",
    cost_per_ton=Decimal("15.63"),
)
_REFRIGERANTS = WrenProject(
    id=7,
    name="Refrigerant destruction",
    description="Finds old refrigerants and destroys them before they leak.",
    cost_per_ton=Decimal("15.67"),
)
_BIOCHAR = WrenProject(
    id=18,
    name="Biochar carbon removal",
    description="Turns waste wood into charcoal that stays in the soil.",
    cost_per_ton=Decimal("242.86"),
)
_ROCKS = WrenProject(
    id=19,
    name="Rock weathering",
    description="Spreads ground rock that binds carbon as it weathers.",
    cost_per_ton=Decimal("371.20"),
)
_STORAGE = WrenProject(
    id=20,
    name="Direct air capture",
    description="Takes carbon out of the air and stores it underground.",
    cost_per_ton=Decimal("518.47"),
)
_POLICY = WrenProject(
    id=31,
    name="Climate policy",
    description="Works for better laws; it sells no tonnes.",
    certification_status="not certified",
)
_COURTS = WrenProject(
    id=32,
    name="Climate in court",
    description="Pays for lawsuits against polluters; it sells no tonnes.",
    certification_status="not certified",
)
_TREES = WrenProject(
    id=40,
    name="WeForest",
    description="Plants trees, sold one by one.",
    cost_per_tree=TREE_CENTS / 100,
    certification_status="not certified",
)

CLIMATE_FUND = WrenPortfolio(
    id=1,
    name="Wren Climate Fund",
    description="A mix of projects. Orders that name no portfolio come from here.",
    cost_per_ton=Decimal("23.11"),
    shares=(
        (Decimal("0.5"), _FOREST),
        (Decimal("0.3"), _COMMUNITY_TREES),
        (Decimal("0.16"), _REFRIGERANTS),
        (Decimal("0.04"), _BIOCHAR),
    ),
)
"""The portfolio of orders that name none, unless a behaviour names another. Its real id is not documented."""

_ALL = (
    CLIMATE_FUND,
    WrenPortfolio(
        id=2,
        name="Community tree planting",
        description="A portfolio of one project.",
        cost_per_ton=Decimal("15.63"),
        shares=((Decimal(1), _COMMUNITY_TREES),),
    ),
    WrenPortfolio(
        id=12,
        name="Rainforest protection",
        description="A portfolio of one project.",
        cost_per_ton=Decimal("12.40"),
        shares=((Decimal(1), _FOREST),),
    ),
    WrenPortfolio(
        id=21,
        name="Trailblazer",
        description="A portfolio focused on cutting-edge carbon removal technology.",
        cost_per_ton=Decimal("401.71"),
        shares=((Decimal("0.2099"), _BIOCHAR), (Decimal("0.4"), _ROCKS), (Decimal("0.3901"), _STORAGE)),
    ),
    WrenPortfolio(
        id=30,
        name="Forests and policy",
        description="Two fifths of the money protect forests; policy and lawsuits get the rest as donations.",
        cost_per_ton=Decimal(31),
        shares=((Decimal("0.4"), _FOREST), (Decimal("0.3"), _POLICY), (Decimal("0.3"), _COURTS)),
    ),
)

PORTFOLIOS: Mapping[int, WrenPortfolio] = {portfolio.id: portfolio for portfolio in _ALL}
"""The preset portfolios, by id."""
CUSTOM_PORTFOLIO = WrenPortfolio(
    id=501,
    name="Our own mix",
    description="The custom portfolio of one account: biochar and forest, half and half.",
    cost_per_ton=Decimal("127.63"),
    shares=((Decimal("0.5"), _BIOCHAR), (Decimal("0.5"), _FOREST)),
)
"""A custom portfolio, for accounts that have one."""
PROJECTS: Mapping[int, WrenProject] = {
    project.id: project
    for project in (_COMMUNITY_TREES, _FOREST, _REFRIGERANTS, _BIOCHAR, _ROCKS, _STORAGE, _POLICY, _COURTS, _TREES)
}
"""Every project, by id. The one sold by the tree is in no portfolio."""


def presets(default_id: int) -> Mapping[int, WrenPortfolio]:
    """The preset portfolios, by id, with the Climate Fund under `default_id` when that is the id of no preset."""
    if default_id in PORTFOLIOS:
        return PORTFOLIOS
    others = {portfolio.id: portfolio for portfolio in _ALL if portfolio is not CLIMATE_FUND}
    return {default_id: attrs.evolve(CLIMATE_FUND, id=default_id), **others}
