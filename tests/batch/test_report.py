"""The report of a batch: its rows, CSV, sums, page, and whether the books agree."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import os
import re
import stat
import sys
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
from journal_model import JournalModel

from wren_async import CNaughtClient, InvalidArgument, UsageError, WrenClient
from wren_async.batch import events
from wren_async.batch.input.origin import note_input
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, Intent, WrenOffset, WrenTrees, canonical, digest
from wren_async.batch.journal.contract import Entry, Result, Row, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.journal.sqlite import SqliteJournal
from wren_async.batch.report import page as page_module
from wren_async.batch.report.audit import LEDGER, ORDERS, PURCHASES, Audit, Difference, audit_books
from wren_async.batch.report.columns import REPORT_COLUMNS
from wren_async.batch.report.escaping import cell
from wren_async.batch.report.files import write_csv
from wren_async.batch.report.histograms import Durations, Timeline
from wren_async.batch.report.page import html_page, write_page
from wren_async.batch.report.rows import mass_text, report_rows
from wren_async.batch.report.summary import Report, read_report
from wren_async.batch.report.wording import spent, verdict
from wren_async.batch.run.batch import Batch
from wren_async.batch.run.history import History
from wren_async.batch.run.reasons import Reasons, kind_of_reason
from wren_async.batch.units import duration, mass, usd
from wren_async.sandbox import Sandbox

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>\x1b[2J\u202e'


async def journal_of(*orders: tuple[Intent, Result | None], cents: int = 100) -> MemoryJournal:
    """A journal of orders that were sent at noon, a second apart, with what came of them."""
    journal = MemoryJournal()
    await journal.add([row_of(position, intent, cents) for position, (intent, _) in enumerate(orders, 1)])
    for position, (_, result) in enumerate(orders, 1):
        if result is not None:
            await journal.mark_sending([position], NOON + timedelta(seconds=position))
            await journal.record(position, result)
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
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8-sig") as file:
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
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["reason"], rows[1]["order_id"]) == ("'=HYPERLINK(1)", "'-1+2")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(text=st.text(st.sampled_from('=+-@;,\t\r\n"|\x1b\u202e x＝'), max_size=12))
def test_no_cell_of_ours_begins_a_formula_however_the_file_is_split(separator: str, text: str) -> None:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(["7", cell(text), "placed"])
    found = [each for row in csv.reader(io.StringIO(line.getvalue(), newline=""), delimiter=separator) for each in row]
    assert not [each for each in found if each.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))]
    assert "\x1b" not in line.getvalue()


def test_a_blank_before_a_formula_does_not_hide_it() -> None:
    assert cell(" =1+1") == "' =1+1"
    assert cell("ride; =HYPERLINK(1)") == "ride;' =HYPERLINK(1)"
    assert cell("one - two, 3 = 3") == "one - two, 3 = 3"


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
    assert (sums.orders, sums.placed, sums.planned_cents, sums.cents, sums.unknown) == (5, 2, 500, 1040, 1)
    assert (sums.ordered_kilograms, sums.kilograms, sums.altered, sums.difference) == (460, 459, 1, -1)
    assert (sums.replayed, report.order_types["wren.offset"].cents, report.order_types["cnaught.mass"].orders) == (
        1,
        1040,
        4,
    )
    assert [row.position for row in report.open_rows] == [4]
    assert [row.position for row in report.refused_rows] == [3]
    assert [row.position for row in report.altered_rows] == [1]
    assert report.refused.most_common(3) == [("portfolio … is unknown", 1)]
    assert not report.done


# --- histograms ---


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 500)), min_size=1, max_size=60))
def test_a_timeline_stays_small_and_loses_nothing(orders: list[tuple[int, int]]) -> None:
    timeline = Timeline(most=20)
    for seconds, cents in orders:
        timeline.add(NOON + timedelta(seconds=seconds), State.PLACED, cents)
    slots = list(timeline.slots())
    assert len(slots) <= 20
    assert sum(slot.cents for _, slot in slots) == sum(cents for _, cents in orders)
    assert sum(slot.orders[State.PLACED] for _, slot in slots) == len(orders)
    for seconds, _ in orders:
        moment = NOON + timedelta(seconds=seconds)
        began = max(began for began, _ in slots if began <= moment)
        assert moment < began + timeline.width


def test_a_timeline_of_a_tenth_of_a_second_has_slots_of_milliseconds() -> None:
    timeline = Timeline()
    for number in range(100):
        timeline.add(NOON + timedelta(milliseconds=number), State.PLACED, 1)
    assert timeline.width == timedelta(milliseconds=1)
    assert [slot.cents for _, slot in timeline.slots()] == [1] * 100


def test_a_timeline_takes_any_time_that_a_clock_may_tell() -> None:
    timeline = Timeline()
    for moment in (datetime.min.replace(tzinfo=UTC), NOON, datetime.max.replace(tzinfo=UTC)):
        timeline.add(moment, State.PLACED, 1)
    slots = list(timeline.slots())
    assert len(slots) <= 120
    assert sum(slot.cents for _, slot in slots) == 3


@given(st.lists(st.floats(0.001, 1000), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_is_right_to_about_a_tenth(taken: list[float], share: float) -> None:
    durations = Durations()
    for seconds in taken:
        durations.add(seconds)
    exact = sorted(taken)[max(0, -int(-share * len(taken) // 1) - 1)]
    found = durations.quantile(share)
    assert found is not None
    assert exact / 1.13 <= found <= exact * 1.13


def test_reasons_that_differ_only_in_ids_are_one() -> None:
    reasons = Reasons()
    for number in range(500):
        reasons.add(f"order {10000 + number} of 2026-07-01 12:00:{number % 60:02d}+0000 failed with 503")
    assert reasons.most_common(5) == [("order … of … failed with 503", 500)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("no answer within 5.0 s", "no answer within 17 s"),
        ("retry in 3 seconds", "retry in 45 seconds"),
        ("order ch_3Ab9 is gone", "order ch_Xz0Q is gone"),
        ("order 7 is unknown", "order 12 is unknown"),
        ("the wallet holds $3.20", "the wallet holds $1,000.00"),
        ("until 12:03:04", "until 23:59"),
    ],
)
def test_reasons_that_differ_only_in_seconds_ids_or_amounts_are_one(one: str, other: str) -> None:
    assert kind_of_reason(one) == kind_of_reason(other)


def test_reasons_that_differ_in_their_status_are_two() -> None:
    assert kind_of_reason("the server answered 400") != kind_of_reason("the server answered 503")
    assert kind_of_reason("amount_kg: must be 1 or more") == "amount_kg: must be 1 or more"


def test_reasons_stay_few_however_many_there_are() -> None:
    reasons = Reasons()
    for number in range(999):
        reasons.add("x" * number)
    assert len(reasons.counts) <= 101
    assert sum(count for _, count in reasons.most_common(4)) == 999
    assert len(kind_of_reason("y" * 10_000)) == 160


# --- history ---


async def test_the_history_of_runs_outlives_them() -> None:
    journal = await journal_of((KILOS, None))
    entry, totals = await journal.entry(1), await journal.totals()
    history = await History.of(journal)
    history.add(events.Returned(entry=entry, reason="429 slow down"), NOON)
    history.add(events.Paused(seconds=2.5), NOON)
    history.add(events.Alarm(entry=entry, message="a copy is at work"), NOON)
    history.add(events.Ended(ending=events.Ending.ASKED, message="stopped", totals=totals), NOON)
    whole = history.plus(History())
    await history.keep(journal)
    again = await History.of(journal)
    assert again == whole
    await history.keep(journal)
    assert await History.of(journal) == whole, "what was kept is not added once more"
    assert (again.returned.counts, again.pauses, again.endings[0].ending) == ({"429 slow down": 1}, 1, "asked")


# --- the page ---


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "input"):
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
        (
            CNaughtMass(amount_kg=10, external_id="<script>alert(1)</script>", description=HOSTILE),
            placed(HOSTILE, 100, Decimal(9), certificate="javascript:alert(1)", last_sent=NOON),
        ),
        (KILOS, Result(state=State.REFUSED, attempts=3, reason=HOSTILE)),
        (KILOS, Result(state=State.UNDECIDED, attempts=1, reason=HOSTILE)),
    )
    history = History()
    history.add(events.Returned(entry=await journal.entry(1), reason=HOSTILE), NOON)
    history.add(events.Alarm(entry=await journal.entry(1), message=HOSTILE), NOON)
    history.add(events.Ended(ending=events.Ending.ALARM, message=HOSTILE, totals=await journal.totals()), NOON)
    await history.keep(journal)
    book = Audit(where=LEDGER, orders=1, batch_cents=1, books_cents=2, trouble=HOSTILE)
    difference = Difference(position=None, order_id=HOSTILE, problem=HOSTILE, cents=1)
    other = Audit(where=ORDERS, orders=1, batch_cents=1, books_cents=2, count=1, differences=(difference,))
    return await read_report(journal, audits=(book, other), made=NOON)


async def test_the_page_escapes_everything_and_needs_nothing_from_elsewhere() -> None:
    page = html_page(await hostile_report())
    tags = parse(page)
    names = [name for name, _ in tags.seen]
    assert not {*names} & {"img", "iframe", "object", "use", "form"}
    assert names.count("script") == 1
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    links = [found["href"] for _, found in tags.seen if "href" in found]
    assert links == ["data:,"], "only the empty icon: a certificate that is no https address is no link"
    assert not [found for _, found in tags.seen if found.keys() & {"src", "onclick", "onload"}]
    assert "@import" not in page
    assert "url(" not in page


async def test_the_page_lets_no_script_run_but_its_own() -> None:
    page = html_page(await hostile_report())
    script = page.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html.unescape(page)


async def test_a_certificate_is_linked() -> None:
    journal = await journal_of((KILOS, placed("o", 1, Decimal(9), certificate="https://x.example/?a=1&b=2")))
    links = [found["href"] for name, found in parse(html_page(await read_report(journal))).seen if name == "a"]
    assert links == ["https://x.example/?a=1&b=2"]


async def test_the_page_of_a_batch_without_orders_has_no_number_at_all() -> None:
    page = html_page(await read_report(MemoryJournal(), made=NOON))
    parse(page)
    assert "The batch has no orders." in page
    body = page.partition("<main>")[2].partition("</main>")[0].partition("<dl class=tiles>")[2]
    assert not re.search(r"\d", re.sub("<[^>]*>", "", body))


async def test_the_page_of_a_batch_that_has_not_begun_says_nothing_of_what_was_not_sent() -> None:
    page = html_page(await read_report(await journal_of((KILOS, None)), made=NOON))
    parse(page)
    assert "The order was not sent yet." in page
    assert "<h2>Time to an answer" not in page
    assert "<h2>Spend over time" not in page
    values = re.findall("<dd class=value>(.*?)</dd>", page)
    assert values == ["–"] * 5


async def test_after_an_alarm_the_page_says_what_to_find_out_and_which_flag_says_that_it_was() -> None:
    shown = html_page(await hostile_report())
    assert "An alarm was raised" in shown
    assert "seen to it that nothing else places orders of this batch" in shown
    assert "--alarm-is-explained" in shown


async def test_what_needs_a_person_stands_with_its_commands_and_from_when_on() -> None:
    doubt = Result(state=State.UNDECIDED, attempts=1, reason="no answer", last_sent=NOON + timedelta(seconds=1))
    journal = await journal_of(
        (KILOS, doubt), (KILOS, Result(state=State.REFUSED)), (KILOS, placed("a", None)), (KILOS, None)
    )
    page = html.unescape(html_page(await read_report(journal), "my {rides}.journal"))
    for command in (
        "wren-async batch reconcile 'my {rides}.journal'",
        "wren-async batch settle 'my {rides}.journal' 1 --placed ORDER_ID",
        "wren-async batch settle 'my {rides}.journal' 1 --not-placed",
        "wren-async batch resume 'my {rides}.journal'",
        "wren-async batch report 'my {rides}.journal' --books",
        "wren-async batch changes ORDERS --journal 'my {rides}.journal' --output CORRECTED",
    ):
        assert f"<code>{command}</code>" in page
    assert "The lists may be late until 2026-07-01 12:15 UTC" in page


@pytest.mark.parametrize(
    ("servers", "word"),
    [
        ({"cnaught": "http://127.0.0.1:8000"}, "sandbox"),
        ({"cnaught": "http://localhost:8000", "wren": "https://www.wren.co (test token)"}, "sandbox and test token"),
        ({"cnaught": "http://127.0.0.1:8000", "wren": "https://www.wren.co"}, "partly sandbox"),
        ({"wren": "https://www.wren.co (test token)", "cnaught": "https://api.cnaught.com/v1"}, "partly test token"),
        ({"cnaught": "https://api.cnaught.com/v1"}, None),
    ],
)
async def test_a_rehearsal_is_told_in_large_letters_and_a_purchase_is_not(
    servers: dict[str, str], word: str | None, tmp_path: Path
) -> None:
    journal = await journal_of((KILOS, placed()), (OFFSET, placed()))
    for api, server in servers.items():
        await journal.note(f"{api} server", server)
    page = html_page(await read_report(journal))
    assert re.findall("<strong>(.*?)</strong>", page) == ([word] if word else [])
    assert ("REAL" in page) == bool(word and word.startswith("partly"))
    await write_csv(journal, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8-sig") as file:
        told = {row["kind"].partition(".")[0]: row["rehearsal"] for row in csv.DictReader(file)}
    assert all(bool(told[api]) == ("127" in server or "localhost" in server or "test" in server)
               for api, server in servers.items())  # fmt: skip


async def test_what_was_placed_in_the_own_sandbox_of_an_api_is_told_by_its_ids() -> None:
    journal = await journal_of((KILOS, placed("2FhU3B0F36_sandbox")), (OFFSET, placed("odd_sandbox")))
    await journal.note("cnaught server", "https://api.cnaught.com/v1")
    await journal.note("wren server", "https://www.wren.co")
    report = await read_report(journal)
    assert report.rehearsals == {"cnaught": "sandbox"}
    page = html_page(report)
    assert "<strong>partly sandbox</strong> Orders of CNaught were placed in its own sandbox" in page
    assert "Orders of Wren are REAL" in page
    assert [row.rehearsal async for row in report_rows(journal)] == ["sandbox", None]


async def test_the_csv_is_opened_by_a_spreadsheet_as_what_it_is(tmp_path: Path) -> None:
    await write_csv(await journal_of((CNaughtMass(amount_kg=1, description="Grün"), None)), tmp_path / "out.csv")
    raw = (tmp_path / "out.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfline,external_id")
    assert "Grün" in raw.decode()


async def test_a_server_that_no_order_goes_to_makes_a_sandbox_no_less_of_one() -> None:
    journal = await journal_of((KILOS, placed()))
    await journal.note("order types", "cnaught.mass")
    await journal.note("cnaught server", "http://127.0.0.1:8000")
    await journal.note("wren server", "https://www.wren.co")
    report = await read_report(journal)
    assert list(report.servers) == ["cnaught"]
    assert "<strong>sandbox</strong>" in html_page(report)


async def test_no_time_or_pause_that_a_server_named_breaks_a_report() -> None:
    far = datetime.max.replace(tzinfo=UTC)
    doubt = Result(state=State.UNDECIDED, attempts=1, first_sent=datetime.min.replace(tzinfo=UTC), last_sent=far)
    mass_of_nothing = placed("b", kilograms=Decimal("1E-999999999"), first_sent=NOON, last_sent=far)
    for pause in (1e14, float("inf"), float("nan")):
        journal = await journal_of((KILOS, doubt), (KILOS, mass_of_nothing))
        history = History()
        history.add(events.Paused(seconds=pause), NOON)
        await history.keep(journal)
        page = html_page(await read_report(journal))
        assert "1 pause, centuries in all" in page


async def test_the_page_shows_the_first_thousands_and_says_how_many_there_are() -> None:
    journal = MemoryJournal()
    await journal.add([row_of(position, KILOS, 20) for position in range(1, 5101)])
    page = html_page(await read_report(journal))
    parse(page)
    assert len(page) < 3_000_000
    assert "and 100 more, all of them in the CSV" in page


async def test_without_jinja_the_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await read_report(await journal_of((KILOS, None)))
    page_module._template.cache_clear()
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(UsageError, match=r"pip install 'wren-async\[cli\]'"):
        html_page(report)


async def test_reports_are_their_owners_alone(tmp_path: Path) -> None:
    journal = await journal_of((KILOS, placed()))
    await write_csv(journal, tmp_path / "out.csv")
    await write_page(await read_report(journal), tmp_path / "out.html")
    for name in ("out.csv", "out.html"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["out.csv", "out.html"]


@pytest.mark.parametrize(
    "how", ["itself", "-wal", "-shm", ".lock", "link", "hard link", "other", "input", "input's link"]
)
async def test_no_report_replaces_a_journal_or_its_orders(tmp_path: Path, how: str) -> None:
    orders, path, other = tmp_path / "o.csv", tmp_path / "rides", tmp_path / "other"
    orders.write_text("amount_kg\n1\n")
    async with await SqliteJournal.open(other), await SqliteJournal.open(path) as journal:
        await journal.add([row_of(1, KILOS, 1)])
        await note_input(journal, orders)
        targets = {
            "itself": path, "link": tmp_path / "link", "hard link": tmp_path / "twin", "other": other,
            "input": orders, "input's link": tmp_path / "link",
        }  # fmt: skip
        target = targets.get(how) or tmp_path / f"rides{how}"
        if how == "hard link":
            os.link(path, target)
        elif target == tmp_path / "link":
            os.symlink(path if how == "link" else orders, target)
        before = contents(tmp_path)
        with pytest.raises(InvalidArgument, match="name another file"):
            await write_csv(journal, target)
        report = await read_report(journal)
        with pytest.raises(InvalidArgument, match="name another file"):
            await write_page(report, target)
        assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Which file each name stands for, and what is in it. What readers note in the index of a log is left out."""
    return {
        each.name: (each.stat().st_ino, b"" if each.name.endswith("-shm") else each.read_bytes())
        for each in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (usd(123456), "$1,234.56"),
        (usd(-5), "-$0.05"),
        (mass(Decimal("999.5")), "999.50 kg"),
        (mass(Decimal(1_234_560)), "1,234.56 t"),
        (duration(0), "0 s"),
        (duration(0.0042), "4.2 ms"),
        (duration(0.9), "900 ms"),
        (duration(12.34), "12.3 s"),
        (duration(600), "10 min"),
        (duration(90_061), "1 d 1 h"),
        (duration(1e14), "centuries"),
        (duration(float("inf")), "centuries"),
        (duration(float("nan")), "centuries"),
    ],
)
def test_numbers_are_told_in_fitting_units(told: str, expected: str) -> None:
    assert told == expected


