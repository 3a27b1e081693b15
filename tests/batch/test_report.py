"""The report of a batch: its rows, CSV, sums, page, and whether the books agree."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wren_async import CNaughtClient, WrenClient
from wren_async.batch import events
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenTrees, canonical, digest
from wren_async.batch.journal.contract import Entry, Result, Row, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.report.audit import LEDGER, ORDERS, PURCHASES, Books, Difference, compare_books
from wren_async.batch.report.histograms import Durations, Timeline
from wren_async.batch.report.page import html_page, mass, usd
from wren_async.batch.report.plots import duration, short_number
from wren_async.batch.report.rows import CSV_COLUMNS, mass_text, report_rows, write_csv
from wren_async.batch.report.summary import Report, read_report
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.history import History
from wren_async.batch.run.reasons import Reasons, kind_of_reason
from wren_async.sandbox import Sandbox

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'


async def journal_of(*orders: tuple[Intent, Result | None], cents: int = 100) -> MemoryJournal:
    """A journal of orders that were sent at noon, a second apart, with what came of them."""
    journal = MemoryJournal()
    await journal.add([row_of(position, intent, cents) for position, (intent, _) in enumerate(orders, 1)])
    for position, (_, result) in enumerate(orders, 1):
        if result is not None:
            await journal.sending([position], NOON + timedelta(seconds=position))
            await journal.settle(position, result)
    return journal


def row_of(position: int, intent: Intent, cents: int) -> Row:
    text = canonical(intent)
    return Row(
        position=position, intent=text, digest=digest(text), reference=f"ref-{position}", key=f"key-{position}",
        cents=cents, grams=0,
    )  # fmt: skip


def placed(order_id: str = "o1", cents: int | None = 100, kilograms: Decimal | None = None, **more: Any) -> Result:
    return Result(state=State.PLACED, order_id=order_id, cents=cents, kilograms=kilograms, **{"attempts": 1, **more})


OFFSET = WrenOffset(tons=Decimal("0.45"), payment_method="credits")
KILOS = CNaughtMass(amount_kg=10)


# --- rows and CSV ---


async def test_a_row_tells_what_was_ordered_and_what_was_answered() -> None:
    journal = await journal_of((OFFSET, placed(kilograms=Decimal(449))), (KILOS, placed(kilograms=Decimal(10))))
    offset, kilos = [row async for row in report_rows(journal)]
    assert (offset.api, offset.ordered_kilograms, offset.difference) == ("wren", Decimal(450), Decimal(-1))
    assert offset.tonnes == Decimal("0.449")
    assert (kilos.api, kilos.difference) == ("cnaught", 0)


async def test_orders_by_money_or_trees_have_no_ordered_mass() -> None:
    trees, price = WrenTrees(amount_of_trees=3, payment_method="credits"), CNaughtPrice(total_price_usd_cents=50)
    journal = await journal_of((trees, placed()), (price, placed(kilograms=Decimal(3))))
    assert [(row.ordered_kilograms, row.difference) async for row in report_rows(journal)] == [(None, None)] * 2


async def test_an_answer_is_timed_only_where_it_took_one_attempt() -> None:
    answered = NOON + timedelta(seconds=1.25)
    journal = await journal_of(
        (KILOS, placed(first_sent=NOON, last_sent=answered)),
        (KILOS, placed(first_sent=NOON, last_sent=answered, attempts=2)),
        (KILOS, placed(first_sent=NOON, last_sent=answered, reconciled=True)),
    )
    assert [row.seconds async for row in report_rows(journal)] == [1.25, None, None]


async def test_the_csv_has_every_order_in_its_line(tmp_path: Path) -> None:
    journal = await journal_of(
        (OFFSET, placed("ch_1", 1040, Decimal("450.0"), certificate="https://example.org/c", attempts=2)),
        (KILOS, Result(state=State.REFUSED, attempts=1, reason='no, "never", she said\nand left')),
        (KILOS, placed("o3", reconciled=True)),
        (KILOS, None),
    )
    assert await write_csv(journal, tmp_path / "out.csv") == 4
    with (tmp_path / "out.csv").open(newline="") as file:
        first, second, third, fourth = csv.DictReader(file)
    assert (first["line"], first["order_id"], first["cents"], first["kilograms"]) == ("1", "ch_1", "1040", "450")
    assert (first["tonnes"], first["reference"], first["attempts"]) == ("0.45", "ref-1", "2")
    assert (first["certificate"], first["settled_by"]) == ("https://example.org/c", "answer")
    assert (second["state"], second["reason"]) == ("refused", 'no, "never", she said\nand left')
    assert (third["settled_by"], fourth["state"], fourth["cents"]) == ("reconciling", "pending", "")
    assert os.listdir(tmp_path) == ["out.csv"]


async def test_no_text_of_a_server_becomes_a_formula(tmp_path: Path) -> None:
    journal = await journal_of((KILOS, Result(state=State.REFUSED, reason="=HYPERLINK(1)")), (KILOS, placed("-1+2")))
    await write_csv(journal, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["reason"], rows[1]["order_id"]) == ("'=HYPERLINK(1)", "'-1+2")


async def test_a_csv_that_cannot_be_finished_leaves_the_old_one(tmp_path: Path) -> None:
    class Broken(MemoryJournal):
        async def entries(self, *states: State) -> AsyncIterator[Entry]:
            async for entry in super().entries(*states):
                yield entry
                raise OSError("the disk went away")

    journal = Broken()
    await journal.add([row_of(1, KILOS, 1), row_of(2, KILOS, 1)])
    (tmp_path / "out.csv").write_text("old")
    with pytest.raises(OSError, match="went away"):
        await write_csv(journal, tmp_path / "out.csv")
    assert os.listdir(tmp_path) == ["out.csv"]
    with (tmp_path / "out.csv").open() as file:
        assert file.read() == "old"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_a_mass_as_text_is_exact_and_plain(mass: Decimal) -> None:
    text = mass_text(mass)
    assert Decimal(text) == mass
    assert "E" not in text
    assert not re.search(r"\.\d*0$|\.$", text)


# --- sums ---


async def test_sums_count_what_was_placed() -> None:
    journal = await journal_of(
        (OFFSET, placed("a", 1040, Decimal(449))),
        (KILOS, placed("b", None, Decimal(10), replayed=True)),
        (KILOS, Result(state=State.REFUSED, reason="portfolio 4711 is unknown")),
        (KILOS, Result(state=State.UNDECIDED, reason="no answer")),
        (KILOS, None),
    )
    report = await read_report(journal, made=NOON)
    sums = report.all
    assert (sums.orders, sums.placed, sums.planned_cents, sums.cents, sums.unknown_cents) == (5, 2, 500, 1040, 1)
    assert (sums.ordered_kilograms, sums.kilograms, sums.altered, sums.difference) == (460, 459, 1, -1)
    assert (sums.replayed, report.kinds["wren.offset"].cents, report.kinds["cnaught.mass"].orders) == (1, 1040, 4)
    assert [row.position for row in report.open_rows] == [4]
    assert [row.position for row in report.refused_rows] == [3]
    assert [row.position for row in report.altered_rows] == [1]
    assert report.refused.most_common(3) == [("portfolio … is unknown", 1)]
    assert not report.done


# --- tallies ---


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 500)), min_size=1, max_size=60))
def test_a_timeline_stays_small_and_loses_nothing(orders: list[tuple[int, int]]) -> None:
    timeline = Timeline(most=20)
    for seconds, cents in orders:
        timeline.take(NOON + timedelta(seconds=seconds), State.PLACED, cents)
    slots = list(timeline.slots())
    assert len(slots) <= 20
    assert sum(slot.cents for _, slot in slots) == sum(cents for _, cents in orders)
    assert sum(slot.orders[State.PLACED] for _, slot in slots) == len(orders)
    for seconds, _ in orders:
        moment = NOON + timedelta(seconds=seconds)
        began = max(began for began, _ in slots if began <= moment)
        assert moment < began + timedelta(seconds=timeline.width)


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_is_right_to_about_a_tenth(taken: list[float], share: float) -> None:
    durations = Durations()
    for seconds in taken:
        durations.take(seconds)
    exact = sorted(taken)[max(0, -int(-share * len(taken) // 1) - 1)]
    found = durations.quantile(share)
    assert found is not None
    assert exact / 1.13 <= found <= exact * 1.13


def test_reasons_that_differ_only_in_ids_are_one() -> None:
    reasons = Reasons()
    for number in range(500):
        reasons.take(f"order {10000 + number} of 2026-07-01 12:00:{number % 60:02d}+0000 failed with 503")
    assert reasons.most_common(5) == [("order … of … failed with 503", 500)]


def test_reasons_stay_few_however_many_there_are() -> None:
    reasons = Reasons()
    for number in range(999):
        reasons.take("x" * number)
    assert len(reasons.counts) <= 101
    assert sum(count for _, count in reasons.most_common(4)) == 999
    assert len(kind_of_reason("y" * 10_000)) == 160


# --- history ---


async def test_the_history_of_runs_outlives_them() -> None:
    journal = await journal_of((KILOS, None))
    entry, totals = await journal.entry(1), await journal.totals()
    history = await History.of(journal)
    history.take(events.Returned(entry=entry, reason="429 slow down"), NOON)
    history.take(events.Paused(seconds=2.5), NOON)
    history.take(events.Alarm(entry=entry, message="a copy is at work"), NOON)
    history.take(events.Ended(ending=events.Ending.ASKED, message="stopped", totals=totals), NOON)
    await history.keep(journal)
    again = await History.of(journal)
    assert again == history
    assert (again.returned.counts, again.pauses, again.endings[0].ending) == ({"429 slow down": 1}, 1, "asked")


# --- the page ---


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))


def parse(page: str) -> _Tags:
    tags = _Tags()
    tags.feed(page)
    assert not tags.open
    return tags


async def hostile_report() -> Report:
    journal = await journal_of(
        (KILOS, placed(HOSTILE, 100, Decimal(9), certificate="javascript:alert(1)", last_sent=NOON)),
        (KILOS, Result(state=State.REFUSED, attempts=3, reason=HOSTILE)),
        (KILOS, Result(state=State.UNDECIDED, attempts=1, reason=HOSTILE)),
    )
    history = History()
    history.take(events.Returned(entry=await journal.entry(1), reason=HOSTILE), NOON)
    history.take(events.Alarm(entry=await journal.entry(1), message=HOSTILE), NOON)
    history.take(events.Ended(ending=events.Ending.ALARM, message=HOSTILE, totals=await journal.totals()), NOON)
    await history.keep(journal)
    book = Books(where=LEDGER, orders=1, batch_cents=1, books_cents=2, trouble=HOSTILE)
    difference = Difference(position=None, order_id=HOSTILE, problem=HOSTILE, cents=1)
    other = Books(where=ORDERS, orders=1, batch_cents=1, books_cents=2, count=1, differences=(difference,))
    return await read_report(journal, books=(book, other), made=NOON)


async def test_the_page_escapes_everything_and_needs_nothing_from_elsewhere() -> None:
    page = html_page(await hostile_report())
    tags = parse(page)
    names = {name for name, _ in tags.seen}
    assert not names & {"script", "link", "img", "iframe", "object", "use"}
    assert "&lt;script&gt;" in page
    assert not [found for _, found in tags.seen if found.keys() & {"src", "onclick", "onload"} or "href" in found]
    assert "@import" not in page
    assert "url(" not in page


async def test_a_certificate_is_linked() -> None:
    journal = await journal_of((KILOS, placed("o", 1, Decimal(9), certificate="https://x.example/?a=1&b=2")))
    links = [found["href"] for name, found in parse(html_page(await read_report(journal))).seen if name == "a"]
    assert links == ["https://x.example/?a=1&b=2"]


async def test_the_page_of_a_batch_that_has_not_begun() -> None:
    page = html_page(await read_report(await journal_of((KILOS, None)), made=NOON))
    parse(page)
    assert "0 of 1 orders were placed." in page
    assert "<h2>Latency" not in page


async def test_the_page_stays_small_however_large_the_batch() -> None:
    journal = MemoryJournal()
    await journal.add([row_of(position, KILOS, 20) for position in range(1, 3001)])
    for position in range(1, 3001):
        moment = NOON + timedelta(seconds=position * 7)
        await journal.sending([position], moment)
        refused = Result(state=State.REFUSED, attempts=1, reason=f"refused because of {position * 1000}")
        answer = moment + timedelta(seconds=0.01 * (1 + position % 97))
        await journal.settle(position, refused if position % 3 else placed(f"o{position}", last_sent=answer))
    page = html_page(await read_report(journal))
    parse(page)
    assert len(page) < 200_000
    assert "and 1,900 more, all of them in the CSV" in page


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (usd(123456), "$1,234.56"),
        (usd(-5), "-$0.05"),
        (mass(Decimal("999.5")), "999.50 kg"),
        (mass(Decimal(1_234_560)), "1,234.56 t"),
        (duration(0.0042), "4.2 ms"),
        (duration(0.9), "900 ms"),
        (duration(12.34), "12.3 s"),
        (duration(600), "10.0 min"),
        (short_number(1500), "1.5k"),
    ],
)
def test_numbers_are_told_in_fitting_units(told: str, expected: str) -> None:
    assert told == expected


# --- the books ---


@attrs.define
class Bought:
    """A batch that was run against a sandbox."""

    sandbox: Sandbox
    journal: MemoryJournal
    wren: WrenClient
    cnaught: CNaughtClient

    async def books(self) -> dict[str, Books]:
        return {book.where: book for book in await compare_books(self.journal, wren=self.wren, cnaught=self.cnaught)}

    async def altered(self, position: int, **changes: Any) -> None:
        """Make the journal say something else of an order."""
        entry = self.journal._entries[position]
        self.journal._entries[position] = attrs.evolve(entry, result=attrs.evolve(entry.result, **changes))


@pytest.fixture
async def bought() -> AsyncIterator[Bought]:
    """Two orders by credits (lines 1 and 2), one by card, and two of CNaught's (lines 4 and 5)."""
    orders: list[Intent] = [
        OFFSET,
        WrenTrees(amount_of_trees=2, payment_method="credits"),
        WrenOffset(tons=Decimal(1), payment_method="stripe"),
        KILOS,
        CNaughtPrice(total_price_usd_cents=500),
    ]
    async with Sandbox() as sandbox:
        at, there = sandbox.wren, sandbox.cnaught
        async with (
            WrenClient(at.live_token, base_url=at.base_url) as wren,
            CNaughtClient(there.api_key, base_url=there.base_url) as cnaught,
        ):
            journal = MemoryJournal()
            async with Batch(journal, wren=wren, cnaught=cnaught) as batch:
                await batch.plan(orders)
                async for _ in batch.run():
                    pass
                assert (await batch.totals()).orders[State.PLACED] == 5
            yield Bought(sandbox, journal, wren, cnaught)


