from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from cnaught_driver import Driver, contract, contract_operations, problem

from wren_async.sandbox.cnaught import UnitPrices

# What CNaught answered to its own tests; the ride is of an older version of the API.
QUOTES = [
    ("createQuote", {"amount_kg": 10}, 10, 20),
    ("createQuote", {"amount_kg": Decimal("8.5")}, Decimal("8.5"), 17),
    ("createRideQuote", {"distance_km": 30}, Decimal("7.2342"), 14),
    ("createGroundTransportQuote", {"distance_km": 1000, "vehicle_type": "school_bus"}, 745, 1490),
    ("createFlightQuote", {"distance_km": 100}, 10, 20),
    ("createTrainQuote", {"distance_km": 1000}, 38, 76),
    ("createAirFreightQuote", {"freight_mass_kg": 10, "distance_km": 100}, 2, 4),
    ("createGroundFreightQuote", {"freight_mass_kg": 100, "distance_km": 1000}, 14, 28),
    ("createOfficeSpaceQuote", {"square_footage": 1000}, 8600, 17200),
]


@pytest.mark.parametrize(("operation", "body", "amount_kg", "price"), QUOTES)
def test_quotes_are_those_that_were_seen(operation: str, body: Any, amount_kg: object, price: int) -> None:
    assert Driver().ok(operation, body=body) == {"amount_kg": amount_kg, "price_usd_cents": price}


@pytest.mark.parametrize(("operation", "body"), [row[:2] for row in QUOTES])
def test_negative_and_missing_numbers_are_refused(operation: str, body: Any) -> None:
    sandbox = Driver()
    for attribute in body:
        for wrong in ({attribute: -1}, {attribute: None}):
            refusal = sandbox.refusal(operation, body={**body, **wrong})
            assert problem(refusal) == ("invalid-parameters", 400)
            assert list(refusal["errors"]) == [attribute]


def test_estimates_are_rounded_up_to_whole_kilograms() -> None:
    assert Driver().ok("createTrainQuote", body={"distance_km": Decimal("0.1")}) == {
        "amount_kg": 1,
        "price_usd_cents": 2,
    }


@pytest.mark.parametrize("vehicle", contract()["components"]["schemas"]["VehicleType"]["enum"])
def test_every_vehicle_has_a_factor(vehicle: str) -> None:
    body = {"distance_km": 100, "vehicle_type": vehicle}
    assert Driver().ok("createGroundTransportQuote", body=body)["amount_kg"] > 0


def test_prices_depend_on_channel_and_portfolio() -> None:
    prices = {"ixmZSK": UnitPrices(api=Decimal(2), checkout=Decimal("1.6"))}
    sandbox = Driver(unit_prices=prices)
    subaccount = sandbox.subaccount(default_portfolio_id="ixmZSK")["id"]
    through_checkout = {"amount_kg": 7, "source": "checkout"}
    assert sandbox.ok("createQuote", body=through_checkout)["price_usd_cents"] == 14
    assert sandbox.ok("createQuote", body=through_checkout, subaccount=subaccount)["price_usd_cents"] == 12
    named = sandbox.ok("createQuote", body={**through_checkout, "portfolio_id": "ixmZSK"})
    assert named["price_usd_cents"] == 12
    assert sandbox.ok("createQuote", body={"amount_kg": 7, "portfolio_id": "ixmZSK"})["price_usd_cents"] == 14


def test_prices_are_above_zero() -> None:
    with pytest.raises(ValueError, match="must be a number from"):
        UnitPrices(api=Decimal(0))


def test_a_quote_from_another_portfolio_is_forbidden() -> None:
    refusal = Driver().refusal("createFlightQuote", body={"distance_km": 1, "portfolio_id": "mHvNvWbq"})
    assert problem(refusal) == ("forbidden", 403)


# The catalogue


