"""Many orders, mixed faults, and a client process that is killed three times: nothing twice, nothing lost, flat memory.

    python benchmarks/soak.py [--orders 100000] [--faults 0.05] [--concurrency 32]

Half of the orders are for Wren and half for CNaught. Waits of the batch pass at once; everything else is real: sockets,
the journal on disk, and SIGKILL. At the end the clocks move past the settle time, and nothing may be undecided.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from wren_async import CNaughtClient, Timing, WrenClient
from wren_async.batch import Batch, Caps, CNaughtMass, Intent, Progress, Settled, SqliteJournal, State, WrenOffset
from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours

KILLS = (0.1, 0.2, 0.3)
"""Shares of the orders after which the process is killed."""
SETTLE = 30 * 24 * 3600
OPERATIONS = ("createOffsetOrder", "createOrder")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "rate_limit", "retry_after": 2},
    {"kind": "rate_limit"},
    {"kind": "status", "status": 503, "when": "before"},
    {"kind": "status", "status": 503, "when": "after"},
    {"kind": "proxy_error", "when": "after"},
    {"kind": "reset", "when": "unread"},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "reset", "when": "mid_body"},
    {"kind": "late_commit", "seconds": 0.05},
    {"kind": "malformed_json"},
    {"kind": "truncated_json"},
)


def intents(count: int) -> Iterator[Intent]:
    """The orders."""
    for number in range(count):
        if number % 2:
            yield CNaughtMass(amount_kg=1 + number % 7)
        else:
            yield WrenOffset(tons=1 + number % 5, payment_method="credits")


def resident() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# --- the client process ---


class Hasty:
    """Waits that pass at once, and a wall clock that may be ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)
        self._waited = 0.0

    @property
    def timing(self) -> Timing:
        """For the batch."""
        return Timing(monotonic=lambda: time.monotonic() + self._waited, utc=self.utc, sleep=self._sleep)

    def utc(self) -> datetime:
        """The time."""
        return datetime.now(UTC) + self._ahead

    async def _sleep(self, seconds: float) -> None:
        self._waited += seconds
        await asyncio.sleep(0)


