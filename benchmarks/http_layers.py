"""What a call costs: CPU of the client's process and calls a second, beside bare HTTP libraries and other SDKs.

    python benchmarks/http_layers.py [--rounds 5] [--in-flight 1 16 100 1000] [--delay 0.05] [--each 1] [client ...]

Each measurement is a process of its own; the clients take turns, so that the machine's moods meet all alike. Server
and client are pinned to a core each where the machine has two. Calls go out in waves: as many tasks as calls are to be
in flight start together, and when all have ended the next wave starts. With `--each` a task makes several calls one
after another, which stock httpx and what stands on it bear worse the longer it lasts, from 100 in flight on.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients import CLIENTS, Place
from measuring import Spread, in_own_process, ratio, save, served, start, versions

DEFAULT, FAST = "wren-async", "wren-async over aiohttp"
PAIRS = (
    (FAST, "aiohttp"),
    (FAST, "stripe"),
    (FAST, "openai"),
    (DEFAULT, "httpx"),
    (FAST, "httpx"),
)


async def drive(place: Place, in_flight: int, *, each: int = 1) -> None:
    """One wave: so many tasks, each of which makes `each` calls one after another."""

    async def work() -> None:
        for _ in range(each):
            await place()

    if in_flight == 1:
        await work()
    else:
        await asyncio.gather(*(work() for _ in range(in_flight)))


async def warm_up(place: Place, in_flight: int) -> None:
    """Open connections little by little: a first wave of 1000 calls without any takes stock httpx 20 s."""
    for size in (1, 4, 16, 100, 1000):
        for _ in range(2):
            await drive(place, min(size, in_flight))


async def measure(name: str, base_url: str, in_flight: int, seconds: float, each: int) -> dict[str, float]:
    """CPU microseconds a call, and calls a second, over about `seconds` of CPU."""
    async with CLIENTS[name](base_url) as place:
        await warm_up(place, in_flight)
        calls, cpu, wall = 0, time.process_time(), time.perf_counter()
        while time.process_time() - cpu < seconds:
            for _ in range(max(1, 1000 // (in_flight * each))):
                await drive(place, in_flight, each=each)
                calls += in_flight * each
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"calls": calls, "cpu": cpu / calls * 1e6, "rate": calls / wall}


def series(rows: Sequence[Mapping[str, Any]], name: str, in_flight: int, measure: str = "cpu") -> dict[int, float]:
    """The measurements of one client, by round."""
    found = (row for row in rows if row["client"] == name and row["in_flight"] == in_flight)
    return {row["round"]: row[measure] for row in found}


def ratios(rows: Sequence[Mapping[str, Any]], measure: str = "cpu") -> list[dict[str, Any]]:
    """The ratios that are asked for, as rows: what over what, at how many in flight, and the spread."""
    counts = sorted({row["in_flight"] for row in rows})
    found = [
        (f"{above} ÷ {below}", count, ratio(series(rows, above, count, measure), series(rows, below, count, measure)))
        for above, below in PAIRS
        if measure == "cpu" or below == "httpx"
        for count in counts
    ]
    if measure == "cpu":
        for name in (DEFAULT, FAST):
            flat = ratio(series(rows, name, 1000), series(rows, name, 16))
            found.append((f"{name}, 1000 in flight ÷ 16", 1000, flat))
    return [{"what": what, "in_flight": count, "ratio": spread} for what, count, spread in found if spread]


def table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print medians with their spread, and the ratios."""
    for count in sorted({row["in_flight"] for row in rows}):
        print(f"\n{count} in flight")
        print(f"  {'client':26}{'CPU µs a call':>22}{'calls/s':>22}")
        for name in dict.fromkeys(row["client"] for row in rows):
            cpu, rate = (Spread.of(list(series(rows, name, count, each).values())) for each in ("cpu", "rate"))
            print(f"  {name:26}{cpu.text(0):>22}{rate.text(0):>22}")
    for measure, what in (("cpu", "CPU a call"), ("rate", "calls a second")):
        if found := ratios(rows, measure):
            print(f"\nratios of {what}")
        for row in found:
            print(f"  {row['what']:44}{row['in_flight']:6}{row['ratio'].text():>22}")


def main() -> None:
    """Measure in rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--in-flight", type=int, nargs="+", default=[1, 16, 100, 1000])
    parser.add_argument("--seconds", type=float, default=0.6, help="of CPU for each measurement, at least a wave")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the server takes")
    parser.add_argument("--each", type=int, default=1, help="calls that each task of a wave makes")
    parser.add_argument("--json", type=Path, help="write the measurements there")
    parser.add_argument("clients", nargs="*", default=list(CLIENTS))
    chosen = parser.parse_args()
    print(", ".join(" ".join(each) for each in versions().items()))
    rows: list[dict[str, Any]] = []
    with served(chosen.delay) as base_url:
        for number in range(chosen.rounds):
            for count in chosen.in_flight:
                for name in chosen.clients:
                    found = in_own_process(__file__, name, base_url, count, chosen.seconds, chosen.each)
                    rows.append({"client": name, "in_flight": count, "round": number, **found})
    table(rows)
    save(chosen.json, rows, delay=chosen.delay, each=chosen.each, rounds=chosen.rounds)


if __name__ == "__main__":
    start(measure, main)
