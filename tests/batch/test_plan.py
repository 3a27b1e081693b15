from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_world import World, world

from wren_async import CNaughtClient, Forbidden, InvalidConfiguration, Unauthorized
from wren_async._generated.cnaught.models import Quote
from wren_async._generated.wren.models import OffsetOrderReceipt
from wren_async.batch.events import Planning
from wren_async.batch.input.faults import InvalidInput
from wren_async.batch.input.planner import InputChanged, Planner
from wren_async.batch.input.pricing import PriceList, Unpriced, price
from wren_async.batch.input.row_values import Reading
from wren_async.batch.intents import CNaughtMass, CNaughtPrice, WrenOffset, WrenProject, WrenTrees
from wren_async.batch.journal.contract import JournalError, State
from wren_async.batch.journal.memory import MemoryJournal
from wren_async.batch.report.summary import read_report
from wren_async.batch.report.wording import needs
from wren_async.batch.run.batch import Batch

MIXED = [
    WrenOffset(tons=Decimal("0.5"), payment_method="credits", note="one"),
    WrenOffset(tons=Decimal("0.50"), payment_method="credits", note="another"),
    WrenTrees(amount_of_trees=10, payment_method="credits"),
    WrenProject(project_id=18, amount_in_usd_cents=500, payment_method="credits"),
    CNaughtMass(amount_kg=10),
    CNaughtMass(amount_kg=10, description="the same price"),
    CNaughtPrice(total_price_usd_cents=700),
]


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(text)
    return path


async def test_a_plan_tells_what_it_will_cost_and_buys_nothing(here: World) -> None:
    async with here.batch() as batch:
        plan = await batch.plan(MIXED)
    assert (plan.orders, plan.cents) == (7, 2 * 1156 + 5000 + 500 + 2 * 20 + 700)
    assert plan.kilograms == 2 * 500 + Decimal("20.587") + 2 * 10
    assert plan.questions == 4, "equal orders are priced once"
    assert here.sandbox.orders == []


async def test_every_price_is_asked_once_over_all_pieces_of_the_input(here: World) -> None:
    async with here.batch() as batch:
        plan = await batch.plan(CNaughtMass(amount_kg=1 + index % 3) for index in range(1500))
    assert (plan.orders, plan.questions) == (1500, 3)
    assert len(here.sandbox.requests.of("createQuote")) == 3


async def test_planning_tells_how_far_it_is(here: World, tmp_path: Path) -> None:
    path = csv(tmp_path, "amount_kg\n" + "".join(f"{1 + number % 3}\n" for number in range(1200)))
    told: list[Planning] = []
    async with here.batch() as batch:
        await batch.plan(path, tell=told.append)
    assert [event.rows for event in told] == [500, 1000, 1200] * 2
    assert [event.checking for event in told] == [True] * 3 + [False] * 3
    assert [event.questions for event in told] == [0] * 3 + [3] * 3


async def test_many_left_out_rows_are_known_again_and_a_mended_one_is_told(here: World, tmp_path: Path) -> None:
    rows = [str(number % 2) for number in range(2000)]
    path = csv(tmp_path, "\n".join(["amount_kg", *rows]))
    journal = MemoryJournal()
    for resumed in (False, True):
        async with here.batch(journal) as batch:
            plan = await batch.plan(path, skip_bad_rows=True)
            assert (plan.orders, plan.left_out, plan.resumed) == (1000, 1000, resumed)
    rows[1500] = "7"
    async with here.batch(journal) as batch:
        with pytest.raises(InputChanged, match="line 1502 was no order"):
            await batch.plan(csv(tmp_path, "\n".join(["amount_kg", *rows])), skip_bad_rows=True)


async def test_all_faults_are_told_before_anything_is_asked(here: World, tmp_path: Path) -> None:
    path = csv(tmp_path, "amount_kg\n1\n-1\nx\n")
    async with here.batch() as batch:
        with pytest.raises(InvalidInput) as caught:
            await batch.plan(path)
    assert [fault.line for fault in caught.value.faults] == [3, 4]
    assert len(here.sandbox.requests) == 0


