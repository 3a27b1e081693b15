"""What it costs to import the package and build a client, beside importing httpx alone.

    python benchmarks/imports.py [--rounds 25] [--python clean/bin/python]

Each measurement is a process of its own, whose CPU time the system tells. The cases take turns, each round beginning
with another, after a first one that leaves compiled files behind. Give it the Python of an environment that holds
nothing else: httpx imports more where more is installed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from measuring import save

CASES: Final = {
    "python": "pass",
    "httpx": "import httpx",
    "wren_async": "import wren_async",
    "a Wren client": "from wren_async import WrenClient; WrenClient('wren_test_token')",
    "a CNaught client": "from wren_async import CNaughtClient; CNaughtClient('key')",
    "both clients": "from wren_async import CNaughtClient, WrenClient; CNaughtClient('key'); WrenClient('token')",
}
TARGET: Final = 1.4


class Taken(NamedTuple):
    """What a process took, in milliseconds."""

    cpu: float
    wall: float


def run(python: str, code: str) -> Taken:
    """Run `code` in a process of its own, on what is installed. CPU is the process's own and the system's for it."""
    started = time.perf_counter()
    process = subprocess.Popen([python, "-P", "-c", code])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {code}")
    return Taken(cpu=(usage.ru_utime + usage.ru_stime) * 1e3, wall=wall * 1e3)


def measure(python: str, rounds: int) -> dict[str, list[Taken]]:
    """Take turns."""
    names = list(CASES)
    for name in names:
        run(python, CASES[name])
    taken: dict[str, list[Taken]] = {name: [] for name in names}
    for turn in range(rounds):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            taken[name].append(run(python, CASES[name]))
    return taken


def table(taken: Mapping[str, list[Taken]]) -> list[dict[str, object]]:
    """Print what each case adds to bare Python: the median, the middle half of the rounds, and the ratio to httpx.

    The same as rows.
    """
    rows: list[dict[str, object]] = []
    print(f"{'over bare Python':20}{'CPU ms':>8}{'middle half':>15}{'÷ httpx':>9}{'wall ms':>10}{'÷ httpx':>9}")
    bare, httpx = _median(taken["python"]), _median(taken["httpx"])
    for name in list(taken)[1:]:
        cpu, wall = _median(taken[name])
        low, _, high = statistics.quantiles((each.cpu - bare.cpu for each in taken[name]), n=4)
        ratios = [(cpu - bare.cpu) / (httpx.cpu - bare.cpu), (wall - bare.wall) / (httpx.wall - bare.wall)]
        spread = f"{low:.1f}-{high:.1f}"
        print(f"{name:20}{cpu - bare.cpu:8.1f}{spread:>15}{ratios[0]:9.2f}{wall - bare.wall:10.1f}{ratios[1]:9.2f}")
        rows.append({"case": name, "cpu": cpu - bare.cpu, "from": low, "to": high, "ratio": ratios[0]})
    print(f"target: a client ÷ httpx ≤ {TARGET}")
    return rows


def _median(taken: list[Taken]) -> Taken:
    return Taken(*map(statistics.median, zip(*taken, strict=True)))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--json", type=Path, help="write the rows there")
    chosen = parser.parse_args()
    save(chosen.json, table(measure(chosen.python, chosen.rounds)), rounds=chosen.rounds)


if __name__ == "__main__":
    main()