async def test_the_books_agree_to_the_cent(bought: Bought) -> None:
    books = await bought.books()
    ledger, orders = books[LEDGER], books[ORDERS]
    assert ledger.agrees
    assert orders.agrees
    assert (ledger.orders, orders.orders) == (2, 2)
    paid = [order.cents for order in bought.sandbox.orders if order.api == "cnaught"]
    assert orders.books_cents == orders.batch_cents == sum(paid)


async def test_what_others_bought_is_no_difference(bought: Bought) -> None:
    await bought.wren.offset_orders.create(tons=1, payment_method="credits")
    await bought.cnaught.orders.create(amount_kg=1)
    books = await bought.books()
    assert all(book.agrees for book in books.values())
    assert (books[LEDGER].strangers, books[ORDERS].strangers) == (1, 1)


async def test_one_cent_is_a_difference_with_its_line(bought: Bought) -> None:
    entry = await bought.journal.entry(1)
    await bought.altered(1, cents=(entry.result.cents or 0) + 1)
    ledger = (await bought.books())[LEDGER]
    assert not ledger.agrees
    assert [(each.position, each.cents) for each in ledger.differences] == [(1, -1)]


async def test_a_charge_that_is_not_there_is_named(bought: Bought) -> None:
    await bought.altered(2, order_id="never-heard-of")
    await bought.altered(4, order_id="neither")
    books = await bought.books()
    assert [each.position for each in books[LEDGER].differences] == [2]
    assert "no charge" in books[LEDGER].differences[0].problem
    assert [each.position for each in books[ORDERS].differences] == [4, None]
    assert "does not stand in the list" in books[ORDERS].differences[0].problem


