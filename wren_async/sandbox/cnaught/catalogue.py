"""What there is to buy: the projects, categories and portfolios of CNaught's sandbox, with the documented data.

The ids of the two portfolios, of category `hkgyn3` and of project `I0UbDH` are the well-known ones; the other
categories and projects of the sandbox have ids of our own. Category `XBfyJ8` with project `tbCjWP` is the example
of the API's reference; it can be read but belongs to no portfolio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs

from wren_async.sandbox.exchange import JSON

IMAGES = "https://images.example.com"
VINTAGE = 2023
"""The year of the credits that the sandbox retires."""

_ISSUANCES = {2022: 5000, 2023: 7500, 2024: 10000}


@attrs.frozen(kw_only=True)
class CNaughtProject:
    """A project and the credits issued for it."""

    id: str
    body: dict[str, JSON]
    issuances: Mapping[int, int]

    def details(self) -> dict[str, JSON]:
        """The project with its credit issuances."""
        issued: list[JSON] = [{"vintage_year": year, "total_amount": total} for year, total in self.issuances.items()]
        return {**self.body, "credit_issuances": issued}


@attrs.frozen(kw_only=True)
class Category:
    """A category of projects."""

    id: str
    name: str
    description: str
    projects: tuple[CNaughtProject, ...]

    def body(self) -> dict[str, JSON]:
        """The category with its projects."""
        return {
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "primary_image_url": f"{IMAGES}/{self.id}.jpg",
            "projects": [project.body for project in self.projects],
        }


@attrs.frozen(kw_only=True)
class CNaughtPortfolio:
    """A portfolio: which fraction of an order goes to which category."""

    id: str
    name: str
    summary: str
    description: str
    allocations: Sequence[tuple[Decimal, Category]]

    def body(self) -> dict[str, JSON]:
        """The portfolio as it stands in the list."""
        return {
            "id": self.id,
            "name": self.name,
            "summary": self.summary,
            "description": self.description,
            "primary_image_url": f"{IMAGES}/{self.id}.jpg",
        }

    def shares(self) -> list[tuple[Decimal, Category, CNaughtProject]]:
        """The fraction of an order that each project gets: a category passes its own on to its first project."""
        return [(fraction, category, category.projects[0]) for fraction, category in self.allocations]

    def allocation_bodies(self) -> list[JSON]:
        """The allocations as the portfolio's details show them."""
        return [{"allocated_fraction": share, "category": category.body()} for share, category in self.allocations]


def _sandbox_project(project_id: str, letter: str, **changes: JSON) -> CNaughtProject:
    body: dict[str, JSON] = {
        "id": project_id,
        "name": f"Sandbox Project {letter}",
        "type": "Reforestation",
        "summary": f"Made-up project {letter}, for tests.",
        "description": f"Project {letter} exists only in the sandbox: no tree is planted and no credit retired.",
        "developer": "Sandbox Developer",
        "location_name": "Seattle, Washington, USA",
        "location_latitude": Decimal("47.6062"),
        "location_longitude": Decimal("-122.3321"),
        "registry_name": "None",
        "registry_id": None,
        "registry_url": None,
        "primary_image_url": f"{IMAGES}/{project_id}.jpg",
        "un_sdg_goals": [1, 4, 6],
        "activity_types": ["Reforestation"],
        "impact_type": "Removal",
        "methodology": "Sandbox methodology",
        "verifier": "Sandbox verifier",
        "permanence": "100+ years",
        "lifetime": {"start_year": 2022, "end_year": 2052},
        "due_diligence": "None is needed for a project that does not exist.",
        "beyond_carbon": "Tests that pass.",
        "risk_of_reversal": "None.",
        "third_party_labels": [],
        "notable_buyers": [],
        "due_diligence_figure": None,
        "news_articles": [],
    }
    return CNaughtProject(id=project_id, body={**body, **changes}, issuances=_ISSUANCES)


def _category(category_id: str, name: str, description: str, *projects: CNaughtProject) -> Category:
    return Category(id=category_id, name=name, description=description, projects=projects)


_PROJECT_A = _sandbox_project("I0UbDH", "A")
_PROJECT_B = _sandbox_project("Qm7RkB", "B", type="Landfill Gas", impact_type="Avoided Emissions")
_PROJECT_C = _sandbox_project("c5XwTe", "C", type="Soil Carbon", activity_types=["Soil Carbon"])
_PROJECT_D = _sandbox_project("dV9pLz", "D", type="Biochar", activity_types=["Biochar"], registry_name=None)
_FUZHOU = _sandbox_project(
    "tbCjWP",
    "Fuzhou",
    name="Fuzhou Hongmiaoling Landfill Gas to Electricity Project",
    type="Landfill Gas",
    summary="Burns the gas of a landfill to make electricity.",
    description="Gas that a landfill would give off is caught and burned, and the electricity goes to the grid.",
    developer="Fujian Tianyi Renewable Energy Technology & Utilization Co., Ltd.",
    location_name="Fujian Province, China",
    location_latitude=Decimal("26.0833"),
    location_longitude=Decimal("119.3"),
    registry_name="Verra",
    registry_id="253",
    un_sdg_goals=[],
    activity_types=["Landfill Gas"],
    impact_type="Avoided Emissions",
)

_CATEGORY_A = _category("hkgyn3", "Sandbox Category A", "Made-up removals, for tests.", _PROJECT_A)
_CATEGORY_B = _category("rT4yNb", "Sandbox Category B", "Made-up avoided emissions, for tests.", _PROJECT_B)
_CATEGORY_C = _category("sW8uMc", "Sandbox Category C", "Made-up soil projects, for tests.", _PROJECT_C)
_CATEGORY_D = _category("vX2iKd", "Sandbox Category D", "Made-up lasting storage, for tests.", _PROJECT_D)
_OXFORD_5 = _category(
    "XBfyJ8",
    "Oxford Type 5 - Carbon Removal, Long-Term Storage",
    "Removals whose carbon stays out of the air for very long.",
    _FUZHOU,
)

_PORTFOLIOS = (
    CNaughtPortfolio(
        id="oH5hlq",
        name="Sandbox",
        summary="Four made-up categories, for tests.",
        description="The default portfolio of the sandbox. Its categories get 35, 35, 20 and 10 % of an order.",
        allocations=(
            (Decimal("0.35"), _CATEGORY_A),
            (Decimal("0.35"), _CATEGORY_B),
            (Decimal("0.2"), _CATEGORY_C),
            (Decimal("0.1"), _CATEGORY_D),
        ),
    ),
    CNaughtPortfolio(
        id="ixmZSK",
        name="Alternative Sandbox",
        summary="Two made-up categories, for tests.",
        description="Another portfolio of the sandbox. Both of its categories get half of an order.",
        allocations=((Decimal("0.5"), _CATEGORY_A), (Decimal("0.5"), _CATEGORY_C)),
    ),
)
_CATEGORIES = (_CATEGORY_A, _CATEGORY_B, _CATEGORY_C, _CATEGORY_D, _OXFORD_5)

PORTFOLIOS: Mapping[str, CNaughtPortfolio] = {portfolio.id: portfolio for portfolio in _PORTFOLIOS}
"""Every portfolio, by id."""
CATEGORIES: Mapping[str, Category] = {category.id: category for category in _CATEGORIES}
"""Every category of projects, by id."""
PROJECTS: Mapping[str, CNaughtProject] = {
    project.id: project for category in _CATEGORIES for project in category.projects
}
"""Every project, by id."""
