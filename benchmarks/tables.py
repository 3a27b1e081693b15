"""Puts the results of a run into the docs as Markdown tables, so that nobody copies a number by hand.

    python benchmarks/tables.py [--results benchmarks/results] [--page docs/performance.md]

A table stands between `<!-- results: NAME -->` and `<!-- /results -->`, and is left alone where there is no result.
Without a page the tables are printed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import http_layers
import limiter
import paging
from measuring import HERE, Spread

Rows = Sequence[Mapping[str, Any]]
_PLACE = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def markdown(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def cpu(rows: Rows, measure: str = "cpu") -> str:
    """Medians of each client, a column for each number in flight, with least and most."""
    counts = sorted({row["in_flight"] for row in rows})
    names = dict.fromkeys(row["client"] for row in rows)
    return markdown(
        ["client", *(f"{count} in flight" for count in counts)],
        ([name, *(_spread(http_layers.series(rows, name, count, measure), 0) for count in counts)] for name in names),
    )


def rates(rows: Rows) -> str:
    """Calls a second of each client."""
    return cpu(rows, "rate")


def ratios(rows: Rows) -> str:
    """Ratios of CPU, each by its round."""
    return _ratios(http_layers.ratios(rows))


def rate_ratios(rows: Rows) -> str:
    """Ratios of calls a second, each by its round."""
    return _ratios(http_layers.ratios(rows, "rate"))


def sizes(rows: Rows) -> str:
    """CPU and calls a second by size of the limiter."""
    return markdown(
        ["client", "max_in_flight", "server takes", "CPU µs a call", "calls/s", "÷ bare httpx"],
        (
            [
                row["client"],
                row["max_in_flight"] or "none",
                f"{row['delay'] * 1e3:.0f} ms",
                row["cpu"].text(0),
                row["rate"].text(0),
                row["over"].text(1) if row["over"] else "",
            ]
            for row in limiter.compared(rows)
        ),
    )


def walks(rows: Rows) -> str:
    """Wall time of walks, and what they must take."""
    return markdown(
        ["walk", "over", "wall s", "theory s", "wall ÷ theory"],
        (
            [row["case"], row["backend"], row["wall"].text(), f"{row['theory']:.2f}", row["ratio"].text()]
            for row in paging.compared(rows)
        ),
    )


def memory(rows: Rows) -> str:
    """Resident memory at the start, after a tenth of the calls, and at the end."""
    found = []
    for backend in dict.fromkeys(row["backend"] for row in rows):
        first, tenth, *_, last = mine = [row for row in rows if row["backend"] == backend]
        growth = last["megabytes"] - tenth["megabytes"]
        most = max(row["megabytes"] for row in mine[1:])
        sizes = (f"{size:.1f}" for size in (first["megabytes"], tenth["megabytes"], last["megabytes"], most))
        found.append([backend, *sizes, f"{growth:+.1f}", f"{last['blocks'] - tenth['blocks']:+}"])
    calls = [row["calls"] for row in rows]
    heads = ["MB before", f"after {sorted(set(calls))[1]:,} calls", f"after {max(calls):,}", "most"]
    return markdown(["over", *heads, "growth, MB", "growth, blocks"], found)


def decoding(rows: Rows) -> str:
    """CPU of each way to read each page, over that of the first."""
    return markdown(
        ["page, and the way it is read", "CPU µs", "ratio"],
        ([f"{row['page']}: {row['way']}", f"{row['us']:.1f}", _quartiles(row, "ratio", 2)] for row in rows),
    )


def imports(rows: Rows) -> str:
    """CPU of importing, over bare Python."""
    return markdown(
        ["import", "CPU ms", "÷ httpx"],
        ([row["case"], _quartiles(row, "cpu", 1), f"{row['ratio']:.2f}"] for row in rows),
    )


def first_call(rows: Rows) -> str:
    """CPU of a first call, and what it takes beyond that of httpx."""
    return markdown(
        ["first call", "CPU ms", "beyond httpx", "beyond httpx, the import included"],
        (
            [
                f"{row['call']}, {row['scheme']}",
                _quartiles(row, "cpu", 1),
                f"{row['over httpx']:+.1f}",
                f"{row['with import']:+.1f}",
            ]
            for row in rows
        ),
    )


TABLES: Mapping[str, tuple[str, Callable[[Rows], str]]] = {
    "cpu": ("http_layers", cpu),
    "ratios": ("http_layers", ratios),
    "steady": ("steady", cpu),
    "steady_ratios": ("steady", ratios),
    "delayed": ("delayed", rates),
    "delayed_ratios": ("delayed", rate_ratios),
    "delayed_shorter": ("delayed_shorter", rates),
    "delayed_shorter_ratios": ("delayed_shorter", rate_ratios),
    "limiter": ("limiter", sizes),
    "paging": ("paging", walks),
    "memory": ("memory", memory),
    "decoding": ("decoding", decoding),
    "imports": ("imports", imports),
    "first_call": ("first_call", first_call),
}


def tables(results: Path) -> dict[str, str]:
    """A table for each result that is there."""
    found = {}
    for name, (source, render) in TABLES.items():
        path = results / f"{source}.json"
        if path.exists():
            found[name] = render(json.loads(path.read_text())["rows"])
    if (path := results / "http_layers.json").exists():
        found["versions"] = ", ".join(map(" ".join, json.loads(path.read_text())["versions"].items())) + "."
    return found


def fill(page: str, found: Mapping[str, str]) -> str:
    """The page with these tables in their places."""

    def place(match: re.Match[str]) -> str:
        return f"{match[1]}\n{found[match[2]]}\n\n{match[3]}" if match[2] in found else match[0]

    return _PLACE.sub(place, page)


def _ratios(found: Rows) -> str:
    counts = list(dict.fromkeys(row["in_flight"] for row in found))
    cells = {(row["what"], row["in_flight"]): row["ratio"].text() for row in found}
    return markdown(
        ["ratio", *(f"{count} in flight" for count in counts)],
        ([what, *(cells.get((what, count), "") for count in counts)] for what in dict.fromkeys(w for w, _ in cells)),
    )


def _spread(values: Mapping[int, float], digits: int) -> str:
    return Spread.of(list(values.values())).text(digits) if values else ""


def _quartiles(row: Mapping[str, Any], name: str, digits: int) -> str:
    return Spread(row[name], row["from"], row["to"]).text(digits)


def main() -> None:
    """Fill the page, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--page", type=Path)
    chosen = parser.parse_args()
    found = tables(chosen.results)
    if chosen.page:
        chosen.page.write_text(fill(chosen.page.read_text(), found))
    else:
        print("\n\n".join(f"{name}\n\n{table}" for name, table in found.items()))


if __name__ == "__main__":
    main()
