"""Plots as inline SVG: columns over time, a line that grows, a histogram, bars with names. Pure text, no scripts.

Colours are names of classes, which the page's style gives a meaning in light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final

import attrs

_WIDTH: Final = 640
_HEIGHT: Final = 232
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 28
_PLOT_WIDTH: Final = _WIDTH - _LEFT - _RIGHT
_PLOT_HEIGHT: Final = _HEIGHT - _TOP - _BOTTOM
_TICKS: Final = 4
_LABELS: Final = 5
_BAR_ROW: Final = 46
_LONGEST_NAME: Final = 84


@attrs.frozen(kw_only=True)
class Part:
    """A part of a column or a bar."""

    colour: str
    value: float


@attrs.frozen(kw_only=True)
class Column:
    """One column of a plot, its parts from the bottom up."""

    parts: Sequence[Part]
    hint: str
    """What pointing at it tells."""

    @property
    def value(self) -> float:
        """Its height."""
        return sum(part.value for part in self.parts)


@attrs.frozen(kw_only=True)
class Bar:
    """A bar with a name."""

    name: str
    value: int
    colour: str
    told: str
    """What stands at its end."""


@attrs.frozen
class Label:
    """A word below the plot, at a share of its width."""

    share: float
    text: str


@attrs.frozen
class Mark:
    """A line through the plot, at a share of its width."""

    share: float
    text: str


@attrs.frozen
class _Axis:
    """An axis that is parted into round steps."""

    ticks: int
    step: float

    @property
    def top(self) -> float:
        return self.ticks * self.step


def columns(
    title: str,
    values: Sequence[Column],
    labels: Sequence[Label],
    *,
    say: Callable[[float], str],
    marks: Sequence[Mark] = (),
) -> str:
    """Columns side by side."""
    axis = _axis(max((column.value for column in values), default=0))
    step = _PLOT_WIDTH / max(1, len(values))
    gap = min(2.0, step * 0.2)
    drawn = [_column(column, _LEFT + place * step, step, gap, axis.top) for place, column in enumerate(values)]
    return _frame(title, [_grid(axis, say), *drawn, *map(_mark, marks), *map(_label, labels)])


def growth(
    title: str, values: Sequence[float], hints: Sequence[str], labels: Sequence[Label], *, say: Callable[[float], str]
) -> str:
    """A sum that grows, as a line with the area below it; each value stands at the end of its stretch."""
    axis = _axis(max(values, default=0))
    top = axis.top
    step = _PLOT_WIDTH / max(1, len(values))
    points = [(_LEFT + (place + 1) * step, _y(value, top)) for place, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(_LEFT, _y(0, top)), *points])
    end = f"{points[-1][0]:.1f}" if points else str(_LEFT)
    touch = [
        f'<rect class="touch" x="{x - step:.1f}" y="{_TOP}" width="{step:.2f}" height="{_PLOT_HEIGHT}">'
        f"<title>{escape(hint)}</title></rect>"
        for (x, _), hint in zip(points, hints, strict=True)
    ]
    body = [
        _grid(axis, say),
        f'<polygon class="area" points="{line} {end},{_y(0, top):.1f}"/>',
        f'<polyline class="line" points="{line}"/>',
        *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in points[-1:]),
        *touch,
        *map(_label, labels),
    ]
    return _frame(title, body)


def bars(title: str, values: Sequence[Bar]) -> str:
    """Bars below each other, each with its name above it."""
    most = max((bar.value for bar in values), default=1) or 1
    room = _WIDTH - 170
    body = []
    for place, bar in enumerate(values):
        y, width = place * _BAR_ROW, max(2.0, bar.value / most * room)
        name = bar.name if len(bar.name) <= _LONGEST_NAME else f"{bar.name[: _LONGEST_NAME - 1]}…"
        body.append(
            f"<g><title>{escape(bar.name)}: {escape(bar.told)}</title>"
            f'<text class="name" x="0" y="{y + 14}">{escape(name)}</text>'
            f'<rect class="{bar.colour}" x="0" y="{y + 22}" width="{width:.1f}" height="12" rx="3"/>'
            f'<text class="end" x="{width + 8:.1f}" y="{y + 32}">{escape(bar.told)}</text></g>'
        )
    return _svg(title, max(1, len(values)) * _BAR_ROW, body)


def strip(title: str, parts: Sequence[tuple[Part, str]]) -> str:
    """One bar of parts that make up a whole, each with a hint. Even the smallest part can be seen."""
    shown = [(part, hint) for part, hint in parts if part.value]
    whole = sum(part.value for part, _ in shown) or 1
    least, x, width = 4.0, 0.0, float(_WIDTH)
    free = width - least * len(shown)
    body = []
    for part, hint in shown:
        own = least + part.value / whole * free
        body.append(
            f'<rect class="{part.colour}" x="{x:.2f}" y="0" width="{max(1.0, own - 2):.2f}" height="20">'
            f"<title>{escape(hint)}</title></rect>"
        )
        x += own
    return _svg(title, 20, body, stretch=True)


# --- axes -----------------------------------------------------------------------------------------------------------


def time_labels(began: datetime, span: timedelta) -> list[Label]:
    """Labels along a stretch of time, as fine as it needs them. In UTC."""
    if span < timedelta(minutes=3):
        form = "%H:%M:%S"
    elif span < timedelta(days=1):
        form = "%H:%M"
    elif span < timedelta(days=5):
        form = "%d %b %H:%M"
    else:
        form = "%d %b %Y" if span > timedelta(days=300) else "%d %b"
    shares = [place / (_LABELS - 1) for place in range(_LABELS)]
    return [Label(share, (began.astimezone(UTC) + span * share).strftime(form)) for share in shares]


def duration(seconds: float) -> str:
    """A duration in the unit that fits it, such as `84 ms` or `1.2 s`."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 99.5 else f"{seconds / 60:.1f} min"