# --- the books ---


@attrs.define
class Bought:
    """A batch that was run against a sandbox."""

    sandbox: Sandbox
    journal: JournalModel
    wren: WrenClient
    cnaught: CNaughtClient

    async def books(self) -> dict[str, Audit]:
        return {book.where: book for book in await audit_books(self.journal, wren=self.wren, cnaught=self.cnaught)}

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
            journal = JournalModel()
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
    assert (books[LEDGER].unmatched, books[ORDERS].unmatched) == (1, 1)


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
    assert (purchases.orders, purchases.books_cents, purchases.unmatched) == (1, third.cents, 0)
    await bought.wren.offset_orders.create(tons=2, payment_method="stripe")
    assert (await bought.books())[PURCHASES].unmatched == 1
    await bought.altered(3, cents=(third.cents or 0) - 2)
    [difference] = (await bought.books())[PURCHASES].differences
    assert (difference.position, difference.cents) == (3, 2)
    await bought.altered(3, order_id="never-heard-of")
    [difference] = (await bought.books())[PURCHASES].differences
    assert "no purchase is of its charge" in difference.problem


async def test_many_differences_are_counted_and_the_first_are_kept(bought: Bought) -> None:
    many = await journal_of(*[(OFFSET, placed(order_id=f"unheard-of-{number}")) for number in range(2500)])
    [ledger] = await audit_books(many, wren=bought.wren)
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