@pytest.mark.parametrize("text", ["amount_kg\n1\n-1\n", "amount_kg,portfolio_id\n1,\n2,unknown\n"])
async def test_an_input_with_faults_leaves_no_journal_behind(here: World, tmp_path: Path, text: str) -> None:
    path = tmp_path / "journals" / "rides.journal"
    path.parent.mkdir()
    for _ in range(2):
        async with here.batch(path) as batch:
            with pytest.raises(InvalidInput):
                await batch.plan(csv(tmp_path, text))
        assert list(path.parent.iterdir()) == []
    async with here.batch(path) as batch:
        plan = await batch.plan(csv(tmp_path, "amount_kg\n3\n4\n"))
        assert (plan.orders, plan.resumed) == (2, False)


async def test_a_mended_input_of_the_same_batch_keeps_its_journal(here: World, tmp_path: Path) -> None:
    async with here.batch(tmp_path / "rides.journal") as batch:
        with pytest.raises(InvalidInput):
            await batch.plan(csv(tmp_path, "amount_kg\n-1\n"))
        await batch.plan(csv(tmp_path, "amount_kg\n1\n"))
    async with here.batch(tmp_path / "rides.journal") as batch:
        assert (await batch.plan(csv(tmp_path, "amount_kg\n1\n"))).resumed


@pytest.mark.parametrize("skip_bad_rows", [False, True])
async def test_rows_with_the_external_id_of_an_earlier_one_are_told_and_planned(
    here: World, tmp_path: Path, skip_bad_rows: bool
) -> None:
    rows = "".join(f"{kilograms},R-{number % 1200}\n" for number, kilograms in enumerate([1, 2] * 602))
    path = csv(tmp_path, f"amount_kg,external_id\n{rows}5,\n5,\n")
    for _ in range(2):
        async with here.batch(tmp_path / "rides.journal") as batch:
            plan = await batch.plan(path, skip_bad_rows=skip_bad_rows)
        assert plan.orders == 1206
        assert plan.repeated.count == 4
        assert [str(each) for each in plan.repeated.rows[:2]] == [
            "line 1202 has the external_id of line 2, 'R-0'",
            "line 1203 has the external_id of line 3, 'R-1'",
        ]
    report = await read_report(tmp_path / "rides.journal")
    assert "4 rows have an external_id that an earlier row has" in next(needs(report, "rides.journal")).what


async def test_bad_rows_are_left_out_when_told_so(here: World, tmp_path: Path) -> None:
    path = csv(tmp_path, "amount_kg,portfolio_id\n1,\n-1,\n2,unknown\n3,\n")
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        plan = await batch.plan(path, skip_bad_rows=True)
        assert (plan.orders, plan.left_out) == (2, 2)
    async with here.batch(journal) as batch:
        again = await batch.plan(path, skip_bad_rows=True)
        assert again.resumed
        assert (again.orders, again.questions) == (2, 0)


@pytest.mark.parametrize("text", ["", "amount_kg,shoes\n1,2\n", 'amount_kg,description\n1,a\n2,"b\n3,c\n'])
async def test_what_spoils_the_whole_input_cannot_be_left_out(here: World, tmp_path: Path, text: str) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        with pytest.raises(InvalidInput):
            await batch.plan(csv(tmp_path, text), skip_bad_rows=True)
        assert not await journal.sealed()


async def test_an_order_that_the_api_would_not_price_is_a_fault_of_its_row(here: World, tmp_path: Path) -> None:
    path = csv(tmp_path, "amount_kg,portfolio_id\n1,\n2,unknown\n")
    async with here.batch() as batch:
        with pytest.raises(InvalidInput, match="line 3: cnaught would not price it"):
            await batch.plan(path)
        mended = await batch.plan(csv(tmp_path, "amount_kg,portfolio_id\n1,\n2,\n"))
        assert mended.orders == 2


async def test_another_currency_cannot_be_counted(here: World) -> None:
    here.sandbox.wren_api.behaviours.currency = "EUR"
    async with here.batch() as batch:
        with pytest.raises(InvalidInput, match="would be charged in EUR"):
            await batch.plan([WrenOffset(tons=1, payment_method="stripe")])


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (403, Forbidden)])
async def test_what_would_meet_every_order_ends_the_planning(here: World, status: int, error: type[Exception]) -> None:
    here.sandbox.faults.add("status", operation="createQuote", status=status, when="before")
    async with here.batch() as batch:
        with pytest.raises(error):
            await batch.plan([CNaughtMass(amount_kg=1)])


