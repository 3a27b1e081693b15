"""Which `max_in_flight` is best: 1000 tasks at once before limiters of different sizes, a quick server and a slow one.

    python benchmarks/limiter.py [--rounds 3] [--max-in-flight 32 64 128 256 512 1000] [--delays 0 0.05]

Bare httpx and bare aiohttp take their turns, for the ratios of throughput.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from clients import CLIENTS, Place
from http_layers import drive, warm_up
from measuring import Spread, in_own_process, ratio, save, served, start

TASKS, EACH = 1000, 4
OURS = ("wren-async", "wren-async over aiohttp")
BARE = ("httpx", "aiohttp")


@asynccontextmanager
async def limited(name: str, base_url: str, size: int) -> AsyncIterator[Place]:
    """One of our clients with a limiter of that size."""
    from wren_async import AiohttpBackend, CNaughtClient

    backend = AiohttpBackend() if name == OURS[1] else None
    async with CNaughtClient("benchmark", base_url=base_url, http_client=backend, max_in_flight=size) as client:
        yield lambda: client.orders.create(amount_kg=10, description="On behalf of Jane Smith")


async def measure(name: str, base_url: str, size: int, seconds: float) -> dict[str, float]:
    """CPU microseconds a call, and calls a second. A size of 0 is a bare library, which has no limiter."""
    opened: AbstractAsyncContextManager[Place] = limited(name, base_url, size) if size else CLIENTS[name](base_url)
    async with opened as place:
        await warm_up(place, size or TASKS)
        calls, cpu, wall = 0, time.process_time(), time.perf_counter()
        while time.process_time() - cpu < seconds:
            await drive(place, TASKS, each=EACH)
            calls += TASKS * EACH
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu": cpu / calls * 1e6, "rate": calls / wall}


def series(rows: Sequence[Mapping[str, Any]], name: str, size: int, delay: float, measure: str) -> dict[int, float]:
    """The measurements of one client with a limiter of one size, by round."""
    key = (name, size, delay)
    return {row["round"]: row[measure] for row in rows if (row["client"], row["max_in_flight"], row["delay"]) == key}


def compared(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each client, delay and size: CPU, rate, and the rate over that of bare httpx."""
    keys = dict.fromkeys((row["delay"], row["client"], row["max_in_flight"]) for row in rows)
    return [
        {
            "delay": delay,
            "client": name,
            "max_in_flight": size,
            "cpu": Spread.of(list(series(rows, name, size, delay, "cpu").values())),
            "rate": Spread.of(list(series(rows, name, size, delay, "rate").values())),
            "over": ratio(series(rows, name, size, delay, "rate"), series(rows, "httpx", 0, delay, "rate")),
        }
        for delay, name, size in sorted(keys)
    ]


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--max-in-flight", type=int, nargs="+", default=[32, 64, 100, 128, 192, 256, 384, 512, 1000])
    parser.add_argument("--delays", type=float, nargs="+", default=[0.0, 0.05])
    parser.add_argument("--seconds", type=float, default=0.4, help="of CPU for each measurement, at least a wave")
    parser.add_argument("--json", type=Path, help="write the measurements there")
    chosen = parser.parse_args()
    rows: list[dict[str, Any]] = []
    cases = [*((name, 0) for name in BARE), *((name, size) for size in chosen.max_in_flight for name in OURS)]
    for delay in chosen.delays:
        with served(delay) as base_url:
            for number in range(chosen.rounds):
                for name, size in cases:
                    found = in_own_process(__file__, name, base_url, size, chosen.seconds)
                    rows.append({"client": name, "max_in_flight": size, "delay": delay, "round": number, **found})
    print(f"{'delay':>6} {'client':26}{'limit':>6}{'CPU µs a call':>20}{'calls/s':>22}{'÷ httpx':>22}")
    for row in compared(rows):
        over = row["over"].text() if row["over"] else ""
        print(
            f"{row['delay']:6} {row['client']:26}{row['max_in_flight'] or '':>6}"
            f"{row['cpu'].text(0):>20}{row['rate'].text(0):>22}{over:>22}"
        )
    save(chosen.json, rows, tasks=TASKS, each=EACH, rounds=chosen.rounds)


if __name__ == "__main__":
    start(measure, main)
