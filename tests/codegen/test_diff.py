"""Every kind of change gets its verdict, and nothing else is told."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from changes import CASES, Case

from codegen.contract import Contract
from codegen.diff.change import worst
from codegen.diff.compare import changes
from codegen.diff.surface import Surface, surface
from codegen.reading import read

SHOP = read((Path(__file__).parent / "shop.yaml").read_bytes()).value


def contract(document: dict[str, Any]) -> Contract:
    return Contract(api="shop", source="openapi/shop.yaml", document=document, sha256="")


@pytest.fixture(scope="module")
def shop() -> Surface:
    return surface(contract(copy.deepcopy(SHOP)))


def test_there_are_at_least_a_hundred_kinds() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 100
    assert {case.verdict for case in CASES} == {"breaking", "additive", "neutral"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_gets_its_verdict(shop: Surface, case: Case) -> None:
    found = changes("shop", shop, surface(contract(case.apply(SHOP))))
    told = "\n".join(f"{each.verdict} {each.kind} {each.location} {each.text}" for each in found)
    assert worst(found) == case.verdict, told
    assert {each.kind for each in found} == set(case.kinds), told


def test_what_an_addition_gave_its_reverse_takes_away(shop: Surface) -> None:
    advice = {"deprecated", "effect-milder", "credentials-optional", "spends", "spends-no-more"}
    for case in CASES:
        if case.verdict == "additive" and not advice & set(case.kinds):
            reverse = changes("shop", surface(contract(case.apply(SHOP))), shop)
            assert worst(reverse) == "breaking", case.name


def test_what_stands_within_something_new_or_gone_is_not_told_again(shop: Surface) -> None:
    case = next(case for case in CASES if case.name == "a class and its attributes go together")
    found = changes("shop", shop, surface(contract(case.apply(SHOP))))
    assert sorted(each.python for each in found) == [
        "models.Payment",
        "models.PaymentRequest",
        "operations.orders.create_payment",
    ]


def test_a_shared_parameter_is_told_once_with_all_that_it_touches(shop: Surface) -> None:
    case = next(case for case in CASES if case.name == "keys are shorter")
    (change,) = changes("shop", shop, surface(contract(case.apply(SHOP))))
    assert change.location == "$.components.parameters.Key"
    assert change.python == (
        "operations.things.create_thing(idempotency_key), operations.orders.create_order_by_number(idempotency_key), "
        "operations.orders.create_order_by_weight(idempotency_key)"
    )
    assert change.text == (
        "`operations.things.create_thing(idempotency_key)`, `operations.orders.create_order_by_number(idempotency_key)`"
        " and `operations.orders.create_order_by_weight(idempotency_key)`: each takes 1 characters or more and 32 "
        "characters or fewer; took 1 characters or more and 64 characters or fewer."
    )
