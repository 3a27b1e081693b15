"""What many workers would do, from what a few were measured to do: fills the tables of docs/many-workers.md.

    python benchmarks/workers.py --json benchmarks/results/workers.json
    python benchmarks/capacity.py

Everything that is assumed stands here, once; everything else is in `results/workers.json`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from measuring import HERE
from tables import fill, markdown

PAGE = HERE.parent / "docs" / "many-workers.md"
RESULTS = HERE / "results" / "workers.json"

ON_THE_WIRE = 32
"""Orders of a worker at a time: its default."""
API_SECONDS = 0.2
"""What the API takes for an order."""
COMMIT_SECONDS = 0.005
"""What a commit of the database takes, with its disk and the way there and back."""
CONNECTIONS = 3
"""Of each worker to the database."""
FLEETS = (10, 100)
LIMITS = (10, 100)
"""Orders a second that an API may allow."""
MANY = 10_000_000


def measured(told: dict[str, Any]) -> str:
    """What was measured, a row for each number of workers."""
    return markdown(
        [
            "workers",
            "orders a second",
            "of one alone",
            "CPU of a worker, ms an order",
            "CPU of the database, ms an order",
        ],
        (
            [
                str(row["workers"]),
                f"{row['rate']:,.0f}",
                f"{row['times']:.2f}",
                f"{row['cpu_ms']:.2f}",
                f"{row['database_ms']:.2f}",
            ]
            for row in told["rows"]
        ),
    )


def shares(told: dict[str, Any]) -> str:
    """Where the CPU of a worker that is alone goes."""
    alone = told["rows"][0]
    found = ((part, f"{share:.0%}", f"{share * alone['cpu_ms']:.2f}") for part, share in alone["shares"].items())
    return markdown(["what a worker does", "share", "ms an order"], found)


def fleets(told: dict[str, Any]) -> str:
    """What so many workers would do and need, at an API that takes as many orders."""
    alone = told["rows"][0]
    rate = [count * ON_THE_WIRE / API_SECONDS for count in FLEETS]
    commits = [min(2 * orders, count / COMMIT_SECONDS) for orders, count in zip(rate, FLEETS, strict=True)]
    rows = {
        f"orders on the wire, at {ON_THE_WIRE} a worker": [f"{count * ON_THE_WIRE:,}" for count in FLEETS],
        f"orders a second, where the API takes {API_SECONDS * 1000:.0f} ms": [f"{each:,.0f}" for each in rate],
        "cores of the workers together": [_number(each * alone["cpu_ms"] / 1000) for each in rate],
        "cores of the database": [_number(each * alone["database_ms"] / 1000) for each in rate],
        "connections to the database": [str(count * CONNECTIONS) for count in FLEETS],
        f"commits a second at most, of {COMMIT_SECONDS * 1000:.0f} ms each": [f"{each:,.0f}" for each in commits],
        f"{MANY:,} orders": [_time(MANY / each) for each in rate],
    }
    return markdown(["", *(f"{count} workers" for count in FLEETS)], ([name, *cells] for name, cells in rows.items()))


def many(told: dict[str, Any]) -> str:
    """What a very large batch needs."""
    alone = told["rows"][0]
    rows = {
        "tables, without the write-ahead log": f"{told['bytes'] * MANY / 1e9:.0f} GB",
        "CPU of the workers": f"{_time(alone['cpu_ms'] / 1000 * MANY)} of one core",
        "CPU of the database": f"{_time(alone['database_ms'] / 1000 * MANY)} of one core",
        **{f"at an API that allows {limit} orders a second": _time(MANY / limit) for limit in LIMITS},
    }
    return markdown([f"{MANY:,} orders", ""], ([name, cell] for name, cell in rows.items()))


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _time(seconds: float) -> str:
    hours = seconds / 3600
    if hours < 1:
        return f"{seconds / 60:.0f} min"
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def main() -> None:
    """Fill the page in."""
    told = json.loads(RESULTS.read_text())
    found = {"workers": measured(told), "shares": shares(told), "fleets": fleets(told), "many": many(told)}
    Path(PAGE).write_text(fill(PAGE.read_text(), found))


if __name__ == "__main__":
    main()
