"""What a run of a batch leaves in the log: enough to be called for, and few lines however much goes wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest
from batch_world import World, run, world

from wren_async.batch.intents import Intent, WrenOffset
from wren_async.batch.run.budget import Caps


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as made:
        yield made


@pytest.fixture(autouse=True)
def _informed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "wren_async")


def tonnes(count: int) -> list[Intent]:
    return [WrenOffset(tons=1, payment_method="credits") for _ in range(count)]


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [each for each in caplog.records if each.name.startswith("wren_async")]


async def test_a_run_without_faults_leaves_one_line(here: World, caplog: pytest.LogCaptureFixture) -> None:
    async with here.batch() as batch:
        await batch.plan(tonnes(30))
        await run(batch)
    (line,) = ours(caplog)
    assert (line.levelno, line.name) == (logging.INFO, "wren_async.batch.run.log")
    assert line.getMessage() == f"batch {batch.batch_id}: the run ended (done): nothing is left to send; 30 placed"


async def test_of_many_undecided_orders_the_first_ten_are_named_and_the_sum_is_told(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with here.batch(caps=Caps(failures=None)) as batch:
        await batch.plan(tonnes(60))
        here.sandbox.faults.add("reset", operation="createOffsetOrder", when="before")
        await run(batch)
    undecided = [line for line in ours(caplog) if line.__dict__["event"] == "outcome_unknown"]
    assert len(undecided) == 10
    assert {line.levelno for line in undecided} == {logging.WARNING}
    first, last = undecided[0], undecided[-1]
    assert first.getMessage().endswith(f"(reference {first.__dict__['reference']}); this run or the next looks for it")
    assert last.getMessage().endswith("; from here on, only the journal names such orders")
    assert len(ours(caplog)) < 20
    assert ours(caplog)[-1].__dict__["event"] == "run_ended"
