"""The report of a batch as one HTML page, which needs nothing from elsewhere and works from a file."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from wren_async.batch.journal.contract import State
from wren_async.batch.report import wording
from wren_async.batch.report.escaping import link_host, one_line
from wren_async.batch.report.summary import Report
from wren_async.batch.report.targets import check_target
from wren_async.batch.units import duration, mass, usd
from wren_async.core.client import __version__
from wren_async.core.replacing import replace
from wren_async.errors import UsageError

if TYPE_CHECKING:
    from jinja2 import Template

_STATES: Final = (State.PLACED, State.REFUSED, State.UNDECIDED, State.SENDING, State.PENDING)
_QUANTILES: Final = ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
_REASONS: Final = 8
"""Reasons of each sort that are shown, the most frequent first."""
_MANY: Final = 4
"""Orders with so many attempts or more share a bar."""
_DOUBTS: Final = 100
"""Orders in doubt that are shown with their commands."""
_REFUSED: Final = 100
"""Refused orders that are shown apart, with why."""
_DIFFERENCES: Final = 100
"""Differences of each book that are shown."""


PAGE_COLUMNS: Final = (
    "line", "external id", "type", "state", "text", "order", "planned", "cost", "ordered", "answered kg", "attempts",
    "by", "reason", "reference",
)  # fmt: skip
"""The columns of the page's table of orders."""
PAGE_NUMBERS: Final = (0, 6, 7, 8, 9, 10)
DOUBT_COLUMNS: Final = ("line", "external id", "type", "text", "planned", "why", "lists may be late until", "then say")
"""The columns of the page's table of orders in doubt."""


@attrs.frozen
class Bar:
    """A bar of a chart."""

    name: str
    value: int
    share: float
    """Of the longest bar, or of the whole, from 0 to 1."""
    tone: str = "series"


def html_page(report: Report, journal: str = "JOURNAL") -> str:
    """The page. All text that comes from outside is escaped. Needs Jinja2, of the extra `cli`.

    Args:
        report: The report.
        journal: The path of the journal, as the commands on the page are to name it.
    """
    return _template().render(
        report=report,
        version=__version__,
        script=_text("page.js"),
        script_hash=_hash(_text("page.js")),
        style=_text("page.css"),
        needs=list(wording.needs(report, journal)),
        doubts=list(islice(wording.doubts(report, journal), _DOUBTS)),
        states=list(_states(report)),
        attempts=list(_attempts(report)),
        reasons=list(_reasons(report)),
        durations=list(_durations(report)),
        quantiles=[
            (name, duration(found)) for share, name in _QUANTILES if (found := report.durations.quantile(share))
        ],
        spend=_spend(report),
        most_differences=_DIFFERENCES,
        most_refused=_REFUSED,
    )


async def write_page(report: Report, path: str | os.PathLike[str], journal: str = "JOURNAL") -> None:
    """Write the page to a file that only its owner can read, whole or not at all.

    Raises `InvalidArgument` where a journal or a file of orders would be replaced.
    """
    page = await asyncio.to_thread(html_page, report, journal)
    await asyncio.to_thread(check_target, Path(path), report.source)
    await asyncio.to_thread(replace, Path(path), page.encode(), private=True)


@cache
def _template() -> Template:
    try:
        from jinja2 import Environment, StrictUndefined
    except ModuleNotFoundError:
        raise UsageError("the page of a report needs Jinja2: pip install 'wren-async[cli]'") from None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"usd": usd, "mass": mass, "duration": duration, "when": wording.when}
    environment.globals |= {
        "link_host": link_host,
        "DOUBT_COLUMNS": DOUBT_COLUMNS,
        "PAGE_COLUMNS": PAGE_COLUMNS,
        "PAGE_NUMBERS": PAGE_NUMBERS,
    }
    environment.globals |= {name: getattr(wording, name) for name in _WORDS}
    return environment.from_string(_text("page.html.jinja"))


_WORDS: Final = (
    "NOTHING", "TYPE_COLUMNS", "average", "count", "difference_text", "mass_text", "ordered", "rehearsal", "sentence",
    "spent",
    "type_cells", "verdict",
)  # fmt: skip


def _shown(value: Any) -> Any:
    """What an expression of the template becomes: text of servers and files is made printable, markup of ours stays."""
    return one_line(value) if type(value) is str else value


def _text(name: str) -> str:
    return files("wren_async.batch.report").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _states(report: Report) -> Iterator[Bar]:
    for state in _STATES:
        if number := report.number(state):
            yield Bar(state.value, number, number / report.all.orders, state.value)


def _attempts(report: Report) -> Iterator[Bar]:
    grouped = {str(number): report.attempts[number] for number in range(1, _MANY)}
    grouped[f"{_MANY} or more"] = sum(each for number, each in report.attempts.items() if number >= _MANY)
    for name, number in grouped.items():
        if number:
            yield Bar(f"{name} {'attempt' if name == '1' else 'attempts'}", number, number / report.attempts.total())


def _reasons(report: Report) -> Iterator[Bar]:
    told = (
        (report.refused, "refused", "refused"),
        (report.unsettled, "in doubt", "undecided"),
        (report.history.returned, "sent again", "series"),
    )
    found = [(f"{what}: {reason}", number, tone) for reasons, what, tone in told
             for reason, number in reasons.most_common(_REASONS)]  # fmt: skip
    most = max((number for _, number, _ in found), default=1)
    for name, number, tone in found:
        yield Bar(name, number, number / most, tone)


def _durations(report: Report) -> Iterator[Bar]:
    steps = list(report.durations.steps())
    most = max((number for _, _, number in steps), default=1)
    for low, high, number in steps:
        yield Bar(f"{duration(low)} to {duration(high)}", number, number / most)


def _spend(report: Report) -> dict[str, Any] | None:
    """The line of what was spent over time, in a box of 100 by 30; `None` where there is no time to spread it over."""
    slots = list(report.timeline.slots())
    sums = list(accumulate(slot.cents for _, slot in slots))
    if len(slots) < 2 or not sums[-1]:
        return None
    points = [
        f"{100 * (place + 1) / len(sums):.2f},{30 - 29 * cents / sums[-1]:.2f}" for place, cents in enumerate(sums)
    ]
    width = report.timeline.width
    began, ended = slots[0][0], slots[-1][0] + width
    return {
        "points": " ".join(["0,30", *points]),
        "labels": _labels(began, ended, width),
        "slot": duration(width.total_seconds()),
    }


def _labels(began: datetime, ended: datetime, width: timedelta) -> tuple[str, str]:
    """When a chart begins and ends, as exactly as its slots are wide."""
    if began.date() != ended.date():
        return f"{began:%Y-%m-%d %H:%M}", f"{ended:%Y-%m-%d %H:%M} UTC"
    if width >= timedelta(seconds=1):
        return f"{began:%Y-%m-%d %H:%M:%S}", f"{ended:%H:%M:%S} UTC"
    return f"{began:%Y-%m-%d %H:%M:%S}.{began:%f}"[:-3], f"{ended:%H:%M:%S}.{ended:%f}"[:-3] + " UTC"
