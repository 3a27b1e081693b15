"""Draws the plots of the docs from the results of a run: small SVG files, the same for the same numbers.

    python benchmarks/plots.py [--results benchmarks/results] [--into docs/plots]

They have no background, and greys and colours that stand out on white and on black.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from http_layers import DEFAULT, FAST, series
from measuring import HERE, Spread

mpl.use("svg")
from matplotlib import pyplot

GREY = "#808080"
COLOURS = {
    FAST: "#0a9d58",
    DEFAULT: "#1f86e0",
    "aiohttp": "#78b48f",
    "httpx": "#e07b1f",
    "httpx2": "#c9a227",
    "stripe": "#8e6bd8",
    "openai": "#d84f6b",
    "githubkit": "#9a7b5f",
}
STYLE = {
    "svg.hashsalt": "wren-async",
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}
Rows = Sequence[Mapping[str, Any]]


def cpu(rows: Rows, axes: Any) -> None:
    """CPU of a call against the number in flight, a line for each client."""
    counts = sorted({row["in_flight"] for row in rows})
    for name in dict.fromkeys(row["client"] for row in rows):
        spreads = [Spread.of(list(series(rows, name, count).values())) for count in counts]
        ours = name in (FAST, DEFAULT)
        axes.plot(
            counts,
            [each.median for each in spreads],
            marker="o",
            markersize=4,
            linewidth=2.4 if ours else 1.4,
            linestyle="-" if ours else "--",
            color=COLOURS.get(name, GREY),
            label=name,
        )
    axes.set(xscale="log", yscale="log", xlabel="calls in flight", ylabel="CPU µs a call", title="CPU of a call")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    ticks = (100, 200, 500, 1000, 2000, 5000)
    axes.set_yticks(ticks, [f"{tick}" for tick in ticks])
    axes.grid(axis="y")
    axes.legend(fontsize=8, ncols=2)


def throughput(rows: Rows, axes: Any) -> None:
    """Calls a second with 1000 in flight, a bar for each client."""
    count = max(row["in_flight"] for row in rows)
    names = list(dict.fromkeys(row["client"] for row in rows))
    rates = {name: Spread.of(list(series(rows, name, count, "rate").values())) for name in names}
    names.sort(key=lambda name: rates[name].median)
    _bars(
        axes,
        {name: rates[name].median for name in names},
        f"Calls a second, {count} in flight, server takes 50 ms",
        "{:.0f}",
    )


def decoding(rows: Rows, axes: Any) -> None:
    """How often the time of msgspec into Structs each way takes to read a page."""
    page = rows[0]["page"]
    bars = {row["way"]: row["ratio"] for row in reversed(rows) if row["page"] == page}
    _bars(axes, bars, f"Reading {page}, ÷ msgspec into Structs", "{:.2f}")


def imports(rows: Rows, axes: Any) -> None:
    """CPU of importing, over bare Python."""
    _bars(axes, {row["case"]: row["cpu"] for row in reversed(rows)}, "Import, CPU ms over bare Python", "{:.0f}")


def _bars(axes: Any, bars: Mapping[str, float], title: str, form: str) -> None:
    ours = ("wren", "Wren", "CNaught", "models", "both")
    colours = [COLOURS.get(name) or (COLOURS[DEFAULT] if any(each in name for each in ours) else GREY) for name in bars]
    drawn = axes.barh(list(bars), list(bars.values()), color=colours, height=0.62)
    axes.bar_label(drawn, [form.format(value) for value in bars.values()], padding=4, color=GREY)
    axes.set_title(title)
    axes.margins(x=0.12)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)


PLOTS: Mapping[str, tuple[str, Callable[[Rows, Any], None], tuple[float, float]]] = {
    "cpu": ("http_layers", cpu, (7.0, 4.2)),
    "throughput": ("delayed", throughput, (7.0, 2.2)),
    "decoding": ("decoding", decoding, (7.0, 2.6)),
    "imports": ("imports", imports, (7.0, 2.2)),
}


def draw(results: Path, into: Path) -> list[Path]:
    """Draw what there are results for; the files that were written."""
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (source, plot, size) in PLOTS.items():
        if not (results / f"{source}.json").exists():
            continue
        rows = json.loads((results / f"{source}.json").read_text())["rows"]
        with pyplot.rc_context(STYLE):
            figure, axes = pyplot.subplots(figsize=size, layout="constrained")
            plot(rows, axes)
            path = into / f"{name}.svg"
            figure.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
            pyplot.close(figure)
        path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
        written.append(path)
    return written


def main() -> None:
    """Draw, and name the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--into", type=Path, default=HERE.parent / "docs" / "plots")
    chosen = parser.parse_args()
    for path in draw(chosen.results, chosen.into):
        print(path)


if __name__ == "__main__":
    main()
