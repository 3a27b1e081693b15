"""The list of operations that the command line is made from."""

from __future__ import annotations

from wren_async._generated.commands import COMMANDS, GROUPS

SPENDING = {
    "offset_orders.create",
    "project_orders.create",
    "tree_orders.create",
    "credits.top_up",
    "orders.create",
    "orders.create_by_price",
    "orders.create_ride",
}


def test_every_operation_is_there_under_the_name_of_the_facade() -> None:
    assert len({(each["api"], each["method"]) for each in COMMANDS}) == len(COMMANDS) == 44  # one has two bodies


def test_every_group_of_methods_says_what_it_is_about() -> None:
    assert set(GROUPS) == {f"{each['api']}.{each['method'].rpartition('.')[0]}" for each in COMMANDS}
    assert GROUPS["wren.credits"] == "The prepaid wallet, in USD cents."
    assert GROUPS["cnaught.subaccounts.logo"] == "The logo of a subaccount."


def test_what_spends_is_what_charges_an_account_and_a_checkout_session_does_not() -> None:
    assert {each["method"] for each in COMMANDS if each["spends"]} == SPENDING


def test_lists_name_the_attribute_that_holds_their_rows() -> None:
    rows = {f"{each['api']} {each['method']}": each["rows"] for each in COMMANDS if each["rows"]}
    assert rows == {
        "wren offset_orders.list": "offset_orders",
        "wren offset_orders.list_public": "offset_orders",
        "wren tree_orders.list": "tree_orders",
        "wren portfolios.list": "portfolios",
        "wren purchases.list": "purchases",
        "wren credits.ledger": "entries",
        "cnaught orders.list": "data",
        "cnaught subaccounts.list": "data",
        "cnaught portfolios.list": "data",
    }
    assert {each["method"] for each in COMMANDS if each["paged"]} == {
        "credits.ledger",
        "orders.list",
        "subaccounts.list",
    }