def test_the_two_portfolios() -> None:
    sandbox = Driver()
    portfolios = sandbox.ok("listPortfolios")["data"]
    assert [(found["id"], found["name"]) for found in portfolios] == [
        ("oH5hlq", "Sandbox"),
        ("ixmZSK", "Alternative Sandbox"),
    ]
    details = sandbox.ok("getPortfolio", id="oH5hlq")
    assert details["api_price_per_kg_usd_cents"] == details["checkout_price_per_kg_usd_cents"] == 2
    fractions = [allocation["allocated_fraction"] for allocation in details["category_allocations"]]
    assert fractions == [Decimal("0.35"), Decimal("0.35"), Decimal("0.2"), Decimal("0.1")]
    for found in portfolios:
        allocations = sandbox.ok("getPortfolio", id=found["id"])["category_allocations"]
        assert sum(allocation["allocated_fraction"] for allocation in allocations) == 1


def test_a_portfolio_out_of_reach_is_not_found() -> None:
    sandbox = Driver(portfolio_ids=("oH5hlq", "unknown"))
    assert [found["id"] for found in sandbox.ok("listPortfolios")["data"]] == ["oH5hlq"]
    for portfolio_id in ("ixmZSK", "unknown"):
        assert problem(sandbox.refusal("getPortfolio", id=portfolio_id)) == ("not-found", 404)


def test_the_well_known_project_and_category() -> None:
    sandbox = Driver()
    project = sandbox.ok("getProject", id="I0UbDH")
    assert project["type"] == "Reforestation"
    assert (project["location_latitude"], project["location_longitude"]) == (Decimal("47.6062"), Decimal("-122.3321"))
    assert project["un_sdg_goals"] == [1, 4, 6]
    assert project["lifetime"] == {"start_year": 2022, "end_year": 2052}
    assert (project["registry_name"], project["registry_id"], project["registry_url"]) == ("None", None, None)
    issued = {row["vintage_year"]: row["total_amount"] for row in project["credit_issuances"]}
    assert issued == {2022: 5000, 2023: 7500, 2024: 10000}
    category = sandbox.ok("getProjectCategory", id="hkgyn3")
    assert [found["id"] for found in category["projects"]] == ["I0UbDH"]


def test_the_project_of_the_reference() -> None:
    project = Driver().ok("getProjectCategory", id="XBfyJ8")["projects"][0]
    assert project["id"] == "tbCjWP"
    assert project["name"] == "Fuzhou Hongmiaoling Landfill Gas to Electricity Project"
    assert (project["registry_name"], project["registry_id"], project["un_sdg_goals"]) == ("Verra", "253", [])


@pytest.mark.parametrize("operation", ["getPortfolio", "getProject", "getProjectCategory"])
def test_other_ids_are_not_found(operation: str) -> None:
    assert problem(Driver().refusal(operation, id="nothing")) == ("not-found", 404)


# Climate impact


def test_impact_of_an_account_that_has_retired_nothing() -> None:
    sandbox = Driver()
    sandbox.order(100)
    assert sandbox.ok("getImpactData") == {
        "name": "Acme, Inc",
        "logo_url": None,
        "total_offset_kgs": 0,
        "equivalents": {
            "cars_off_the_road": 0,
            "trees_planted": 0,
            "homes_annual_energy_usage": 0,
            "flights_lax_to_nyc": 0,
        },
        "since_date": "2026-07-01T12:00:00.000000Z",
        "to_date": None,
        "categories": [],
    }


def test_impact_counts_fulfilled_orders_as_the_reference_does() -> None:
    sandbox = Driver(homes_key="homes_annual_energy usages", impact_category="id")
    for amount_kg in (60_000, 40_000, 7):
        order_id = sandbox.order(amount_kg)["id"]
        sandbox.api.fulfil(order_id)
    sandbox.ok("cancelOrder", id=order_id)
    impact = sandbox.ok("getImpactData")
    assert impact["total_offset_kgs"] == 100_000
    assert impact["equivalents"] == {
        "cars_off_the_road": 10,
        "trees_planted": 30,
        "homes_annual_energy usages": 4,
        "flights_lax_to_nyc": 12,
    }
    shares = {usage["category"]["id"]: usage["offset_kgs"] for usage in impact["categories"]}
    assert shares == {"hkgyn3": 35_000, "rT4yNb": 35_000, "sW8uMc": 20_000, "vX2iKd": 10_000}
    usage = impact["categories"][0]["projects"][0]
    assert (usage["project"]["id"], usage["offset_kgs"], usage["vintages"]) == ("I0UbDH", 35_000, "2023")


