"""Many orders placed by several workers through PostgreSQL, while workers are killed and the database is restarted.

    python benchmarks/soak_workers.py [--orders 50000] [--workers 4] [--faults 0.05] [--kills 10]

It starts a sandbox and an embedded PostgreSQL, and in the end holds what the sandbox has committed against the
database: each order once, to the cent. It tells the verdict in one line, and exits with 1 where anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from postgres_server import PostgresServer, running_server  # noqa: E402

from wren_async import CNaughtClient, WrenClient  # noqa: E402
from wren_async.batch import (  # noqa: E402
    Batch,
    Caps,
    CNaughtMass,
    Intent,
    PostgresJournal,
    State,
    WorkerService,
    WrenOffset,
)
from wren_async.sandbox import Sandbox, WrenBehaviours  # noqa: E402

LEASE, SETTLE = 3.0, 2.0
FAULTS: list[dict[str, Any]] = [
    {"kind": "reset", "when": "after"},
    {"kind": "reset", "when": "before"},
    {"kind": "status", "status": 503, "when": "after"},
    {"kind": "status", "status": 503, "when": "before"},
]


def intents(count: int) -> list[Intent]:
    """Orders for both APIs."""
    kinds: list[Intent] = [CNaughtMass(amount_kg=5), WrenOffset(tons=1, payment_method="credits")]
    return [kinds[index % 2] for index in range(count)]


def clients(told: dict[str, Any]) -> tuple[WrenClient, CNaughtClient]:
    """Clients of the sandbox."""
    return (
        WrenClient(told["wren"][1], base_url=told["wren"][0], timeout=1.0, retries=0),
        CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timeout=1.0, retries=0),
    )


async def worker(told: dict[str, Any]) -> None:
    """A worker, until nothing is left to do."""
    wren, cnaught = clients(told)
    async with wren, cnaught:
        service = WorkerService(
            told["address"],
            wren=wren,
            cnaught=cnaught,
            concurrency=told["concurrency"],
            settle_time=SETTLE,
            lease=LEASE,
            retry_after=0.5,
        )
        await service.run(until_done=True)


def start(told: dict[str, Any]) -> subprocess.Popen[bytes]:
    """A worker in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    program = [sys.executable, str(Path(__file__).resolve()), "--worker", json.dumps(told)]
    return subprocess.Popen(program, env=environment)


async def plan(told: dict[str, Any], count: int) -> int:
    """Plan the batch, under a cap of exactly what it costs, and start it; what it costs."""
    wren, cnaught = clients(told)
    async with wren, cnaught:
        await wren.offset_orders.create(tons=1, payment_method="credits", reference="seed")
        await cnaught.orders.create(amount_kg=1, reference="seed")
        async with await PostgresJournal.open(told["address"], "soak") as journal:
            async with Batch(journal, wren=wren, cnaught=cnaught, caps=Caps(failures=None)) as batch:
                planned = (await batch.plan(intents(count))).cents
            async with Batch(journal, caps=Caps(cents=planned, failures=None)):
                await journal.resume_all()
    return planned


async def standing(address: str) -> tuple[dict[str, tuple[State, int | None]], int]:
    """State and cost of each order by its reference, and what was held at most."""
    async with await PostgresJournal.open(address, "soak", read_only=True) as journal:
        entries = {each.row.reference: (each.result.state, each.result.cents) async for each in journal.entries()}
        totals = await journal.totals()
        return entries, totals.spent_cents + totals.reserved_cents + totals.unknown_cents


def check(sandbox: Sandbox, found: dict[str, tuple[State, int | None]]) -> list[str]:
    """What is wrong between the database and the sandbox."""
    committed: dict[str, list[int]] = {}
    for order in sandbox.orders:
        reference = (order.reference or "").partition("[ref:")[2].partition("]")[0]
        if reference != "seed":
            committed.setdefault(reference, []).append(order.cents)
    problems = [f"{name}: ordered {len(cents)} times" for name, cents in committed.items() if len(cents) > 1]
    for name, (state, cents) in found.items():
        there = committed.pop(name, [])
        if state is State.PLACED and (not there or cents not in (None, there[0])):
            problems.append(f"{name}: placed for {cents} in the database, {there} in the sandbox")
        elif state is not State.PLACED:
            problems.append(f"{name}: {state} in the end, {there} in the sandbox")
    return problems + [f"{name}: unknown to the database" for name in committed]


def soak(server: PostgresServer, address: str, chosen: argparse.Namespace) -> list[str]:
    """Plan, let the workers place, kill one again and again, restart the database, and check."""
    with Sandbox(wren=WrenBehaviours(rows_with_group_id=True)) as sandbox:
        wren, cnaught = sandbox.wren, sandbox.cnaught
        told = {
            "address": address,
            "concurrency": chosen.concurrency,
            "wren": [wren.base_url, wren.live_token],
            "cnaught": [cnaught.base_url, cnaught.api_key],
        }
        planned = asyncio.run(plan(told, chosen.orders))
        for operation in ("createOrder", "createOffsetOrder"):
            for fault in FAULTS:
                sandbox.faults.add(**fault, operation=operation, probability=chosen.faults / len(FAULTS))
        began, workers = time.perf_counter(), [start(told) for _ in range(chosen.workers)]
        try:
            before = len(sandbox.orders)
            for step in range(1, chosen.kills + 1):
                share = chosen.orders * step / (chosen.kills + 1)
                _wait_for(sandbox, before + share, began + chosen.seconds)
                workers[0].kill()
                workers[0].wait()
                if server.is_ours and step == (chosen.kills + 1) // 2:
                    server.kill()
                workers[0] = start(told)
            ends = began + chosen.seconds
            is_late = [_is_late(each, ends) for each in workers]
        finally:
            for each in workers:
                each.kill()
                each.wait()
        found, held = asyncio.run(standing(address))
        problems = check(sandbox, found)
        if any(is_late):
            problems.append(f"{sum(is_late)} workers were not done after {chosen.seconds:g} s")
        if held > planned:
            problems.append(f"{held} cents held, and the cap is {planned}")
        seconds = time.perf_counter() - began
        states = Counter(str(state) for state, _ in found.values())
        print(
            f"{chosen.orders:,} orders in {seconds:.0f} s by {chosen.workers} workers, {chosen.kills} kills, "
            f"{sum(each.applied for each in sandbox.faults):,} faults, {_listed(states)}: "
            + (f"{len(problems)} PROBLEMS" if problems else "nothing twice, nothing lost, within the cap")
        )
        return problems


def _listed(states: Counter[str]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in states.items())


def _is_late(worker: subprocess.Popen[bytes], ends: float) -> bool:
    """Whether a worker is not done in time."""
    try:
        worker.wait(timeout=max(1.0, ends - time.perf_counter()))
    except subprocess.TimeoutExpired:
        return True
    return False


def _wait_for(sandbox: Sandbox, orders: float, ends: float) -> None:
    while len(sandbox.orders) < orders and time.perf_counter() < ends:
        # Counting looks at every order, in the process of the sandbox: not too often, and not in step with anything.
        time.sleep(0.02 + random.random() * max(0.02, orders / 20_000))


def main() -> None:
    """Soak, and exit with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=3600, help="Give up after so long.")
    chosen = parser.parse_args()
    with running_server() as server, server.fresh_database() as address:
        problems = soak(server, address, chosen)
    for problem in problems[:20]:
        print(f"  {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        asyncio.run(worker(json.loads(sys.argv[2])))
    else:
        main()