async def test_an_order_that_the_journal_does_not_call_placed_is_named(bought: Bought) -> None:
    await bought.altered(4, state=State.REFUSED, order_id=None)
    difference = (await bought.books())[ORDERS].differences[0]
    assert "carries the reference of line 4, which is refused" in difference.problem
    assert difference.order_id in {order.id for order in bought.sandbox.orders}


async def test_what_was_paid_by_card_is_held_against_the_purchases(bought: Bought) -> None:
    purchases = (await bought.books())[PURCHASES]
    assert purchases.agrees
    third = (await bought.journal.entry(3)).result
    assert (purchases.orders, purchases.books_cents, purchases.strangers) == (1, third.cents, 0)
    await bought.wren.offset_orders.create(tons=2, payment_method="stripe")
    assert (await bought.books())[PURCHASES].strangers == 1
    await bought.altered(3, cents=(third.cents or 0) - 2)
    [difference] = (await bought.books())[PURCHASES].differences
    assert (difference.position, difference.cents) == (3, 2)
    await bought.altered(3, order_id="never-heard-of")
    [difference] = (await bought.books())[PURCHASES].differences
    assert "no purchase is of its charge" in difference.problem


async def test_many_differences_are_counted_and_the_first_are_kept(bought: Bought) -> None:
    many = await journal_of(*[(OFFSET, placed(order_id=f"unheard-of-{number}")) for number in range(2500)])
    [ledger] = await compare_books(many, wren=bought.wren)
    assert (ledger.count, len(ledger.differences)) == (2500, 1000)
    assert [each.position for each in ledger.differences] == list(range(1, 1001))


