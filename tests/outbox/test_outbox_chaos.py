"""Redelivered messages in four processes that are cancelled, rolled back and killed: each committed order once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import attrs
import psycopg
import pytest
from chaotic_web import BAD, RIDES

from wren_async import CNaughtClient, WrenClient
from wren_async.outbox import Outbox, State
from wren_async.sandbox import FaultKind, Sandbox, When

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills of POSIX")

KILLS = 4


@attrs.define
class WebProcesses:
    """Four web processes, one of which is killed now and then, and started again."""

    sandbox: Sandbox
    address: str
    errors: Path
    running: list[subprocess.Popen[str]] = attrs.field(factory=list[subprocess.Popen[str]])
    seeds: int = 0

    def start(self, messages: int) -> None:
        """Start one that handles so many messages in each of its five tasks."""
        self.seeds += 1
        wren, cnaught = self.sandbox.wren, self.sandbox.cnaught
        told = {
            "seed": self.seeds,
            "address": self.address,
            "messages": messages,
            "wren": [wren.base_url, wren.live_token],
            "cnaught": [cnaught.base_url, cnaught.api_key],
        }
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        program = str(Path(__file__).with_name("chaotic_web.py"))
        with self.errors.open("a") as errors:
            self.running.append(
                subprocess.Popen(
                    [sys.executable, program, json.dumps(told)],
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                )
            )

    def freeze(self, number: int) -> subprocess.Popen[str]:
        """Freeze one for longer than its lease."""
        process = self.running[number]
        process.send_signal(signal.SIGSTOP)
        return process

    def kill(self, number: int) -> None:
        """Kill one at once."""
        process = self.running.pop(number)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def orders(sandbox: Sandbox) -> Counter[str]:
    """How often each reference was ordered."""
    references = [(order.reference or "").partition("[ref:")[2].partition("]")[0] for order in sandbox.orders]
    return Counter(reference for reference in references if reference and reference != "seed")


def rides(address: str) -> set[str]:
    """The references that the app committed."""
    with psycopg.connect(address) as connection:
        return {str(reference) for (reference,) in connection.execute("SELECT reference FROM ride")}


@pytest.mark.slow
async def test_each_committed_reference_is_ordered_once_and_each_rolled_back_one_never(
    database_address: str, tmp_path: Path
) -> None:
    chance = random.Random(7)
    with Sandbox() as sandbox:
        wren = WrenClient(sandbox.wren.live_token, base_url=sandbox.wren.base_url)
        cnaught = CNaughtClient(sandbox.cnaught.api_key, base_url=sandbox.cnaught.base_url)
        async with wren, cnaught:
            await wren.tree_orders.create(amount_of_trees=1, payment_method="credits", reference="seed")
            await cnaught.orders.create(amount_kg=1, reference="seed")
            sandbox.faults.add(
                kind=FaultKind.RESET, when=When.AFTER, operation="createOrder", probability=0.05, times=20
            )
            async with Outbox(database_address) as outbox:
                with psycopg.connect(database_address) as connection:
                    connection.execute("CREATE TABLE ride (reference text PRIMARY KEY)")
                web = WebProcesses(sandbox, database_address, tmp_path / "errors")
                for _ in range(4):
                    web.start(60)
                for _ in range(KILLS):
                    before = sum(orders(sandbox).values())
                    ends = time.monotonic() + 15
                    while sum(orders(sandbox).values()) < before + chance.randint(5, 25) and time.monotonic() < ends:
                        time.sleep(0.02)  # noqa: ASYNC251 - nothing else runs in this process
                    web.kill(chance.randrange(4))
                    web.start(60)
                frozen = web.freeze(0)
                web.start(RIDES + BAD)  # delivers all of it, so that nearly everything is committed at last
                for line in iter(web.running[-1].stdout.readline, ""):  # type: ignore[union-attr]
                    if line.strip() == "done":
                        break
                time.sleep(4)  # noqa: ASYNC251 - longer than the lease of the frozen one, by the database's clock
                frozen.send_signal(signal.SIGCONT)
                time.sleep(1)  # noqa: ASYNC251 - it goes on, and may not send
                while web.running:
                    web.kill(0)
                committed = rides(database_address)
            async with Outbox(
                database_address, wren=wren, cnaught=cnaught, lease=3.0, settle_time=2.0, concurrency=8
            ) as outbox:
                states = {}
                ends = time.monotonic() + 60
                while set(states.values()) != {State.PLACED} and time.monotonic() < ends:
                    states = {reference: (await outbox.result(reference, within=0.2)).state for reference in committed}
                rolled_back = [await outbox.get(f"bad-{number}") for number in range(RIDES, RIDES + BAD)]
                counted = (await outbox.health()).totals
        found = orders(sandbox)
    assert len(committed) > RIDES * 0.9, (tmp_path / "errors").read_text()[-2000:]
    assert set(states.values()) == {State.PLACED}, Counter(states.values())
    assert found == dict.fromkeys(committed, 1)
    assert rolled_back == [None] * BAD
    assert counted.orders[State.PLACED] == len(committed)