def test_impact_of_a_period() -> None:
    sandbox = Driver()
    for _ in range(3):
        sandbox.api.fulfil(sandbox.order(100)["id"])
        sandbox.world.clock.move(3600)
    assert sandbox.ok("getImpactData", **{"from": "2026-07-01T13:00:00Z"})["total_offset_kgs"] == 200
    period = sandbox.ok("getImpactData", **{"from": "2026-07-01", "to": "2026-07-01T15:00:00+02:00"})
    assert period["total_offset_kgs"] == 200
    assert period["since_date"] == "2026-07-01T00:00:00.000000Z"
    assert period["to_date"] == "2026-07-01T13:00:00.000000Z"
    assert period["categories"][0]["category"] == {
        "name": "Sandbox Category A",
        "description": "Made-up removals, for tests.",
    }


@pytest.mark.parametrize(("reading", "kg"), [("inclusive", 111), ("half_open", 11), ("exclusive", 10)])
def test_which_bounds_of_a_period_count(reading: str, kg: int) -> None:
    sandbox = Driver(impact_bounds=reading)
    for amount_kg in (1, 10, 100):
        sandbox.api.fulfil(sandbox.order(amount_kg)["id"])
        sandbox.world.clock.move(3600)
    period = {"from": "2026-07-01T12:00:00Z", "to": "2026-07-01T14:00:00Z"}
    assert sandbox.ok("getImpactData", **period)["total_offset_kgs"] == kg


def test_a_period_may_begin_in_antiquity() -> None:
    data = Driver().ok("getImpactData", **{"from": "0333-01-01T00:00:00Z"})
    assert data["since_date"] == "0333-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "query", [{"from": "yesterday"}, {"from": "0001-01-01T00:00:00+23:00"}, {"from": "2026-07-02", "to": "2026-07-01"}]
)
def test_bad_periods_are_refused(query: dict[str, str]) -> None:
    assert problem(Driver().refusal("getImpactData", **query)) == ("invalid-parameters", 400)


def test_impact_of_a_subaccount_is_its_own() -> None:
    sandbox = Driver()
    subaccount = sandbox.subaccount(logo_url="https://example.com/a.png")
    sandbox.api.fulfil(sandbox.order(100)["id"])
    sandbox.api.fulfil(sandbox.order(10, subaccount=subaccount["id"])["id"])
    impact = sandbox.ok("getImpactData", subaccount=subaccount["id"])
    assert (impact["name"], impact["logo_url"]) == ("Marketing Department", subaccount["logo_url"])
    assert impact["total_offset_kgs"] == 10
    assert sandbox.ok("getImpactData")["total_offset_kgs"] == 110
    sandbox.behaviours.orders_without_header = "parent"
    assert sandbox.ok("getImpactData")["total_offset_kgs"] == 100


def test_the_hosted_page() -> None:
    sandbox = Driver()
    assert sandbox.ok("getHostedPageConfig") == {
        "enabled": True,
        "url": "https://impact.cnaught.com/acme-inc",
        "enabled_equivalents": ["homes", "flights"],
    }
    own = sandbox.ok("getHostedPageConfig", subaccount=sandbox.subaccount()["id"])
    assert own["url"].endswith("/marketing-department")
    sandbox.behaviours.hosted_page_enabled = False
    assert sandbox.ok("getHostedPageConfig")["url"] is None


def test_the_contracts_own_examples_of_requests_are_taken() -> None:
    sandbox = Driver()
    for operation in ("createQuote", "createFlightQuote", "createOfficeSpaceQuote", "createRideQuote"):
        media = contract_operations()[operation]["requestBody"]["content"]["application/json"]
        for example in media["examples"].values():
            body = {
                name: Decimal(str(value)) if isinstance(value, float) else value
                for name, value in example["value"].items()
                if name != "portfolio_id"
            }
            assert sandbox.ok(operation, body=body)["price_usd_cents"] > 0


def test_an_account_of_another_portfolio() -> None:
    sandbox = Driver(default_portfolio_id="ixmZSK", portfolio_ids=("ixmZSK",))
    sandbox.api.fulfil(sandbox.order(100)["id"])
    impact = sandbox.ok("getImpactData")
    assert [usage["offset_kgs"] for usage in impact["categories"]] == [50, 50]
