# Generated from openapi/wren.yaml by `make generate`. Do not edit.
# sha256 a63c1b007a3cfe70aca0a3ebab2e9b658d589b54155eebaa965e6ad5b2fe221c

"""A model of the Wren API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class PortfolioProject(Value):
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
