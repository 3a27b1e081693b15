"""What the journal costs: orders a second of a batch over SQLite, beside the same orders sent without one.

    python benchmarks/journal.py [--rounds 5] [--in-flight 32 256] [--orders 4000] [--delay 0.02] [--profile FILE]

Both send the same calls, with references and idempotency keys, to a server that answers at once or after `delay`
seconds. The journal is as batches use it: `synchronous=FULL`, group commit. Each measurement is a process of its own,
after a warm-up in which the batch finds its concurrency; the two take turns, so that the machine's moods meet both.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from wren_async import CNaughtClient
from wren_async.batch import Batch, Caps, CNaughtPrice, Settled

HERE = Path(__file__).parent
CENTS = 2350
"""What the server answers."""
WARM = 0.5
"""Share of the orders that is not measured."""


def rate(moments: list[float]) -> float:
    """Orders a second after the warm-up, given when each was known to be placed."""
    first = int(len(moments) * WARM)
    return (len(moments) - 1 - first) / (moments[-1] - moments[first])


async def bare(client: CNaughtClient, in_flight: int, orders: int, directory: str) -> list[float]:
    """Send orders and keep nothing of them."""
    moments: list[float] = []
    numbers: Iterator[int] = iter(range(orders))

    async def work() -> None:
        for number in numbers:
            intent = CNaughtPrice(total_price_usd_cents=CENTS)
            await client.send_raw(intent.call(f"{uuid.UUID(int=1).hex}-{number}", str(uuid.uuid4())))
            moments.append(time.perf_counter())

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())
    return moments


async def journaled(client: CNaughtClient, in_flight: int, orders: int, directory: str) -> list[float]:
    """Place orders by way of a journal in a file."""
    moments: list[float] = []
    path = Path(directory, "journal")
    async with Batch(path, cnaught=client, caps=Caps(failures=0), concurrency=in_flight) as batch:
        await batch.plan([CNaughtPrice(total_price_usd_cents=CENTS)] * orders)
        async for event in batch.run():
            if isinstance(event, Settled):
                moments.append(time.perf_counter())
    if len(moments) != orders:
        raise SystemExit(f"{len(moments)} of {orders} were settled")
    return moments


WAYS = {"bare": bare, "journaled": journaled}


async def measure(way: str, port: int, in_flight: int, orders: int, directory: str) -> dict[str, float]:
    """Orders a second, and microseconds of CPU for an order, warm-up and planning included."""
    url = f"http://127.0.0.1:{port}"
    async with CNaughtClient("benchmark", base_url=url, max_in_flight=in_flight, deadline=None) as client:
        cpu = time.process_time()
        moments = await WAYS[way](client, in_flight, orders, directory)
        return {"rate": rate(moments), "cpu": (time.process_time() - cpu) / orders * 1e6}


def one(way: str, port: int, in_flight: int, orders: int, directory: str) -> dict[str, float]:
    """A measurement in a process of its own."""
    with tempfile.TemporaryDirectory(dir=directory) as own:
        command = [sys.executable, __file__, "--measure", way, str(port), str(in_flight), str(orders), own]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{way}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def compare(port: int, chosen: argparse.Namespace) -> None:
    """Take turns, and print the rates and their ratio, round by round."""
    for in_flight in chosen.in_flight:
        ratios: list[float] = []
        print(f"\n{in_flight} in flight")
        print(f"  {'bare/s':>9}{'journaled/s':>13}{'ratio':>7}{'bare CPU µs':>13}{'journaled CPU µs':>18}")
        for number in range(chosen.rounds):
            turn = list(WAYS) if number % 2 else list(reversed(WAYS))
            found = {way: one(way, port, in_flight, chosen.orders, chosen.directory) for way in turn}
            alone, kept = found["bare"], found["journaled"]
            ratios.append(kept["rate"] / alone["rate"])
            print(
                f"  {alone['rate']:9.0f}{kept['rate']:13.0f}{ratios[-1]:7.2f}{alone['cpu']:13.0f}{kept['cpu']:18.0f}",
                flush=True,
            )
        print(f"  median ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


def profile(port: int, chosen: argparse.Namespace) -> None:
    """Write a profile of one journaled measurement, for `python -m pstats`."""
    with tempfile.TemporaryDirectory(dir=chosen.directory) as own, cProfile.Profile() as profiler:
        asyncio.run(measure("journaled", port, chosen.in_flight[0], chosen.orders, own))
    profiler.dump_stats(chosen.profile)


def main() -> None:
    """Measure in rounds, or profile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--orders", type=int, default=4000)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds that the server takes")
    parser.add_argument("--directory", help="where the journals go: the disk that is measured")
    parser.add_argument("--profile", help="write a profile of one journaled run here instead")
    chosen = parser.parse_args()
    command = [sys.executable, str(HERE / "server.py"), str(chosen.delay)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        profile(port, chosen) if chosen.profile else compare(port, chosen)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        way, port, in_flight, orders, directory = sys.argv[2:]
        print(json.dumps(asyncio.run(measure(way, int(port), int(in_flight), int(orders), directory))))
    else:
        main()