def short_number(number: float) -> str:
    """A number for an axis, such as `250` or `1.5k`."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.3g}"


def short_usd(cents: float) -> str:
    """Cents as dollars for an axis."""
    return f"${short_number(cents / 100)}" if cents >= 1000 or cents == 0 else f"${cents / 100:.2f}"


def _axis(most: float) -> _Axis:
    if most <= _TICKS:
        return _Axis(_TICKS, 1)
    size = 10 ** math.floor(math.log10(most / _TICKS))
    step = next(size * times for times in (1, 2, 2.5, 5, 10) if size * times * _TICKS >= most)
    return _Axis(math.ceil(most / step), step)


def _y(value: float, top: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - value / top)


def _grid(axis: _Axis, say: Callable[[float], str]) -> str:
    lines = []
    for tick in range(axis.ticks + 1):
        value = tick * axis.step
        y = _y(value, axis.top)
        lines.append(
            f'<line class="{"grid" if tick else "base"}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(say(value))}</text>'
        )
    return "".join(lines)


def _label(label: Label) -> str:
    anchor = "start" if label.share < 0.02 else "end" if label.share > 0.98 else "middle"
    x = _LEFT + label.share * _PLOT_WIDTH
    return f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{escape(label.text)}</text>'


def _mark(mark: Mark) -> str:
    x = _LEFT + mark.share * _PLOT_WIDTH
    anchor, beside = ("end", x - 5) if mark.share > 0.8 else ("start", x + 5)
    return (
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        f'<text class="tick" x="{beside:.1f}" y="{_TOP + 9}" text-anchor="{anchor}">{escape(mark.text)}</text>'
    )


def _column(column: Column, x: float, step: float, gap: float, top: float) -> str:
    drawn, below = [], 0.0
    for part in column.parts:
        if part.value:
            # A few orders among thousands must not vanish.
            height = max(1.5, part.value / top * _PLOT_HEIGHT)
            below += height
            y = _TOP + _PLOT_HEIGHT - below
            drawn.append(
                f'<rect class="{part.colour}" x="{x + gap / 2:.2f}" y="{y:.2f}" width="{step - gap:.2f}" '
                f'height="{height:.2f}"/>'
            )
    return f"<g><title>{escape(column.hint)}</title>{''.join(drawn)}</g>" if drawn else ""


def _frame(title: str, body: Sequence[str]) -> str:
    return _svg(title, _HEIGHT, body)


def _svg(title: str, height: int, body: Sequence[str], *, stretch: bool = False) -> str:
    fit = ' preserveAspectRatio="none" class="strip"' if stretch else ' class="plot"'
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}"{fit}>{"".join(body)}</svg>'
