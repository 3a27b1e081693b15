"""Models in notebooks, in IPython and in `rich`: short, exact, escaped, and without secrets."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from wren_async import CNaughtClient, WrenClient
from wren_async.cnaught import Orders
from wren_async.core.display import html_of, pretty_of
from wren_async.models.cnaught import Order, OrderState, ProjectAllocation
from wren_async.models.wren import LedgerEntry

ORDER = Order(
    id="o1",
    amount_kg=Decimal("1E+1"),
    price_usd_cents=123456789,
    state=OrderState.PLACED,
    created_on=datetime(2026, 11, 21, tzinfo=UTC),
    description="<script>alert('x')</script>\x1b[2J",
    extra_fields={"hidden": "unknown"},
)


class Page:
    """IPython's pretty printer, as far as it is used."""

    def __init__(self) -> None:
        self.said = ""

    def text(self, text: str) -> None:
        self.said += text


def pretty(value: Any, *, cycle: bool = False) -> str:
    page = Page()
    value._repr_pretty_(page, cycle)
    return page.said


def rich(value: object) -> str:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(value)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_a_notebook_shows_a_table_with_dollars_beside_cents() -> None:
    page = ORDER._repr_html_()
    rows = dict(re.findall(r"<th[^>]*>(.*?)</th><td[^>]*>(.*?)</td>", page))
    assert rows["price_usd_cents"] == "123456789 ($1,234,567.89)"
    assert rows["amount_kg"] == "10"
    assert rows["state"] == "placed"
    assert rows["created_on"] == "2026-11-21 00:00:00+00:00"
    assert "<caption>Order</caption>" in page
    assert "extra_fields" not in rows


def test_what_a_server_says_is_escaped_and_steers_nothing() -> None:
    page = ORDER._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    for shown in (page, pretty(ORDER), rich(ORDER)):
        assert "\x1b" not in shown


def test_ipython_shows_a_line_an_attribute() -> None:
    lines = pretty(ORDER).splitlines()
    assert lines[0] == "Order("
    assert "    price_usd_cents=123456789 ($1,234,567.89)," in lines
    assert pretty(ORDER, cycle=True) == "..."


def test_rich_shows_the_attributes() -> None:
    shown = rich(ORDER)
    assert shown.startswith("Order(")
    assert "price_usd_cents=123456789" in shown
    assert "hidden" not in shown


def test_long_values_are_cut_and_long_lists_counted() -> None:
    allocation = ProjectAllocation(**{each.name: None for each in attrs.fields(ProjectAllocation) if each.init})
    order = attrs.evolve(ORDER, description="x" * 10_000, project_allocations=(allocation,) * 1000)
    assert len(order._repr_html_()) < 5_000
    assert "1000 items" in order._repr_html_()
    assert len(pretty(order)) < 2_500


@given(st.text(), st.text(), st.text())
def test_no_text_gets_out_of_its_cell(name: str, key: str, value: str) -> None:
    page = html_of(name, [(key, value)])
    tags = re.sub(r' style="[^"]*"', "", "".join(re.findall(r"<[^>]*>", page)))
    assert tags == "<table><caption></caption><tbody><tr><th></th><td></td></tr></tbody></table>"


@given(st.integers(-(10**18), 10**18))
def test_dollars_are_exact(cents: int) -> None:
    (dollars,) = re.findall(r"\((.*)\)", pretty_of("", [("x_usd_cents", cents)]).splitlines()[1])
    assert Decimal(dollars.replace("$", "").replace(",", "")) * 100 == cents


def test_fractions_of_a_cent_are_shown_whole() -> None:
    assert "0.5 ($0.005)" in pretty_of("", [("amount_usd_cents", Decimal("0.5"))])
    assert any(each.name == "amount_usd_cents" for each in attrs.fields(LedgerEntry))


@pytest.mark.parametrize("show", [pretty, rich, lambda value: value._repr_html_()])
def test_no_secret_is_shown(show: Any) -> None:
    call = attrs.evolve(Orders.create(amount_kg=1), headers={"X-Secret": "sesame-1234"})
    client = CNaughtClient("key-sesame-1234")
    identity = client._identity
    other = WrenClient("token-sesame-1234")._identity
    for value in (call, identity, other):
        shown = show(value)
        assert "sesame" not in shown
    assert "X-Secret" in show(call)


def test_showing_imports_neither_ipython_nor_rich() -> None:
    code = (
        "import sys\nsys.modules['rich'] = sys.modules['IPython'] = None  # as if they were not installed\n"
        "from wren_async.cnaught import Orders\ncall = Orders.create(amount_kg=1)\n"
        "print(call._repr_html_()[:7], len(list(call.__rich_repr__())) > 3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "<table> True\n"
