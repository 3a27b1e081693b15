"""What is shown while a run goes on."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from wren_async import cli
from wren_async.batch.events import Alarm, Ended, Ending, Paused, Planning, Progress, Settled
from wren_async.batch.journal.contract import Entry, Result, Row, State, Totals
from wren_async.batch.report.escaping import one_line, printable_lines
from wren_async.cli.asking import Ahead
from wren_async.cli.progress import LiveDisplay, PlainDisplay, display, pace, sums


def totals(placed: int = 0, refused: int = 0, pending: int = 0, reserved: int = 0) -> Totals:
    return Totals(
        orders={State.PLACED: placed, State.REFUSED: refused, State.PENDING: pending},
        spent_cents=placed * 100, reserved_cents=reserved, planned_cents=0, spent_grams=0, reserved_grams=0,
        planned_grams=0,
    )  # fmt: skip


def progress(placed: int, seconds_left: float | None = 75.0) -> Progress:
    return Progress(
        totals=totals(placed, pending=10), in_flight=4, limit=8, seconds=1, rate=2.5, seconds_left=seconds_left
    )


def settled(state: State, reason: str | None = None, position: int = 7) -> Settled:
    row = Row(position=position, intent="{}", digest="", reference="r", key="k", cents=1, grams=0)
    return Settled(entry=Entry(row=row, result=Result(state=state, reason=reason)))


def test_lines_are_some_seconds_apart() -> None:
    now, lines = [0.0], list[str]()
    shown = PlainDisplay(lines.append, clock=lambda: now[0])
    shown.begin(totals(pending=10))
    for second in range(1, 12):
        now[0] = float(second)
        shown.show(progress(second))
    assert lines == [
        "0 of 10 placed; $0.00 spent",
        "5 of 15 placed; $5.00 spent; 1 min 15 s left, 2.5/s, 4 on the wire",
        "10 of 20 placed; $10.00 spent; 1 min 15 s left, 2.5/s, 4 on the wire",
    ]


def test_failures_pauses_and_alarms_are_told_at_once() -> None:
    lines = list[str]()
    shown = PlainDisplay(lines.append, clock=lambda: 0.0)
    shown.show(settled(State.PLACED))
    shown.show(settled(State.REFUSED, "too\x1b[2J heavy"))
    shown.show(Paused(seconds=90))
    shown.show(Alarm(entry=settled(State.PLACED).entry, message="a copy is at work"))
    shown.show(Ended(ending=Ending.CAP_REACHED, message="enough", totals=totals(1, 1)))
    assert lines == [
        "line 7: refused: too�[2J heavy",
        "the server asks for a pause of 1 min 30 s",
        "ALARM: a copy is at work",
        "1 of 2 placed, 1 refused; $1.00 spent\ncap reached: enough",
    ]


def test_planning_is_told_as_it_goes() -> None:
    now, lines = [0.0], list[str]()
    shown = PlainDisplay(lines.append, clock=lambda: now[0])
    for second, event in enumerate(
        [
            Planning(rows=500, checking=True, questions=0),
            Planning(rows=2500, checking=True, questions=0),
            Planning(rows=500, checking=False, questions=1200),
        ]
    ):
        now[0] = second * 6.0
        shown.show(event)
    assert lines == ["2,500 rows checked", "500 rows read, 1,200 prices asked for"]


def test_at_a_terminal_planning_is_one_live_line() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    shown = LiveDisplay(console)
    shown.show(Planning(rows=2500, checking=False, questions=12))
    shown.end()
    assert isinstance(console.file, io.StringIO)
    assert "2,500 rows read  12 prices asked for" in console.file.getvalue()


def test_many_failures_do_not_flood() -> None:
    lines = list[str]()
    shown = PlainDisplay(lines.append, clock=lambda: 0.0)
    for position in range(100):
        shown.show(settled(State.REFUSED, "no", position))
    assert len(lines) == 10


def test_an_order_that_stays_undecided_is_told_once() -> None:
    lines = list[str]()
    shown = PlainDisplay(lines.append, clock=lambda: 0.0)
    for _ in range(3):
        shown.show(settled(State.UNDECIDED, "no answer"))
    assert lines == ["line 7: undecided: no answer"]


def test_at_a_terminal_a_bar_counts_what_is_settled() -> None:
    screen = io.StringIO()
    shown = display(Console(file=screen, force_terminal=True, width=100, color_system=None))
    shown.begin(totals(pending=4))
    shown.show(progress(2))
    shown.show(settled(State.PLACED))
    shown.show(settled(State.UNDECIDED, "[bold]no[/bold] answer"))
    shown.show(Paused(seconds=3))
    shown.show(Ended(ending=Ending.DONE, message="nothing is left", totals=totals(4)))
    shown.end()
    assert isinstance(shown, LiveDisplay)
    assert "line 7: undecided: [bold]no[/bold] answer" in screen.getvalue()
    assert "pause of 3 s" in screen.getvalue()
    assert "4/4" in screen.getvalue()
    assert "done: nothing is left" in screen.getvalue()


@pytest.mark.parametrize("options", [{}, {"force_terminal": True, "_environ": {"TERM": "dumb"}}])
def test_elsewhere_there_are_lines(options: dict[str, Any]) -> None:
    screen = io.StringIO()
    shown = display(Console(file=screen, width=40, **options))
    shown.begin(totals(1, 1))
    assert isinstance(shown, PlainDisplay)
    assert screen.getvalue() == "1 of 2 placed, 1 refused; $1.00 spent\n"


def test_the_question_says_what_may_be_bought() -> None:
    servers = ("https://api.cnaught.com/v1", "https://www.wren.co")
    ahead = Ahead(orders=1200, in_doubt=3, cents=123_456, grams=2_500_000, servers=servers)
    assert ahead.question == (
        "Place 1,200 orders for about $1,234.56 (2.50 t of CO2e) at https://api.cnaught.com/v1 and https://www.wren.co?"
        "\n3 of them may have been placed before, and are placed only if that proves not to be so."
    )


def test_sums_and_pace() -> None:
    assert sums(totals(1, pending=1, reserved=50)) == "1 of 2 placed; $1.00 spent and $0.50 reserved"
    assert pace(progress(1, None)) == ["2.5/s", "4 on the wire"]


def test_only_one_module_writes_to_the_terminal() -> None:
    """So nobody can forget to make a text harmless on its way there. The bar of a run writes numbers of ours."""
    for module in Path(cli.__file__).parent.glob("*.py"):
        if module.name not in ("terminal.py", "__init__.py"):
            source = module.read_text()
            assert not re.search(r"\bprint\(|Text\(|stderr\.write|stdout\.write|markup=True", source), module.name


@given(st.text())
def test_no_text_from_elsewhere_steers_the_terminal(text: str) -> None:
    assert one_line(text).isprintable()
    assert all(line.isprintable() for line in printable_lines(text).split("\n"))
