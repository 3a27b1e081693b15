"""Many orders, mixed faults, and a client that is killed, restored and continued: nothing twice, nothing lost.

    python benchmarks/soak.py [--orders 100000] [--faults 0.05] [--concurrency 32]

Half of the orders are for Wren and half for CNaught. The process is killed three times while it places, and as often
while it recovers. Once its journal is replaced by an older copy; a copy without its log is tried and must be refused;
and in the end a new journal continues the batch with some amounts changed, which must buy nothing. Waits pass at once;
everything else is real: sockets, the journal on disk, and SIGKILL. At the end the clocks move past the settle time, and
nothing may be undecided.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import shutil
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
from wren_async.batch import (
    Batch,
    Caps,
    CNaughtMass,
    Intent,
    JournalError,
    Progress,
    Settled,
    SqliteJournal,
    State,
    WrenOffset,
)
from wren_async.sandbox import CNaughtBehaviours, Sandbox, WrenBehaviours

KILLS = 3
EACH = 0.1
"""Share of the orders that each process sends before it is killed."""
SETTLE = 30 * 24 * 3600
HOUR = 3600
RECOVERING = 0.3
"""Seconds after which a process that recovers is killed."""
CHANGED = 500
"""One order in so many is changed in the end."""
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


def intents(count: int, changed: int = 0) -> Iterator[Intent]:
    """The orders; one in so many of another amount, if any is to be `changed`."""
    for number in range(count):
        more = 100 if changed and number % changed == 0 else 0
        if number % 2:
            yield CNaughtMass(amount_kg=1 + number % 7 + more)
        else:
            yield WrenOffset(tons=1 + number % 5 + more, payment_method="credits")


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
    wren = WrenClient(told["wren"][1], base_url=told["wren"][0], timing=hasty.timing, timeout=10)
    cnaught = CNaughtClient(told["cnaught"][1], base_url=told["cnaught"][0], timing=hasty.timing, timeout=10)
    async with wren, cnaught:
        options: dict[str, Any] = {
            "caps": Caps(failures=None),
            "concurrency": told["concurrency"],
            "continues": told["continues"],
        }
        async with Batch(told["journal"], wren=wren, cnaught=cnaught, timing=hasty.timing, **options) as batch:
            memory["before planning"] = resident()
            await batch.plan(intents(orders, told["changed"]))
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


def start(
    sandbox: Sandbox,
    chosen: argparse.Namespace,
    journal: Path,
    ahead: float,
    continues: str | None = None,
    changed: int = 0,
) -> subprocess.Popen[str]:
    """Start a client process, and wait until it has planned."""
    told = {
        "orders": chosen.orders,
        "concurrency": chosen.concurrency,
        "ahead": ahead,
        "journal": str(journal),
        "continues": continues,
        "changed": changed,
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


def place(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path) -> tuple[dict[str, Any], float]:
    """Place everything, with kills and an older copy on the way; what the last process told, and how far time went."""
    ahead = 0.0
    older = journal.with_name("older")
    for round_ in range(KILLS):
        process = start(sandbox, chosen, journal, ahead)
        enough = count(sandbox) + EACH * chosen.orders
        while count(sandbox) < enough and process.poll() is None:
            time.sleep(0.002)
        kill(process, sandbox)
        refuse_without_log(journal)
        kill_recovering(sandbox, chosen, journal, ahead)
        if round_ == 0:
            copy(journal, older / journal.name)
        elif round_ == 1:
            # What the older copy does not know may still be on its way: it waits for the settle time.
            copy(older / journal.name, journal)
            finish(start(sandbox, chosen, journal, ahead))
            print("restored an older copy:", Counter(state for state, _ in asyncio.run(states(journal)).values()))
            ahead += HOUR
            sandbox.clock.move(HOUR)
    return finish(start(sandbox, chosen, journal, ahead)), ahead


def kill(process: subprocess.Popen[str], sandbox: Sandbox) -> None:
    """Kill a client process at its work."""
    if process.poll() is not None:
        raise SystemExit("the client process ended before it was killed")
    process.kill()
    process.communicate()
    print(f"killed after about {count(sandbox):,} requests to place", flush=True)


def kill_recovering(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path, ahead: float) -> None:
    """Kill a process soon after it began to recover what another left."""
    process = start(sandbox, chosen, journal, ahead)
    time.sleep(RECOVERING)
    kill(process, sandbox)


def copy(journal: Path, to: Path) -> None:
    """Copy a journal with its log, as a backup does; the lock of the place that it comes to stays."""
    to.parent.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        source, target = journal.with_name(journal.name + suffix), to.with_name(to.name + suffix)
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copy(source, target)


def refuse_without_log(journal: Path) -> None:
    """What a kill left must be refused where its log is not beside it."""
    alone = journal.with_name("alone")
    shutil.copy(journal, alone)
    with contextlib.suppress(JournalError):
        asyncio.run(states(alone))
        raise SystemExit("a journal without its log was believed")


def continue_changed(sandbox: Sandbox, chosen: argparse.Namespace, journal: Path, ahead: float) -> list[str]:
    """Continue the batch in a new journal, with some amounts changed: nothing is bought, and those are undecided."""
    before = len(sandbox.orders)
    root = next(iter(asyncio.run(states(journal)))).rpartition("-")[0]
    new = journal.with_name("new")
    finish(start(sandbox, chosen, new, ahead, root, CHANGED))
    found = Counter(state for state, _ in asyncio.run(states(new)).values())
    print("continued with some amounts changed:", found)
    changed = len(range(0, chosen.orders, CHANGED))
    problems = [] if len(sandbox.orders) == before else [f"continuing bought {len(sandbox.orders) - before} orders"]
    if found[State.UNDECIDED] != changed or found[State.PLACED] != chosen.orders - changed:
        problems.append(f"{changed} amounts were changed, and continuing found {found}")
    return problems


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
    last, ahead = place(sandbox, chosen, journal)
    seconds = time.perf_counter() - began
    faulty = sum(fault.applied for fault in sandbox.faults)
    print(f"placed in {seconds:.0f} s with {2 * KILLS} kills and {faulty:,} faults")
    print(f"last process: {last['settled'] / last['seconds']:.0f} orders/s settled, {last['undecided']:,} undecided")
    print("memory of the last process, MB: " + ", ".join(f"{name} {mb:.1f}" for name, mb in last["memory"].items()))
    print("before the clocks moved:", Counter(state.value for state, _ in asyncio.run(states(journal)).values()))
    sandbox.faults.clear()
    for _ in range(2):
        ahead += SETTLE
        sandbox.clock.move(SETTLE)
        finish(start(sandbox, chosen, journal, ahead))
    found = asyncio.run(states(journal))
    print("after the clocks moved: ", Counter(state.value for state, _ in found.values()))
    problems = check(sandbox, found)
    if len(found) != chosen.orders:
        problems.append(f"{len(found)} of {chosen.orders} orders in the journal")
    problems += continue_changed(sandbox, chosen, journal, ahead)
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
