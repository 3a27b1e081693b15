"""Models and rows of batches as tables: nothing is rounded, and every column is there, with rows or without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pytest

from wren_async import CNaughtClient, InvalidArgument, UsageError, WrenClient, sync
from wren_async.batch import Batch, CNaughtMass, report_rows
from wren_async.batch.report.columns import REPORT_COLUMNS
from wren_async.batch.report.rows import ReportRow
from wren_async.models import cnaught as cnaught_models
from wren_async.models import wren as wren_models
from wren_async.models.cnaught import Order, OrderState
from wren_async.models.wren import LedgerEntry, OffsetOrderList, OffsetOrderStats
from wren_async.sandbox import Sandbox
from wren_async.tables import to_arrow, to_pandas, to_polars

MODELS = [
    kind
    for package in (cnaught_models, wren_models)
    for name in package.__all__
    if attrs.has(kind := getattr(package, name))
]
MOMENT = datetime(2026, 11, 21, 10, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
ORDERS = [
    Order(
        id="o1",
        amount_kg=Decimal("1234567890123456789.123456789012"),
        price_usd_cents=2**62 + 1,
        state=OrderState.PLACED,
        created_on=MOMENT,
        extra_fields={"new": {"score": Decimal("0.10")}},
    ),
    Order(id="o2", amount_kg=Decimal("0.0000000000005"), price_usd_cents=1, state=OrderState("on_hold")),
]


def test_money_mass_time_and_enum_keep_their_value_and_their_type() -> None:
    table = to_arrow(ORDERS)
    types = {field.name: field.type for field in table.schema}
    assert types["price_usd_cents"] == pa.int64()
    assert types["amount_kg"] == pa.decimal128(38, 12)
    assert types["created_on"] == pa.timestamp("us", tz="UTC")
    assert types["state"] == types["id"] == pa.string()
    first, second = table.to_pylist()
    assert first["price_usd_cents"] == 2**62 + 1
    assert first["amount_kg"] == ORDERS[0].amount_kg
    assert first["created_on"] == MOMENT
    assert first["created_on"].utcoffset() == timedelta()
    assert (first["state"], second["state"]) == ("placed", "on_hold")
    assert second["amount_kg"] == 0, "rounded half to even"
    assert second["created_on"] is None
    assert json.loads(first["extra_fields"], parse_float=str) == {"new": {"score": "0.10"}}
    assert second["extra_fields"] is None


def test_models_within_models_are_flattened_and_lists_are_json() -> None:
    stats = OffsetOrderStats(
        **{each.name: None for each in attrs.fields(OffsetOrderStats) if each.name != "extra_fields"}
    )
    rows = [OffsetOrderList(stats=stats, offset_orders=()), OffsetOrderList(stats=None, offset_orders=())]
    table = to_arrow(rows)
    assert any(name.startswith("stats.") for name in table.column_names)
    assert "stats" not in table.column_names
    order = attrs.evolve(ORDERS[1], project_allocations=())
    assert to_arrow([order]).column("project_allocations").to_pylist() == [None]
    (text,) = to_arrow([cnaught_models.OrderList(data=tuple(ORDERS))]).column("data").to_pylist()
    assert json.loads(text, parse_float=Decimal)[0]["amount_kg"] == ORDERS[0].amount_kg
    portfolio = wren_models.PortfolioList(portfolios=())
    assert to_arrow([portfolio]).column_names == ["portfolios", "extra_fields"]


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: f"{kind.__module__.split('.')[2]}.{kind.__name__}")
def test_a_table_without_rows_has_every_column_of_its_class(kind: type) -> None:
    table = to_arrow([], of=kind)
    assert len(table) == 0
    assert {name.split(".")[0] for name in table.column_names} == {each.name for each in attrs.fields(kind)}  # type: ignore[arg-type]


def test_rows_and_no_rows_give_the_same_columns() -> None:
    assert to_arrow([], of=Order).schema == to_arrow(ORDERS).schema
    assert to_arrow([], of=ReportRow).column_names == [column.name for column in REPORT_COLUMNS]
    assert to_arrow([]).column_names == []


def test_pandas_keeps_ints_beside_missing_values() -> None:
    frame = to_pandas([attrs.evolve(ORDERS[0]), ORDERS[1]])
    assert str(frame["price_usd_cents"].dtype) == "int64[pyarrow]"
    assert frame["price_usd_cents"].sum() == 2**62 + 2
    assert frame["amount_kg"].sum() == ORDERS[0].amount_kg
    assert frame["created_on"].isna().tolist() == [False, True]
    assert list(to_pandas([], of=Order).columns) == list(frame.columns)


def test_polars_keeps_decimals_and_times() -> None:
    frame = to_polars(ORDERS)
    assert frame["price_usd_cents"].sum() == 2**62 + 2
    assert frame["amount_kg"][0] == ORDERS[0].amount_kg
    assert frame["created_on"][0] == MOMENT.astimezone(UTC)
    assert to_polars([], of=Order).schema == frame.schema


async def test_pagers_and_lists_of_both_kinds_of_client(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        token, address = sandbox.wren.live_token, sandbox.wren.base_url
        async with WrenClient(token, base_url=address) as wren:
            await wren.offset_orders.create(tons=1, payment_method="credits")
            ledger = await to_arrow(wren.credits.ledger())
            assert ledger.schema == to_arrow([], of=LedgerEntry).schema
            assert len(ledger) > 0
            assert len(await to_pandas(wren.portfolios.list())) > 0
        with sync.WrenClient(token, base_url=address) as blocking:
            assert to_arrow(blocking.credits.ledger()) == ledger
            assert len(to_polars(blocking.offset_orders.list())) > 0


async def test_lists_of_a_client_without_items_have_their_columns() -> None:
    with Sandbox() as sandbox:
        token, address = sandbox.wren.live_token, sandbox.wren.base_url
        key, base_url = sandbox.cnaught.api_key, sandbox.cnaught.base_url
        async with WrenClient(token, base_url=address) as wren, CNaughtClient(key, base_url=base_url) as cnaught:
            assert (await to_arrow(wren.credits.ledger(offset=100))).schema == to_arrow([], of=LedgerEntry).schema
            donations = await to_arrow(wren.project_donations.list())
            assert (len(donations), donations.schema) == (0, to_arrow([], of=wren_models.ProjectDonation).schema)
            assert (await to_arrow(cnaught.orders.list())).schema == to_arrow([], of=Order).schema
        with sync.WrenClient(token, base_url=address) as blocking, sync.CNaughtClient(key, base_url=base_url) as other:
            assert to_arrow(blocking.project_donations.list()).schema == donations.schema
            assert to_arrow(other.orders.list()).schema == to_arrow([], of=Order).schema
            assert to_arrow(blocking.offset_orders.list()).schema == to_arrow([], of=wren_models.OffsetOrder).schema


async def test_rows_of_a_batch_have_the_columns_of_its_report(tmp_path: Path) -> None:
    journal = tmp_path / "orders.journal"
    orders = [CNaughtMass(amount_kg=Decimal(kilograms)) for kilograms in ("10", "20")]
    with Sandbox() as sandbox:
        client = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url)
        async with client, Batch(journal, cnaught=client) as batch:
            await batch.plan(orders)
            assert [event async for event in batch.run()]
    table = await to_arrow(report_rows(journal), of=ReportRow)
    assert table.column("state").to_pylist() == ["placed", "placed"]
    assert table.column("kilograms").to_pylist() == [10, 20]
    assert table.schema.field("cents").type == pa.int64()


async def none_at_all() -> AsyncIterator[Order]:
    for order in ():
        yield order


async def test_an_asynchronous_list_without_rows_keeps_its_columns_too() -> None:
    assert (await to_arrow(none_at_all(), of=Order)).schema == to_arrow([], of=Order).schema


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (7, "takes a list or a pager of models, not int"),
        ([{"id": "o1"}], "takes models, such as orders, not dict"),
        ([ORDERS[0], cnaught_models.PortfolioList(data=())], "row 2 is of PortfolioList, not of Order"),
    ],
)
def test_what_is_no_row_is_refused(rows: Any, told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        to_arrow(rows)


@pytest.mark.parametrize(
    ("make", "missing", "install"),
    [
        (to_arrow, "pyarrow", "needs pyarrow: pip install pyarrow"),
        (to_pandas, "pandas", "needs pandas: pip install pandas pyarrow"),
        (to_pandas, "pyarrow", "needs pyarrow: pip install pandas pyarrow"),
        (to_polars, "polars", "needs polars: pip install polars pyarrow"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    make: Any, missing: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=install):
        make(ORDERS)


def test_importing_the_functions_imports_none_of_the_packages() -> None:
    code = (
        "import sys\nfrom wren_async.tables import to_arrow, to_pandas, to_polars\n"
        "print([name for name in ('pyarrow', 'pandas', 'polars', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