async def test_another_mass_is_named(bought: Bought) -> None:
    await bought.altered(4, kilograms=Decimal(11))
    books = await bought.books()
    assert "answered as 11 kg; the list has 10 kg" in books[ORDERS].differences[0].problem


async def test_an_unknown_charge_is_told_as_unknown_and_is_no_difference(bought: Bought) -> None:
    first = (await bought.journal.entry(1)).result
    await bought.altered(1, cents=None)
    ledger = (await bought.books())[LEDGER]
    assert ledger.agrees
    assert (ledger.count, ledger.unknown, ledger.unknown_cents) == (0, 1, first.cents)
    assert ledger.books_cents == ledger.batch_cents
    assert verdict(ledger).startswith("agrees to the cent; what 1 order cost was not answered, of which the book has $")


async def test_an_unknown_charge_of_an_order_without_an_id_is_no_difference_either(bought: Bought) -> None:
    await bought.altered(1, cents=None, order_id=None)
    ledger = (await bought.books())[LEDGER]
    assert ledger.agrees
    assert (ledger.count, ledger.unknown, ledger.unknown_cents, ledger.by_amount) == (0, 1, 0, 0)


async def test_an_unknown_charge_is_never_told_as_the_planned_one() -> None:
    journal = await journal_of((KILOS, placed("a", 40)), (KILOS, placed("b", None)), (KILOS, None))
    report = await read_report(journal, made=NOON)
    assert spent(report.all) == "$0.40 and 1 unknown (planned $1.00)"
    page = html_page(report)
    assert "1 charge not known, planned $1.00" in page
    assert "What 1 placed order cost is not known." in page


async def test_one_order_for_two_lines_is_named(bought: Bought) -> None:
    first = (await bought.journal.entry(1)).result
    await bought.altered(2, order_id=first.order_id)
    problems = [each.problem for each in (await bought.books())[LEDGER].differences]
    assert "has the same id as line 1" in problems


async def test_an_order_without_an_id_is_matched_by_a_charge_that_nobody_else_claims(bought: Bought) -> None:
    await bought.altered(1, order_id=None)
    ledger = (await bought.books())[LEDGER]
    assert ledger.agrees
    assert (ledger.by_amount, ledger.unmatched) == (1, 0)
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
    assert await audit_books(bought.journal) == ()
    only = await audit_books(await journal_of((OFFSET, None)), wren=bought.wren, cnaught=bought.cnaught)
    assert only == ()


def test_the_columns_of_the_csv_are_what_scripts_rely_on() -> None:
    names = [column.name for column in REPORT_COLUMNS]
    assert names[:6] == ["line", "external_id", "kind", "state", "rehearsal", "reference"]