async def test_an_order_without_a_client_is_told(here: World) -> None:
    async with (
        CNaughtClient(here.sandbox.cnaught.api_key, base_url=here.sandbox.cnaught.base_url) as cnaught,
        Batch(MemoryJournal(), cnaught=cnaught) as batch,
    ):
        with pytest.raises(InvalidConfiguration, match=r"wren=WrenClient"):
            await batch.plan(MIXED)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("amount_kg\n1\n2\n4\n", "line 4 changed"),
        ("amount_kg\n1\n2\n", "ends at line 3"),
        ("amount_kg\n1\n2\n3\n4\n", "line 5 was no order"),
        ("amount_kg\n1\n\n3\n", "line 3 was an order"),
    ],
)
async def test_a_changed_input_is_refused(here: World, tmp_path: Path, changed: str, message: str) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan(csv(tmp_path, "amount_kg\n1\n2\n3\n"))
        with pytest.raises(InputChanged, match=message):
            await batch.plan(csv(tmp_path, changed))


async def test_an_interrupted_plan_is_taken_up(here: World) -> None:
    journal = MemoryJournal()

    def failing() -> Any:
        for index in range(1, 1200):
            if index == 1100:
                raise RuntimeError("the source broke")
            yield CNaughtMass(amount_kg=1)

    async with here.batch(journal) as batch:
        with pytest.raises(RuntimeError):
            await batch.plan(failing())
        assert not await journal.sealed()
        before = [entry.row async for entry in batch.entries()]
        plan = await batch.plan(CNaughtMass(amount_kg=1) for _ in range(1200))
        assert plan.orders == 1200
        assert [entry.row async for entry in batch.entries(State.PENDING)][: len(before)] == before


async def test_identical_rows_stay_two_orders_with_references_and_keys_of_their_own(here: World) -> None:
    async with here.batch() as batch:
        await batch.plan([CNaughtMass(amount_kg=1)] * 2)
        rows = [entry.row async for entry in batch.entries()]
    assert len({row.reference for row in rows}) == len({row.key for row in rows}) == 2
    assert len({row.digest for row in rows}) == 1


async def test_the_batch_stays_with_its_servers(here: World) -> None:
    journal = MemoryJournal()
    async with here.batch(journal) as batch:
        await batch.plan([CNaughtMass(amount_kg=1)])
    async with (
        world() as elsewhere,
        elsewhere.batch(journal) as batch,
    ):
        with pytest.raises(JournalError, match="was begun with"):
            await batch.plan([CNaughtMass(amount_kg=1)])


async def test_an_order_above_its_clients_ceiling_is_told_with_its_line(here: World) -> None:
    @attrs.frozen(kw_only=True)
    class Ceilings:
        kilograms: Decimal | None = None
        usd_cents: int | None = None
        trees: int | None = None

    wren, cnaught = here.clients()
    async with wren, cnaught:
        prices = PriceList({"wren": wren, "cnaught": cnaught})
        planner = Planner(
            MemoryJournal(),
            prices,
            "root",
            ceilings={"wren": Ceilings(trees=9), "cnaught": Ceilings(kilograms=Decimal(50), usd_cents=600)},
        )
        source = [
            CNaughtMass(amount_kg=50),
            CNaughtMass(amount_kg=51),
            CNaughtPrice(total_price_usd_cents=600),
            CNaughtPrice(total_price_usd_cents=601),
            WrenTrees(amount_of_trees=10, payment_method="credits"),
        ]
        with pytest.raises(InvalidInput) as caught:
            await planner.plan(source, Reading(), skip_bad_rows=False)
    assert [str(fault) for fault in caught.value.faults] == [
        "line 2: is for 51 kg, and the client's ceiling for one order is 50 kg",
        "line 4: would cost 601 US cents, and the client's ceiling for one order is 600",
        "line 5: is for 10 trees, and the client's ceiling for one order is 9",
    ]


@pytest.mark.parametrize("cents", [-1, 10**12, 10**30])
def test_a_price_that_no_order_has_is_none(cents: int) -> None:
    found = price(Quote(amount_kg=Decimal(1), price_usd_cents=cents))
    assert isinstance(found, Unpriced)
    assert "US cents" in found.reason


@pytest.mark.parametrize("kilograms", ["1E+999999", "-1", "NaN"])
def test_a_mass_that_no_order_has_is_no_price(kilograms: str) -> None:
    assert isinstance(price(Quote(amount_kg=Decimal(kilograms), price_usd_cents=1)), Unpriced)


def test_tonnes_beyond_any_order_are_no_price() -> None:
    beyond = OffsetOrderReceipt(id="o", amount_charged=1, currency="USD", tons=Decimal("1E+999999"))
    assert isinstance(price(beyond), Unpriced)
