"""What a call costs: CPU of the client's process and calls a second, beside bare HTTP libraries and other SDKs.

    python benchmarks/http_layers.py [--rounds 5] [--in-flight 1 16 100 1000] [--delay 0.05] [client ...]

Each measurement is a process of its own; the clients take turns, so that the machine's moods meet all alike. Server
and client are pinned to a core each where the machine has two.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clients import CLIENTS, Place

HERE = Path(__file__).parent


async def drive(place: Place, calls: int, in_flight: int) -> None:
    """Make `calls` calls, `in_flight` at a time."""
    numbers = iter(range(calls))

    async def work() -> None:
        for _ in numbers:
            await place()

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(work())


async def measure(name: str, base_url: str, in_flight: int, calls: int) -> dict[str, float]:
    """CPU microseconds a call, and calls a second, after a warm-up."""
    async with CLIENTS[name](base_url, in_flight) as place:
        await drive(place, min(calls, in_flight * 2), in_flight)
        cpu, wall = time.process_time(), time.perf_counter()
        await drive(place, calls, in_flight)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / calls * 1e6, "rate": calls / wall}


def pin(core: int) -> None:
    """Keep this process on one core, where there are several."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


def one(name: str, port: int, in_flight: int, calls: int) -> dict[str, float]:
    """A measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, str(port), str(in_flight), str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def table(results: dict[tuple[str, int], list[dict[str, float]]], names: list[str], in_flight: list[int]) -> None:
    """Print medians with their spread, and ratios to the bare library that a client stands on."""
    for count in in_flight:
        print(f"\n{count} in flight")
        print(f"  {'client':26}{'CPU µs':>9}{'spread':>13}{'calls/s':>10}{'÷ httpx':>9}{'÷ aiohttp':>11}")
        medians = {name: statistics.median(r["cpu"] for r in results[name, count]) for name in names}
        for name in names:
            cpus = sorted(r["cpu"] for r in results[name, count])
            rate = statistics.median(r["rate"] for r in results[name, count])
            ratios = [
                f"{medians[name] / medians[base]:.2f}" if base in medians else "" for base in ("httpx", "aiohttp")
            ]
            spread = f"{cpus[0]:.0f}-{cpus[-1]:.0f}"
            print(f"  {name:26}{medians[name]:9.0f}{spread:>13}{rate:10.0f}{ratios[0]:>9}{ratios[1]:>11}")


def versions() -> str:
    """Versions of what is compared."""
    found = []
    for package in ("wren-async", "httpx", "httpx2", "aiohttp", "stripe", "openai", "githubkit", "msgspec", "cattrs"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return ", ".join([f"Python {sys.version.split()[0]}", *found])


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 16, 100, 1000])
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("clients", nargs="*", default=list(CLIENTS))
    chosen = parser.parse_args()
    print(versions())
    command = [sys.executable, str(HERE / "server.py"), str(chosen.delay)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: pin(-1))
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        results: dict[tuple[str, int], list[dict[str, float]]] = {}
        for _ in range(chosen.rounds):
            for count in chosen.in_flight:
                for name in chosen.clients:
                    calls = max(chosen.calls, count * 4)
                    results.setdefault((name, count), []).append(one(name, port, count, calls))
        table(results, chosen.clients, chosen.in_flight)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        pin(0)
        name, port, in_flight, calls = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
        print(json.dumps(asyncio.run(measure(name, f"http://127.0.0.1:{port}", in_flight, calls))))
    else:
        main()
