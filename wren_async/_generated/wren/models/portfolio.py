# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async._generated.wren.models.portfolio_project import PortfolioProject
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Portfolio(Value):
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
