"""How many orders a second one core of the sandbox takes, and what its clients can ask of it.

    python benchmarks/sandbox.py [--calls 3000] [--in-flight 16]

The sandbox is a process of its own on a core of its own, where the machine has two; each client is another. Most
clients are slower than the sandbox, so its own rate is reckoned from the CPU time that it takes for an order.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from measuring import in_own_process, pin, start

Place: TypeAlias = Callable[[], Awaitable[object]]
Addresses: TypeAlias = dict[str, Any]

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@asynccontextmanager
async def aiohttp_cnaught(addresses: Addresses, in_flight: int) -> AsyncIterator[Place]:
    """Bare aiohttp orders from CNaught."""
    import aiohttp

    url = addresses["cnaught"]["base_url"] + "/orders"
    headers = {"Authorization": f"Bearer {addresses['cnaught']['api_key']}"}
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def place() -> None:
            async with session.post(url, json={"amount_kg": 10}) as answer:
                await answer.read()
                assert answer.status == 201

        yield place


@asynccontextmanager
async def aiohttp_wren(addresses: Addresses, in_flight: int) -> AsyncIterator[Place]:
    """Bare aiohttp orders from Wren, out of the wallet."""
    import aiohttp

    url = addresses["wren"]["base_url"] + "/api/offset-orders"
    headers = {"Authorization": f"Bearer {addresses['wren']['live_token']}"}
    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def place() -> None:
            async with session.post(url, json={"tons": 0.01, "paymentMethod": "credits"}) as answer:
                await answer.read()
                assert answer.status == 200

        yield place


@asynccontextmanager
async def ours_cnaught(addresses: Addresses, in_flight: int) -> AsyncIterator[Place]:
    """Our client orders from CNaught."""
    from wren_async import CNaughtClient

    cnaught = addresses["cnaught"]
    async with CNaughtClient(api_key=cnaught["api_key"], base_url=cnaught["base_url"]) as client:
        yield lambda: client.orders.create(amount_kg=10)


@asynccontextmanager
async def ours_wren(addresses: Addresses, in_flight: int) -> AsyncIterator[Place]:
    """Our client orders from Wren, out of the wallet."""
    from wren_async import WrenClient

    wren = addresses["wren"]
    async with WrenClient(token=wren["live_token"], base_url=wren["base_url"]) as client:
        yield lambda: client.offset_orders.create(tons=Decimal("0.01"), payment_method="credits")


CLIENTS: dict[str, Callable[[Addresses, int], AbstractAsyncContextManager[Place]]] = {
    "aiohttp, CNaught": aiohttp_cnaught,
    "wren-async, CNaught": ours_cnaught,
    "aiohttp, Wren": aiohttp_wren,
    "wren-async, Wren": ours_wren,
}


async def drive(place: Place, calls: int, in_flight: int) -> None:
    """Place `calls` orders, `in_flight` at a time."""
    numbers = iter(range(calls))

    async def work() -> None:
        for _ in numbers:
            await place()

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())


async def measure(name: str, addresses: Addresses, pid: int, calls: int, in_flight: int) -> dict[str, float]:
    """Orders a second, and CPU microseconds an order on either side, after a warm-up."""
    async with CLIENTS[name](addresses, in_flight) as place:
        await drive(place, in_flight * 4, in_flight)
        served, cpu, wall = cpu_seconds(pid), time.process_time(), time.perf_counter()
        await drive(place, calls, in_flight)
        served, cpu, wall = cpu_seconds(pid) - served, time.process_time() - cpu, time.perf_counter() - wall
    return {"rate": calls / wall, "client": cpu / calls * 1e6, "sandbox": served / calls * 1e6}


def cpu_seconds(pid: int) -> float:
    """The CPU time that another process has taken so far, where the system tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    """Measure each client against a sandbox of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--in-flight", type=int, default=16)
    chosen = parser.parse_args()
    print(f"{chosen.calls} orders, {chosen.in_flight} in flight")
    print(f"  {'client':22}{'orders/s':>10}{'client µs':>11}{'sandbox µs':>12}{'sandbox/s':>11}")
    for name in CLIENTS:
        command = [sys.executable, "-m", "wren_async.sandbox", "--port", "0", "--json"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(-1))
        try:
            assert server.stdout is not None
            addresses = json.loads(server.stdout.readline())
            found = in_own_process(__file__, name, addresses, server.pid, chosen.calls, chosen.in_flight)
        finally:
            server.kill()
            server.wait()
        alone = 1e6 / found["sandbox"]
        print(f"  {name:22}{found['rate']:10.0f}{found['client']:11.0f}{found['sandbox']:12.0f}{alone:11.0f}")


if __name__ == "__main__":
    start(measure, main)