async def test_refunds_and_cancellations_are_named(bought: Bought) -> None:
    first, fourth = (await bought.journal.entry(1)).result, (await bought.journal.entry(4)).result
    bought.sandbox.cancel(first.order_id or "")
    bought.sandbox.cancel(fourth.order_id or "")
    books = await bought.books()
    assert "refunded" in books[LEDGER].differences[0].problem
    assert books[LEDGER].books_cents == books[LEDGER].batch_cents - (first.cents or 0)
    assert [(each.position, each.problem) for each in books[ORDERS].differences] == [(4, "was cancelled")]


async def test_another_mass_or_an_unknown_cost_is_named(bought: Bought) -> None:
    await bought.altered(4, kilograms=Decimal(11))
    await bought.altered(1, cents=None)
    books = await bought.books()
    assert "answered as 11 kg; the list has 10 kg" in books[ORDERS].differences[0].problem
    assert "was not answered" in books[LEDGER].differences[0].problem


async def test_one_order_for_two_lines_is_named(bought: Bought) -> None:
    first = (await bought.journal.entry(1)).result
    await bought.altered(2, order_id=first.order_id)
    problems = [each.problem for each in (await bought.books())[LEDGER].differences]
    assert "has the same id as line 1" in problems


async def test_an_order_without_an_id_is_matched_by_a_charge_that_nobody_else_claims(bought: Bought) -> None:
    await bought.altered(1, order_id=None)
    ledger = (await bought.books())[LEDGER]
    assert ledger.agrees
    assert (ledger.by_amount, ledger.strangers) == (1, 0)
    await bought.altered(1, cents=1)
    ledger = (await bought.books())[LEDGER]
    assert [(each.position, each.problem) for each in ledger.differences] == [
        (1, "its id is not known, and no charge of its amount is left")
    ]


async def test_a_book_that_cannot_be_read_is_no_agreement(bought: Bought) -> None:
    bought.sandbox.faults.add("status", operation="listCreditLedger", status=403)
    ledger = (await bought.books())[LEDGER]
    assert ledger.trouble is not None
    assert not ledger.agrees


async def test_books_are_compared_only_where_there_are_clients_and_orders(bought: Bought) -> None:
    assert await compare_books(bought.journal) == ()
    only = await compare_books(await journal_of((OFFSET, None)), wren=bought.wren, cnaught=bought.cnaught)
    assert only == ()


def test_the_columns_of_the_csv_are_what_scripts_rely_on() -> None:
    assert CSV_COLUMNS[:7] == ("line", "kind", "state", "reference", "order_id", "planned_cents", "cents")
