"""Climate impact: what the fulfilled orders of an account or of a subaccount have retired."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby

from wren_async.sandbox.cnaught.behaviours import CNaughtBehaviours
from wren_async.sandbox.cnaught.catalogue import VINTAGE
from wren_async.sandbox.cnaught.orders import Retirement
from wren_async.sandbox.cnaught.quotes import number
from wren_async.sandbox.exchange import JSON

PER_100_TONNES: Mapping[str, int] = {"cars": 10, "trees": 30, "homes": 4, "flights": 12}
"""What 100000 kg are equal to in the API's reference; other masses are in proportion."""
IMPACT_PAGES = "https://impact.cnaught.com"


def equivalents(total_kg: Decimal, behaviours: CNaughtBehaviours) -> dict[str, JSON]:
    """What a mass is equal to in everyday terms, such as cars off the road."""
    cars, trees, homes, flights = (
        number(total_kg * PER_100_TONNES[name] / 100_000) for name in ("cars", "trees", "homes", "flights")
    )
    return {
        "cars_off_the_road": cars,
        "trees_planted": trees,
        behaviours.homes_key: homes,
        "flights_lax_to_nyc": flights,
    }


def usage_by_category(retirements: Iterable[Retirement], behaviours: CNaughtBehaviours) -> list[JSON]:
    """The masses retired in each category and, within it, by each project. Both are sorted by id."""
    masses: dict[tuple[str, str], Decimal] = {}
    samples: dict[tuple[str, str], Retirement] = {}
    for retirement in retirements:
        key = retirement.category.id, retirement.project.id
        masses[key] = masses.get(key, Decimal()) + retirement.amount_kg
        samples[key] = retirement
    return [
        _category_usage([samples[key] for key in keys], masses, behaviours)
        for _, keys in ((first, list(rest)) for first, rest in groupby(sorted(masses), key=lambda key: key[0]))
    ]


def _category_usage(
    samples: list[Retirement], masses: Mapping[tuple[str, str], Decimal], behaviours: CNaughtBehaviours
) -> JSON:
    category = samples[0].category
    own = [masses[category.id, sample.project.id] for sample in samples]
    shown: dict[str, JSON] = {"name": category.name}
    shown |= {"id": category.id} if behaviours.impact_category == "id" else {"description": category.description}
    projects: list[JSON] = [
        {"project": sample.project.body, "offset_kgs": number(mass), "vintages": str(VINTAGE)}
        for sample, mass in zip(samples, own, strict=True)
    ]
    return {"category": shown, "offset_kgs": number(sum(own, Decimal())), "projects": projects}


def hosted_page(name: str, behaviours: CNaughtBehaviours) -> dict[str, JSON]:
    """The options of the public impact page of an account or a subaccount."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "account"
    return {
        "enabled": behaviours.hosted_page_enabled,
        "url": f"{IMPACT_PAGES}/{slug}" if behaviours.hosted_page_enabled else None,
        "enabled_equivalents": ["homes", "flights"],
    }
