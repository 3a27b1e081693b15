"""Runs all benchmarks, keeps their results, draws the plots and fills in the tables of the docs.

    python benchmarks/run.py [--quick] [--only http_layers limiter ...] [--clean clean/bin/python]

A full run takes about half an hour on two idle cores, and writes to `benchmarks/results` and `docs`. `--quick` shows in
some minutes that all of it works; its numbers mean little, and are printed and thrown away. `--clean` names the Python
of an environment that holds the package and nothing else, for what imports cost.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attrs
from measuring import HERE
from plots import draw
from tables import fill, tables

RESULTS, PAGE = HERE / "results", HERE.parent / "docs" / "performance.md"
OURS = ("wren-async over aiohttp", "wren-async")


@attrs.frozen
class Step:
    """A benchmark, with its arguments in a full run and in a quick one."""

    name: str
    script: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    clean: bool = False
    """Whether it measures in the clean environment."""
    kept: bool = True
    """Whether it writes JSON; if not, it prints a table of its own."""


DELAYED = ("aiohttp", OURS[0], "httpx", OURS[1], "httpx2")
STEPS = (
    Step("http_layers", "http_layers.py", ("--rounds", "3"), ("--rounds", "1", "--in-flight", "1", "16")),
    Step(
        "delayed",
        "http_layers.py",
        ("--rounds", "3", "--in-flight", "1000", "--delay", "0.05", "--each", "4", *DELAYED),
        ("--rounds", "1", "--in-flight", "100", "--delay", "0.05", "--each", "4", *DELAYED),
    ),
    Step(
        "delayed_shorter",
        "http_layers.py",
        ("--rounds", "3", "--in-flight", "1000", "--delay", "0.05", "--each", "2", *DELAYED),
        ("--rounds", "1", "--in-flight", "100", "--delay", "0.05", *DELAYED),
    ),
    Step(
        "steady",
        "http_layers.py",
        ("--rounds", "5", "--in-flight", "1", "16", "100", "1000", "--each", "10", "aiohttp", *OURS),
        ("--rounds", "1", "--in-flight", "16", "--each", "10", "aiohttp", *OURS),
    ),
    Step(
        "limiter",
        "limiter.py",
        ("--rounds", "3"),
        ("--rounds", "1", "--max-in-flight", "32", "256", "--delays", "0.05"),
    ),
    Step("paging", "paging.py", ("--rounds", "3"), ("--rounds", "1", "--delay", "0.01", "--work", "0.01")),
    Step("memory", "memory.py", (), ("--calls", "5000")),
    Step("decoding", "decoding.py"),
    Step("imports", "imports.py", (), ("--rounds", "3"), clean=True),
    Step("first_call", "first_call.py", (), ("--rounds", "3"), clean=True),
    Step("sandbox", "sandbox.py", (), ("--calls", "300"), kept=False),
    Step("journal", "journal.py", (), ("--rounds", "1", "--orders", "500"), kept=False),
)


def run(step: Step, results: Path, *, quick: bool, clean: str | None) -> None:
    """Run one benchmark, which prints its table."""
    arguments = [*(step.quick if quick else step.full)]
    if step.kept:
        arguments[:0] = ["--json", str(results / f"{step.name}.json")]
    if step.clean and clean:
        arguments += ["--python", clean]
    print(f"\n=== {step.name}", flush=True)
    started = time.perf_counter()
    subprocess.run([sys.executable, str(HERE / step.script), *arguments], check=True)
    print(f"({time.perf_counter() - started:.0f} s)", flush=True)


def main() -> None:
    """Run what is asked for, and tell it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=[step.name for step in STEPS])
    parser.add_argument("--clean", help="the Python of a clean environment")
    chosen = parser.parse_args()
    steps = [step for step in STEPS if not chosen.only or step.name in chosen.only]
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) if chosen.quick else RESULTS
        for step in steps:
            run(step, results, quick=chosen.quick, clean=chosen.clean)
        if chosen.quick:
            draw(results, results)
            print("\n\n".join(tables(results).values()))
            return
    draw(RESULTS, PAGE.parent / "plots")
    PAGE.write_text(fill(PAGE.read_text(), tables(RESULTS)))


if __name__ == "__main__":
    main()
