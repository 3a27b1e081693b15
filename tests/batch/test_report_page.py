"""The page of a report in a real browser: at both widths, in the light and in the dark, and its search."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wren_async.batch import CNaughtMass, MemoryJournal, Result, Row, State, html_page, read_report
from wren_async.batch.intents import canonical, digest

if TYPE_CHECKING:
    from playwright.sync_api import Page

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


async def report_of(orders: int, seconds: float) -> str:
    """The page of a batch whose orders took so long: every 50th is in doubt, every 60th is refused."""
    journal = MemoryJournal()
    intents = [CNaughtMass(amount_kg=1 + place % 9, external_id=f"R-{place}") for place in range(orders)]
    await journal.add([
        Row(position=place + 2, intent=canonical(intent), digest=digest(canonical(intent)), reference=f"ref-{place}",
            key="k", cents=20, grams=1000)
        for place, intent in enumerate(intents)
    ])  # fmt: skip
    for place in range(orders):
        sent = NOON + timedelta(seconds=seconds * place / orders)
        answered = sent + timedelta(milliseconds=1 + place % 40)
        await journal.mark_sending([place + 2], sent)
        if place % 50 == 49:
            result = Result(state=State.UNDECIDED, attempts=1, reason=f"no answer within {place}.0 s", last_sent=sent)
        elif place % 60 == 59:
            result = Result(state=State.REFUSED, attempts=1, reason="400: no", first_sent=sent, last_sent=answered)
        else:
            result = Result(
                state=State.PLACED, order_id=f"order-{place}", cents=20, kilograms=Decimal(1), attempts=1,
                certificate="https://registry.cnaught.com/orders/1", first_sent=sent, last_sent=answered,
            )  # fmt: skip
        await journal.record(place + 2, result)
    await journal.note("cnaught server", "http://127.0.0.1:8000/v1")
    return html_page(await read_report(journal), "rides.csv.journal")


def opened(page: Page, folder: Path, orders: int, seconds: float = 60.0) -> Page:
    path = folder / "report.html"
    with ThreadPoolExecutor(1) as thread:  # playwright has a loop of its own in this one
        path.write_text(thread.submit(asyncio.run, report_of(orders, seconds)).result())
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("orders", [0, 1, 600])
def test_nothing_overflows_at_any_width_by_day_or_night(chromium_page: Page, tmp_path: Path, orders: int) -> None:
    page = opened(chromium_page, tmp_path, orders)
    colours = set()
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            colours.add((scheme, page.evaluate("getComputedStyle(document.body).backgroundColor")))
            assert page.get_by_text("sandbox", exact=True).is_visible()
    assert len(colours) == 2, "a colour for each scheme"


def test_orders_are_searched_and_filtered_by_their_state(chromium_page: Page, tmp_path: Path) -> None:
    page = opened(chromium_page, tmp_path, 600)
    shown = page.locator("#orders tbody tr:visible")
    assert shown.count() == 600
    page.fill("#search", "R-49")
    assert page.inner_text("#found") == f"{shown.count()} of 600 shown"
    assert shown.count() == 11
    page.select_option("#state", "undecided")
    assert [row.inner_text().split()[0] for row in shown.all()] == ["51", "501"]
    page.fill("#search", "")
    assert shown.count() == 12


def test_an_order_is_a_card_on_a_phone_with_its_certificate_and_its_host(chromium_page: Page, tmp_path: Path) -> None:
    page = opened(chromium_page, tmp_path, 60)
    page.set_viewport_size({"width": 390, "height": 900})
    first = page.locator("#orders tbody tr").first
    cell = first.locator("td").nth(1)
    assert cell.inner_text() == "R-0"
    assert page.evaluate("e => getComputedStyle(e, '::before').content", cell.element_handle()) == '"external id"'
    link = first.get_by_role("link", name="registry.cnaught.com")
    assert link.get_attribute("href") == "https://registry.cnaught.com/orders/1"
    assert not first.locator("td").nth(12).is_visible(), "there is no reason to be told"


def test_every_order_in_doubt_has_its_own_commands_and_time(chromium_page: Page, tmp_path: Path) -> None:
    page = opened(chromium_page, tmp_path, 120)
    rows = page.locator("#doubts tbody tr")
    assert rows.count() == 2
    assert "wren-async batch settle rides.csv.journal 51 --not-placed" in rows.first.inner_text()
    assert "wren-async batch settle rides.csv.journal 51 --placed ORDER_ID" in rows.first.inner_text()
    assert "2026-07-01 12:15 UTC" in rows.first.inner_text()


def test_a_batch_of_a_tenth_of_a_second_has_a_line_of_its_spend(chromium_page: Page, tmp_path: Path) -> None:
    page = opened(chromium_page, tmp_path, 300, seconds=0.1)
    chart = page.locator("section", has_text="Spend over time").last
    assert "2026-07-01 12:00:00.000" in chart.inner_text()
    assert "12:00:00.135 UTC" in chart.inner_text()
    points = page.locator("polyline").get_attribute("points") or ""
    assert len(points.split()) > 20
    page.set_viewport_size({"width": 390, "height": 900})
    box = page.locator("svg").bounding_box()
    assert box is not None
    assert 250 < box["width"] < 390


def test_one_order_has_no_chart_of_what_one_order_cannot_show(chromium_page: Page, tmp_path: Path) -> None:
    page = opened(chromium_page, tmp_path, 1)
    assert page.locator("svg").count() == 0
    assert page.locator(".columns").count() == 0
    assert page.get_by_role("heading", name="States").is_visible()
