"""Ceilings: an order above them is refused before it is sent, and the refusal names both figures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest
import yaml

from tests.raw_server import RawServer, answer
from wren_async import Call, CeilingExceeded, Ceilings, CNaughtClient, InvalidConfiguration, UsageError, WrenClient
from wren_async.cnaught import CheckoutSessions, Orders, Quotes
from wren_async.core.ceilings import ORDERED
from wren_async.wren import Credits, OffsetOrders, ProjectOrders, TreeOrders

from .clients import KEY, LIVE

CEILINGS = Ceilings(kilograms=2000, usd_cents=5_000, trees=10)

ABOVE: list[tuple[Call[Any], str]] = [
    (OffsetOrders.create(tons=Decimal("2.5"), payment_method="credits"), "2500.0 kilograms.* 2000 kilograms"),
    (OffsetOrders.create(tons=10**6, payment_method="stripe"), "1000000000 kilograms.* 2000 kilograms"),
    (ProjectOrders.create(project_id=3, amount_in_usd_cents=5_001, payment_method="credits"), "5001 US c.* 5000 US c"),
    (TreeOrders.create(amount_of_trees=11, payment_method="credits"), "11 trees.* 10 trees"),
    (Credits.top_up(amount_in_usd_cents=5_001), "5001 US cents.* 5000 US cents"),
    (Orders.create(amount_kg=2001), "2001 kilograms.* 2000 kilograms"),
    (Orders.create_by_price(total_price_usd_cents=5_001), "5001 US cents.* 5000 US cents"),
    (CheckoutSessions.create(amount_kg=2001, success_url="https://a.test", cancel_url="https://a.test"), "2001 kilo"),
    (attrs.evolve(Orders.create(amount_kg=1), body=b'{"amount_kg": 2000.5}'), "2000.5 kilograms"),
]
WITHIN: list[Call[Any]] = [
    OffsetOrders.create(tons=2, payment_method="credits"),
    OffsetOrders.create(tons=3, payment_method="credits", dry_run=True),
    TreeOrders.create(amount_of_trees=10, payment_method="credits"),
    Orders.create(amount_kg=2000),
    Orders.create_by_price(total_price_usd_cents=5_000),
    Quotes.create(amount_kg=9999),
]


def client(server: RawServer, call: Call[Any], ceilings: Ceilings | None = CEILINGS) -> Any:
    if call.operation.path.startswith("/api"):
        return WrenClient(LIVE, base_url=server.url, ceilings=ceilings)
    return CNaughtClient(KEY, base_url=server.url, ceilings=ceilings)


@pytest.mark.parametrize(("call", "figures"), ABOVE, ids=lambda each: None)
async def test_what_is_above_is_refused_before_it_is_sent_with_both_figures(call: Call[Any], figures: str) -> None:
    async with RawServer(otherwise=answer()) as server, client(server, call) as made:
        for copy in (made, made.with_options(retries=0)):
            with pytest.raises(CeilingExceeded, match=figures) as caught:
                await copy.send(call)
            assert isinstance(caught.value, UsageError)
        assert server.requests == []


@pytest.mark.parametrize("call", WITHIN, ids=lambda each: each.operation.id)
async def test_what_is_within_or_buys_nothing_is_sent(call: Call[Any]) -> None:
    async with RawServer(otherwise=answer()) as server, client(server, call) as made:
        await made.send_raw(attrs.evolve(call, operation=attrs.evolve(call.operation, answer=bytes)))
        assert len(server.requests) == 1


async def test_without_ceilings_nothing_is_held() -> None:
    call = OffsetOrders.create(tons=10**6, payment_method="credits")
    async with RawServer(otherwise=answer()) as server, client(server, call, None) as made:
        await made.send(call)
        assert made.ceilings is None
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"kilograms": 1.5},
        {"kilograms": 0},
        {"usd_cents": Decimal(5)},
        {"usd_cents": -1},
        {"trees": True},
        {"trees": ""},
    ],
)
def test_ceilings_are_numbers_above_zero_and_never_floats(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration, match=next(iter(wrong))):
        Ceilings(**wrong)


@pytest.mark.parametrize("wrong", [5_000, {"usd_cents": 5}, "5000"])
def test_a_client_takes_ceilings_and_nothing_else(wrong: Any) -> None:
    with pytest.raises(InvalidConfiguration, match="takes Ceilings"):
        WrenClient(LIVE, ceilings=wrong)


def test_every_attribute_of_the_contract_that_says_how_much_is_ordered_is_held() -> None:
    amounts = ("ton", "amount", "trees", "price", "cents", "_kg")
    found = set()
    for api in ("wren", "cnaught"):
        with open(f"openapi/{api}.yaml") as file:
            contract = yaml.safe_load(file)
        for path in contract["paths"].values():
            for operation in path.values():
                if isinstance(operation, dict) and operation.get("x-effect") in ("once", "keyed"):
                    found |= set(_attributes(contract, operation.get("requestBody", {})))
    assert {name for name in found if any(word in name.lower() for word in amounts)} == set(ORDERED)


def _attributes(contract: dict[str, Any], part: Any) -> list[str]:
    if isinstance(part, list):
        return [name for each in part for name in _attributes(contract, each)]
    if not isinstance(part, dict):
        return []
    if reference := part.get("$ref"):
        target: Any = contract
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        return _attributes(contract, target)
    own = list(part["properties"]) if isinstance(part.get("properties"), dict) else []
    return own + [name for key, each in part.items() if key != "properties" for name in _attributes(contract, each)]
