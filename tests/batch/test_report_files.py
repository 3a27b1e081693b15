"""The report of a batch as files and as rows: joined to the input, exact, and the same in every format."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from batch_world import World, run

from wren_async import InvalidArgument, JournalError, UsageError
from wren_async.batch import (
    REPORT_COLUMNS,
    CNaughtMass,
    Row,
    SqliteJournal,
    WrenTrees,
    html_page,
    read_report,
    report_rows,
    write_csv,
    write_json,
    write_parquet,
)
from wren_async.batch.intents import canonical, digest
from wren_async.batch.report import parquet as parquet_module
from wren_async.batch.report.escaping import link_host

ORDERS = """external_id,kind,tons,amount_kg,amount_of_trees,payment_method,note,description
R-1001,wren.offset,0.45,,,credits,Ride to the airport,
R-1002,cnaught.mass,,10,,,,Delivery of 10 kg
,wren.trees,,,3,credits,,
"""


@pytest.fixture
async def journal(here: World, tmp_path: Path) -> Path:
    """The journal of a batch of three orders that are placed."""
    path = tmp_path / "rides.csv"
    path.write_text(ORDERS)
    async with here.batch(tmp_path / "rides.csv.journal") as batch:
        await batch.plan(path)
        await run(batch)
    return tmp_path / "rides.csv.journal"


async def test_rows_come_back_with_what_the_input_said_of_them(journal: Path) -> None:
    rows = [row async for row in report_rows(journal)]
    assert [(row.position, row.external_id, row.note, row.description, row.text) for row in rows] == [
        (2, "R-1001", "Ride to the airport", None, "Ride to the airport"),
        (3, "R-1002", None, "Delivery of 10 kg", "Delivery of 10 kg"),
        (4, None, None, None, None),
    ]
    assert [row.ordered_trees for row in rows] == [None, None, 3]
    assert {row.rehearsal for row in rows} == {"sandbox"}


async def test_the_own_number_of_an_order_reaches_neither_api(here: World, journal: Path) -> None:
    assert [row.external_id async for row in report_rows(journal)][:2] == ["R-1001", "R-1002"]
    assert "Ride to the airport" in repr(here.sandbox.orders)
    assert "R-100" not in repr(here.sandbox.orders)


async def test_every_format_has_the_same_orders(journal: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert await write_csv(journal, out.with_suffix(".csv")) == 3
    assert await write_json(journal, out.with_suffix(".json")) == 3
    assert await write_parquet(journal, out.with_suffix(".parquet")) == 3

    with out.with_suffix(".csv").open(newline="", encoding="utf-8-sig") as file:
        cells = list(csv.DictReader(file))
    with out.with_suffix(".json").open() as file:
        told = json.load(file)
    stored = pq.read_table(out.with_suffix(".parquet")).to_pylist()
    names = [column.name for column in REPORT_COLUMNS]
    assert [*cells[0]] == [*told["orders"][0]] == [*stored[0]] == names
    for row, cell, given, kept in zip(
        [row async for row in report_rows(journal)], cells, told["orders"], stored, strict=True
    ):
        for column in REPORT_COLUMNS:
            value = column.of(row)
            assert kept[column.name] == value
            assert (cell[column.name] == "") == (given[column.name] is None) == (value is None)
            if isinstance(value, Decimal):
                assert Decimal(given[column.name]) == Decimal(cell[column.name]) == value
            elif isinstance(value, datetime):
                assert datetime.fromisoformat(cell[column.name]) == datetime.fromisoformat(given[column.name]) == value
            elif value is not None:
                assert (cell[column.name], given[column.name]) == (str(value), value)


async def test_a_csv_may_have_decimal_commas_and_semicolons(journal: Path, tmp_path: Path) -> None:
    await write_csv(journal, tmp_path / "out.csv", decimal_comma=True)
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8-sig") as file:
        first = next(csv.DictReader(file, delimiter=";"))
    assert (first["tonnes"], first["external_id"]) == ("0,45", "R-1001")


async def test_parquet_holds_exact_numbers_and_times_and_what_the_batch_is(journal: Path, tmp_path: Path) -> None:
    await write_parquet(journal, tmp_path / "out.parquet")
    schema = pq.read_schema(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in schema}
    assert types["cents"] == types["line"] == "int64"
    assert types["kilograms"] == "decimal128(38, 12)"
    assert types["first_sent"] == "timestamp[us, tz=UTC]"
    told = json.loads(schema.metadata[b"wren_async.batch"])
    assert told["file"] == "rides.csv"
    assert told["servers"]["wren"]["rehearsal"] == "sandbox"


async def test_json_tells_the_batch_as_a_whole(journal: Path, tmp_path: Path) -> None:
    await write_json(journal, tmp_path / "out.json")
    with (tmp_path / "out.json").open() as file:
        told = json.load(file)
    assert told["states"] == {"pending": 0, "sending": 0, "undecided": 0, "placed": 3, "refused": 0}
    assert told["sums"]["cents"] == sum(order["cents"] for order in told["orders"])
    assert told["planned_by"]
    assert len(told["file_sha256"]) == 64


async def test_the_page_names_the_file_its_digest_the_account_and_who_made_what_when(journal: Path) -> None:
    page = html_page(await read_report(journal))
    report = await read_report(journal)
    assert "rides.csv" in page
    assert str(report.file_digest) in page
    assert f"account mark <code>{report.accounts['wren']}</code>" in page
    assert len(report.accounts["wren"]) == 8
    assert report.planned is not None
    assert f"{report.planned:%Y-%m-%d %H:%M} UTC, by wren-async {report.planned_by}" in page
    assert "R-1001" in page
    assert "Ride to the airport" in page


async def test_files_of_a_batch_without_orders_are_proper_ones(tmp_path: Path) -> None:
    async with await SqliteJournal.open(tmp_path / "j") as journal:
        assert await write_json(journal, tmp_path / "out.json") == 0
        assert await write_parquet(journal, tmp_path / "out.parquet") == 0
        assert await write_csv(journal, tmp_path / "out.csv") == 0
    with (tmp_path / "out.json").open() as file:
        assert json.load(file)["orders"] == []
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


@pytest.mark.parametrize("write", [write_csv, write_json, write_parquet])
async def test_no_format_is_written_over_a_journal_or_the_orders(journal: Path, tmp_path: Path, write: object) -> None:
    for target in (journal, tmp_path / "rides.csv"):
        with pytest.raises(InvalidArgument, match="name another file"):
            await write(journal, target)  # type: ignore[operator]
    with pytest.raises(JournalError):
        await write(tmp_path / "none", tmp_path / "out")  # type: ignore[operator]


async def test_a_great_many_orders_are_written_a_group_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_module, "_GROUP", 1000)
    text = canonical(CNaughtMass(amount_kg=1, external_id="R"))
    async with await SqliteJournal.open(tmp_path / "j") as journal:
        await journal.add([
            Row(position=place, intent=text, digest=digest(text), reference=f"r{place}", key="k", cents=1, grams=1)
            for place in range(1, 2501)
        ])  # fmt: skip
        assert await write_parquet(journal, tmp_path / "out.parquet") == 2500
        assert await write_json(journal, tmp_path / "out.json") == 2500
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 3
    with (tmp_path / "out.json").open() as file:
        assert [order["line"] for order in json.load(file)["orders"]] == [*range(1, 2501)]


async def test_without_pyarrow_parquet_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'wren-async\[parquet\]'"):
        await write_parquet(tmp_path / "j", tmp_path / "out")


def test_an_order_with_an_own_number_is_another_order() -> None:
    one, other = (WrenTrees(amount_of_trees=1, payment_method="credits", external_id=each) for each in ("A", "B"))
    assert digest(canonical(one)) != digest(canonical(other))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.wren.co/certificates/1?a=b&c=%20", "www.wren.co"),
        ("HTTPS://Certificates.CNaught.com:443", "certificates.cnaught.com"),
        ("http://www.wren.co/1", None),
        ("javascript:alert(1)", None),
        ("https://www.wren.co@evil.example/", None),
        ("https://evil.example\\@www.wren.co/", None),
        ("https://wren.co/a b", None),
        ("https://wreñ.co/", None),
        ("https://", None),
        ("", None),
        (None, None),
    ],
)
def test_only_an_address_that_every_browser_reads_alike_becomes_a_link(address: str | None, host: str | None) -> None:
    assert link_host(address) == host
