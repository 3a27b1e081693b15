"""How near a walk through a list comes to what it must take: pages that take the server 50 ms each.

    python benchmarks/paging.py [--rounds 3] [--delay 0.05] [--work 0.05]

10,000 CNaught orders in pages of 100, with a consumer that works 50 ms on each: one page after another, and the next
fetched meanwhile. 20,000 entries of the Wren ledger in pages of 200, 16 pages at a time, read as fast as they come.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measuring import Spread, in_own_process, save, served, start
from server import ENTRIES, ORDERS

from wren_async import AiohttpBackend, CNaughtClient, WrenClient

BACKENDS = ("httpx", "aiohttp")
CASES = ("one after another", "prefetch", "16 at once")
LEDGER_PAGE, ORDER_PAGE, AT_ONCE = 200, 100, 16


def theory(case: str, delay: float, work: float) -> float:
    """Seconds that a walk must take. A walk by cursor ends with an empty page, which is one request more."""
    pages = ORDERS // ORDER_PAGE
    if case == "one after another":
        return (pages + 1) * delay + pages * work
    if case == "prefetch":
        return delay + pages * max(delay, work)
    # The first page tells the total; the others come in groups.
    return delay * (1 + -(-(ENTRIES // LEDGER_PAGE - 1) // AT_ONCE))


async def walk_orders(base_url: str, backend: AiohttpBackend | None, work: float, *, prefetch: bool) -> float:
    """Seconds to walk all orders, working on each page."""
    async with CNaughtClient("benchmark", base_url=base_url, http_client=backend) as client:
        await client.orders.list()
        started, seen = time.perf_counter(), 0
        async for page in client.orders.list(limit=ORDER_PAGE, prefetch=prefetch).pages():
            await asyncio.sleep(work)
            seen += len(page)
        taken = time.perf_counter() - started
    assert seen == ORDERS
    return taken


async def walk_ledger(base_url: str, backend: AiohttpBackend | None) -> float:
    """Seconds to walk the whole ledger, several pages at once."""
    async with WrenClient("wren_test_benchmark", base_url=base_url, http_client=backend) as client:
        await client.credits.ledger()
        started, seen = time.perf_counter(), 0
        async for page in client.credits.ledger(limit=LEDGER_PAGE, at_once=AT_ONCE).pages():
            seen += len(page)
        taken = time.perf_counter() - started
    assert seen == ENTRIES
    return taken


async def measure(backend: str, case: str, base_url: str, work: float) -> dict[str, float]:
    """Wall and CPU seconds of one walk, on connections that are open."""
    over, cpu = AiohttpBackend() if backend == "aiohttp" else None, time.process_time()
    if case == "16 at once":
        wall = await walk_ledger(base_url, over)
    else:
        wall = await walk_orders(base_url, over, work, prefetch=case == "prefetch")
    return {"wall": wall, "cpu": time.process_time() - cpu}


def compared(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each case and backend: wall, theory, and their ratio."""
    found = []
    for case, backend in dict.fromkeys((row["case"], row["backend"]) for row in rows):
        mine = [row for row in rows if (row["case"], row["backend"]) == (case, backend)]
        wall, least = Spread.of([row["wall"] for row in mine]), mine[0]["theory"]
        ratio = Spread.of([row["wall"] / least for row in mine])
        found.append({"case": case, "backend": backend, "wall": wall, "theory": least, "ratio": ratio})
    return found


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that the server takes for a page")
    parser.add_argument("--work", type=float, default=0.05, help="seconds that the consumer takes for a page")
    parser.add_argument("--json", type=Path, help="write the measurements there")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with served(chosen.delay, "listed") as base_url:
        for number in range(chosen.rounds):
            for case in CASES:
                least = theory(case, chosen.delay, chosen.work)
                for backend in BACKENDS:
                    found = in_own_process(__file__, backend, case, base_url, chosen.work)
                    rows.append({"case": case, "backend": backend, "round": number, "theory": least, **found})
    print(f"{'walk':20}{'over':10}{'wall s':>22}{'theory s':>10}{'wall ÷ theory':>22}")
    for row in compared(rows):
        wall, ratio = row["wall"].text(), row["ratio"].text()
        print(f"{row['case']:20}{row['backend']:10}{wall:>22}{row['theory']:10.2f}{ratio:>22}")
    save(chosen.json, rows, delay=chosen.delay, work=chosen.work, rounds=chosen.rounds)


if __name__ == "__main__":
    start(measure, main)
