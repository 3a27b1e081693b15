"""Wren's ledger beside a batch of many workers: by its charge a lost order gets its id, and none gets another's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from batch_world import World, run

sys.path.append(str(Path(__file__).parents[1] / "cli"))

from cli_shell import served, tokens

from wren_async.batch import Intent, PostgresJournal, State, WrenOffset
from wren_async.batch.journal.contract import Result
from wren_async.batch.journal.notes import Note
from wren_async.batch.run.wren_ledger import note_checkpoint
from wren_async.cli import main
from wren_async.reconcile import Checkpoint
from wren_async.sandbox import Sandbox, WrenBehaviours


def offsets(count: int) -> list[Intent]:
    return [WrenOffset(tons=Decimal(10 + number) / 100, payment_method="credits") for number in range(count)]


async def open_rides(address: str, **options: Any) -> PostgresJournal:
    return await PostgresJournal.open(address, "rides", **options)


def without_ids(here: World) -> None:
    """Let neither lists nor dates tell which charge is whose: the checkpoint alone can."""
    here.sandbox.wren_api.behaviours.rows_with_group_id = False
    here.sandbox.wren_api.behaviours.ledger_details = False


async def plan(here: World, address: str, count: int) -> None:
    async with await open_rides(address) as journal, here.batch(journal) as batch:
        await batch.plan(offsets(count))


async def test_an_order_whose_answer_was_lost_gets_its_id(here: World, database_address: str) -> None:
    await here.seed()
    without_ids(here)
    await plan(here, database_address, 3)
    here.sandbox.faults.add("reset", operation="createOffsetOrder", when="after", times=1)
    async with await open_rides(database_address) as journal, here.batch(journal) as batch:
        await run(batch)
        found = {entry.row.reference: entry.result.order_id async for entry in journal.entries(State.PLACED)}
    assert found == {reference: orders[0].id for reference, orders in here.committed().items()}


async def test_the_charge_of_what_another_has_on_the_wire_is_nobody_elses(here: World, database_address: str) -> None:
    """Two orders of one amount are charged: the answer to one is lost, and the other's is not written down yet."""
    await here.seed()
    without_ids(here)
    async with await open_rides(database_address) as journal, here.batch(journal) as batch:
        await batch.plan([WrenOffset(tons=1, payment_method="credits"), WrenOffset(tons=1, payment_method="credits")])
        await batch._recovery.note_checkpoint()
    async with await open_rides(database_address) as other, await open_rides(database_address) as mine:
        await other.join()
        await other.checked()
        now = here.timing.utc()
        wren, _ = here.clients()
        receipts = []
        async with wren:
            for each in (1, 2):
                await other.mark_sending([each], now)
                reference = (await other.entry(each)).row.reference
                receipts.append(await wren.offset_orders.create(tons=1, payment_method="credits", reference=reference))
        await other.record(1, Result(state=State.UNDECIDED, reason="no answer", first_sent=now, last_sent=now))
        async with here.batch(mine) as batch:
            here.pass_time(3600)
            async for _ in batch.reconcile():
                pass
            assert (await mine.entry(1)).result.state is State.UNDECIDED, "a later look may tell its id"
            await other.record(2, Result(state=State.PLACED, order_id=receipts[1].id, cents=receipts[1].amount_charged))
            async for _ in batch.reconcile():
                pass
            result = (await mine.entry(1)).result
    assert (result.state, result.order_id) == (State.PLACED, receipts[0].id)


async def test_the_checkpoint_moves_only_while_nothing_is_on_the_wire(here: World, database_address: str) -> None:
    await plan(here, database_address, 2)

    async def noted(journal: PostgresJournal) -> int:
        return Checkpoint.from_json(await journal.noted(Note.LEDGER) or "").total

    async with await open_rides(database_address) as journal, here.batch(journal) as batch:
        await batch._recovery.note_checkpoint()
        first = await noted(journal)
        await journal.join()
        await journal.checked()
        await here.seed()
        await journal.mark_sending([1], here.timing.utc())
        await batch._recovery.note_checkpoint()
        assert await noted(journal) == first, "what is on the wire was sent after that"
        await journal.record(1, Result(state=State.REFUSED, reason="no"))
        await batch._recovery.note_checkpoint()
        later = await noted(journal)
        assert later > first
        before = Checkpoint(total=first, newest=None, taken=here.timing.utc() - timedelta(hours=1))

        async def slow() -> Checkpoint:
            """One that read the ledger before, and comes late to write it down."""
            return before

        await note_checkpoint(journal, slow, continues=False)
        assert await noted(journal) == later


# --- three workers, one of them killed ---


@contextmanager
def workers(count: int, address: str, sandbox: Sandbox) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers in processes of their own."""
    environment = {**os.environ, **tokens(sandbox), "WREN_ASYNC_DATABASE": address}
    command = [sys.executable, "-m", "wren_async.cli", "worker", "--lease", "10", "--settle-time", "0"]
    started = [
        subprocess.Popen([*command, "--concurrency", "2"], env=environment, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_for(happened: Callable[[], bool], within: float = 90.0) -> None:
    ends = time.monotonic() + within
    while not happened():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills of POSIX")
def test_the_order_of_a_worker_that_was_killed_in_mid_send_has_its_id_in_the_report(
    tmp_path: Path, database_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = tmp_path / "rides.csv"
    orders.write_text("tons,payment_method\n" + "".join(f"0.{10 + number},credits\n" for number in range(30)))
    with served(Sandbox(wren=WrenBehaviours(ledger_details=False))) as (sandbox, _):
        for name, value in tokens(sandbox).items():
            monkeypatch.setenv(name, value)
        database = ["--database", database_address]
        assert main(["batch", "plan", str(orders), *database]) == 0
        # The last one is placed and charged, and its answer never comes.
        sandbox.faults.add("never_answer", when="after", operation="createOffsetOrder", nth=30)
        assert main(["batch", "resume", "rides", "--yes", "--leave", *database]) == 0
        with psycopg.connect(database_address, autocommit=True) as connection:

            def asked(query: str) -> list[tuple[Any, ...]]:
                return connection.execute(query.encode()).fetchall()

            with workers(3, database_address, sandbox):
                sending = "SELECT r.name FROM wren_async.standing s JOIN wren_async.runner r ON r.id = s.owner"
                wait_for(lambda: len(sandbox.orders) == 30 and len(asked(sending)) == 1)
                ((name,),) = asked(sending)
                os.kill(int(name.rpartition(":")[2]), signal.SIGKILL)
                wait_for(lambda: asked("SELECT count(*) FROM wren_async.standing WHERE state <> 'placed'") == [(0,)])
        told = tmp_path / "told.json"
        assert main(["batch", "report", "rides", "--json", str(told), *database]) == 0
        rows = json.loads(told.read_text())["orders"]
        ids = {(order.reference or "").partition("[ref:")[2].rstrip("]"): order.id for order in sandbox.orders}
        assert {row["reference"]: row["order_id"] for row in rows} == ids
        assert [row["settled_by"] for row in rows].count("reconciling") >= 1
