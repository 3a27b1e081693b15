"""What it costs to import the package and build a client, beside importing httpx alone.

    python benchmarks/imports.py [--rounds 15]

Run it in an environment that holds nothing else: httpx imports more where more is installed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

CASES = {
    "python": "pass",
    "httpx": "import httpx",
    "wren_async": "import wren_async",
    "a Wren client": "from wren_async import WrenClient; WrenClient('wren_test_token')",
    "a CNaught client": "from wren_async import CNaughtClient; CNaughtClient('key')",
    "both clients": "from wren_async import *; WrenClient('wren_test_token'); CNaughtClient('key')",
}


def milliseconds(code: str) -> float:
    """Wall time of a process that runs `code`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return (time.perf_counter() - started) * 1e3


def main() -> None:
    """Take turns, and print what each case adds to bare Python."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    taken: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(rounds):
        for name, code in CASES.items():
            taken[name].append(milliseconds(code))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    bare = medians["python"]
    print(f"{'case':20}{'ms over Python':>16}{'÷ httpx':>9}")
    for name in list(CASES)[1:]:
        print(f"{name:20}{medians[name] - bare:16.1f}{(medians[name] - bare) / (medians['httpx'] - bare):9.2f}")


if __name__ == "__main__":
    main()
