"""Whether the memory of a client grows: 100,000 calls, sampled every 10,000.

    python benchmarks/memory.py [--calls 100000] [--trace] [httpx | aiohttp]

Of 100 calls, 4 are refused (404), 2 are cancelled on the wire, 4 carry a key of the caller's, and one is a page of 100
orders. A client remembers 10,000 keys and 10,000 outcomes of cancelled orders; both are filled before the counting
begins, so that what grows afterwards is a leak. `--trace` names the lines whose memory has grown, and is slow.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import itertools
import os
import sys
import tracemalloc
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from measuring import in_own_process, save, served, start
from server import SLOW

from wren_async import AiohttpBackend, CNaughtClient, NotFound

BACKENDS = ("httpx", "aiohttp")
IN_FLIGHT, SAMPLES = 32, 10
REMEMBERED = 10_000


class Caller:
    """Makes calls of all kinds."""

    def __init__(self, client: CNaughtClient) -> None:
        self._client = client
        self._numbers = itertools.count()

    async def cancelled(self) -> None:
        """An order that is cancelled while the server is at work on it; its outcome is kept."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SLOW / 2):
                await self._client.orders.create(amount_kg=10, idempotency_key=f"slow-{next(self._numbers)}")

    async def keyed(self) -> None:
        """An order with a key of the caller's, which is remembered."""
        await self._client.orders.create(amount_kg=10, idempotency_key=f"given-{next(self._numbers)}")

    async def mixed(self, number: int) -> None:
        """One of a hundred calls."""
        match number % 100:
            case 10 | 35 | 60 | 85:
                with contextlib.suppress(NotFound):
                    await self._client.orders.get("missing")
            case 20 | 70:
                await self.cancelled()
            case 30 | 40 | 50 | 80:
                await self.keyed()
            case 90:
                await self._client.orders.list()
            case _:
                await self._client.orders.create(amount_kg=10, description="On behalf of Jane Smith")


async def drive(work: Iterator[Coroutine[Any, Any, None]]) -> None:
    """Await all of `work`, some at a time."""

    async def follow() -> None:
        for each in work:
            await each

    await asyncio.gather(*(follow() for _ in range(IN_FLIGHT)))
    await asyncio.sleep(2 * SLOW)  # orders whose callers were cancelled end on their own


def sample(calls: int) -> dict[str, float]:
    """Resident memory in MB, and blocks that Python holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "calls": calls,
        "megabytes": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "blocks": sys.getallocatedblocks(),
    }


async def measure(backend: str, base_url: str, calls: int, trace: bool) -> dict[str, Any]:
    """Samples of one client's life, and the lines that grew."""
    over = AiohttpBackend() if backend == "aiohttp" else None
    async with CNaughtClient("benchmark", base_url=base_url, http_client=over) as client:
        caller, numbers = Caller(client), iter(range(calls))
        await drive(caller.mixed(number) for number in range(200))
        empty = sample(0)
        while len(client.outcomes) < REMEMBERED:
            await drive(caller.cancelled() for _ in range(REMEMBERED // 10))
        await drive(caller.keyed() for _ in range(REMEMBERED))
        samples = [sample(0)]
        if trace:
            tracemalloc.start()
        before: tracemalloc.Snapshot | None = None
        for _ in range(SAMPLES):
            await drive(caller.mixed(number) for number in itertools.islice(numbers, calls // SAMPLES))
            samples.append(sample(samples[-1]["calls"] + calls // SAMPLES))
            if trace and before is None:
                before = tracemalloc.take_snapshot()
        kept = len(client.outcomes)
        grown = tracemalloc.take_snapshot().compare_to(before, "lineno")[:12] if before else []
    return {"empty": empty, "kept": kept, "samples": samples, "grown": [str(each) for each in grown]}


def main() -> None:
    """Measure both backends and print the samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--trace", action="store_true", help="name the lines whose memory grew")
    parser.add_argument("--json", type=Path, help="write the measurements there")
    parser.add_argument("backends", nargs="*", default=list(BACKENDS))
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with served(0, "listed") as base_url:
        for backend in chosen.backends:
            found = in_own_process(__file__, backend, base_url, chosen.calls, chosen.trace)
            rows += [{"backend": backend, **each} for each in found["samples"]]
            first, last = found["samples"][1], found["samples"][-1]
            print(f"{backend}: {found['empty']['megabytes']:.1f} MB at first, {found['kept']} outcomes kept")
            for each in found["samples"]:
                print(f"  {each['calls']:8} calls{each['megabytes']:9.1f} MB{each['blocks']:10} blocks", flush=True)
            grown = (last["megabytes"] - first["megabytes"], last["blocks"] - first["blocks"])
            print(f"  growth after the first {first['calls']}: {grown[0]:+.1f} MB, {grown[1]:+} blocks")
            print("\n".join(found["grown"]))
    save(chosen.json, rows, calls=chosen.calls, remembered=REMEMBERED)


if __name__ == "__main__":
    start(measure, main)