async def client(told: dict[str, Any]) -> None:
    """Run the batch once, and print what it took."""
    hasty = Hasty(told["ahead"])
    orders, settled, undecided, memory = told["orders"], 0, 0, {}
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timing=Timing(utc=hasty.utc), timeout=10)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timing=Timing(utc=hasty.utc), timeout=10)
    async with wren, cnaught:
        options: dict[str, Any] = {"caps": Caps(failures=None), "concurrency": told["concurrency"]}
        async with Batch(told["journal"], wren=wren, cnaught=cnaught, timing=hasty.timing, **options) as batch:
            memory["before planning"] = resident()
            await batch.plan(intents(orders))
            memory["planned"] = resident()
            print(json.dumps({"planned": True}), flush=True)
            began = time.perf_counter()
            async for event in batch.run():
                if isinstance(event, Settled):
                    settled += 1
                    undecided += event.entry.result.state is State.UNDECIDED
                    if settled == orders // 10:
                        memory["after the first tenth"] = resident()
                elif isinstance(event, Progress):
                    memory["while placing, last"] = resident()
            seconds = time.perf_counter() - began
    memory["at the end"] = resident()
    memory["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"settled": settled, "seconds": seconds, "undecided": undecided, "memory": memory}), flush=True)


# --- the sandbox and the killer ---


def start(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path, ahead: float) -> subprocess.Popen[str]:
    """Start a client process, and wait until it has planned."""
    told = {
        "orders": chosen.orders,
        "concurrency": chosen.concurrency,
        "ahead": ahead,
        "journal": str(journal),
        "wren": [sandbox.wren.base_url, sandbox.wren.live_token],
        "cnaught": [sandbox.cnaught.base_url, sandbox.cnaught.api_key],
    }
    command = [sys.executable, __file__, "--client", json.dumps(told)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if not process.stdout.readline():
        raise SystemExit("the client process failed")
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the end of a client process; what it told."""
    text, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the client process ended with {process.returncode}")
    return json.loads(text.splitlines()[-1])


def count(sandbox: Sandbox) -> int:
    """Orders that the sandbox has. Quick, unlike its list of them."""
    return sum(fault.seen for fault in sandbox.faults if fault.kind.value == "truncated_json")


def place(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path) -> dict[str, Any]:
    """Place everything, with a kill at each of the shares; what the last process told."""
    for share in KILLS:
        process = start(sandbox, chosen, journal, 0)
        while count(sandbox) < share * chosen.orders and process.poll() is None:
            time.sleep(0.002)
        if process.poll() is not None:
            raise SystemExit("the client process ended before it was killed")
        process.kill()
        process.communicate()
        print(f"killed after about {count(sandbox):,} requests to place", flush=True)
    return finish(start(sandbox, chosen, journal, 0))


async def states(journal: Path) -> dict[str, tuple[State, str | None]]:
    """State and id of each order, by its reference."""
    async with await SqliteJournal.open(journal) as held:
        return {each.row.reference: (each.result.state, each.result.order_id) async for each in held.entries()}


def check(sandbox: Sandbox, found: dict[str, tuple[State, str | None]]) -> list[str]:
    """What is wrong between the journal and the sandbox."""
    committed: dict[str, list[str]] = {}
    for order in sandbox.orders:
        reference = (order.reference or "").partition("[ref:")[2].partition("]")[0]
        committed.setdefault(reference, []).append(order.id)
    problems = [f"{reference}: ordered {len(ids)} times" for reference, ids in committed.items() if len(ids) > 1]
    for reference, (state, order_id) in found.items():
        ids = committed.pop(reference, [])
        if state is State.PLACED and (not ids or order_id not in (None, ids[0])):
            problems.append(f"{reference}: placed in the journal as {order_id}, and {ids} in the sandbox")
        elif ids and state in (State.PENDING, State.REFUSED):
            problems.append(f"{reference}: {state} in the journal, and {ids} in the sandbox")
    return problems + [f"{reference}: unknown to the journal" for reference in committed]


def break_things(sandbox: Sandbox, share: float) -> None:
    """Let so many of the requests that place orders meet a fault."""
    for operation in OPERATIONS:
        for fault in FAULTS:
            sandbox.faults.add(**fault, operation=operation, probability=share / len(FAULTS))


def soak(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path) -> list[str]:
    """Place, kill, resume, let time pass, and check."""
    break_things(sandbox, chosen.faults)
    began = time.perf_counter()
    last = place(sandbox, chosen, journal)
    seconds = time.perf_counter() - began
    faulty = sum(fault.applied for fault in sandbox.faults)
    print(f"placed in {seconds:.0f} s with {len(KILLS)} kills and {faulty:,} faults")
    print(f"last process: {last['settled'] / last['seconds']:.0f} orders/s settled, {last['undecided']:,} undecided")
    print("memory of the last process, MB: " + ", ".join(f"{name} {mb:.1f}" for name, mb in last["memory"].items()))
    print("before the clocks moved:", Counter(state.value for state, _ in asyncio.run(states(journal)).values()))
    sandbox.faults.clear()
    for round_ in (1, 2):
        sandbox.clock.move(SETTLE)
        finish(start(sandbox, chosen, journal, round_ * SETTLE))
    found = asyncio.run(states(journal))
    print("after the clocks moved: ", Counter(state.value for state, _ in found.values()))
    problems = check(sandbox, found)
    if len(found) != chosen.orders:
        problems.append(f"{len(found)} of {chosen.orders} orders in the journal")
    return problems + [f"{name}: {state}" for name, (state, _) in found.items() if state is not State.PLACED]


def main() -> None:
    """Soak, and exit with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--faults", type=float, default=0.05)
    parser.add_argument("--concurrency", type=int, default=32)
    chosen = parser.parse_args()
    wren, cnaught = WrenBehaviours(rows_with_group_id=True), CNaughtBehaviours()
    with tempfile.TemporaryDirectory() as directory, Sandbox(wren=wren, cnaught=cnaught) as sandbox:
        problems = soak(sandbox, chosen, Path(directory, "soak.journal"))
    print(f"{len(problems)} problems" + "".join(f"\n  {problem}" for problem in problems[:20]))
    sys.exit(bool(problems))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        asyncio.run(client(json.loads(sys.argv[2])))
    else:
        main()
