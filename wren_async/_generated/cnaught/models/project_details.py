# Generated from openapi/cnaught.yaml by `make generate`. Do not edit.
# sha256 91d24cf407e0cc20b01738555886406be8cb8db67deb3d8f4556a37b41814c4e

"""A model of the CNaught API."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import attrs

from wren_async._generated.cnaught.models.credit_issuance import CreditIssuance
from wren_async._generated.cnaught.models.due_diligence_figure import DueDiligenceFigure
from wren_async._generated.cnaught.models.news_article import NewsArticle
from wren_async._generated.cnaught.models.notable_buyer import NotableBuyer
from wren_async._generated.cnaught.models.project_lifetime import ProjectLifetime
from wren_async.core.values import JSON, NO_EXTRA, Value


@attrs.frozen(kw_only=True, eq=False, repr=False)
class ProjectDetails(Value):
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
