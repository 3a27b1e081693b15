"""How a run is shown while it goes on: one live line at a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from wren_async.batch import events
from wren_async.batch.events import Alarm, Ended, Event, Paused, Settled
from wren_async.batch.journal.contract import Entry, State, Totals
from wren_async.batch.report.escaping import one_line
from wren_async.batch.report.wording import count
from wren_async.batch.units import duration, usd
from wren_async.cli import terminal
from wren_async.cli.messages import in_words

_EVERY: Final = 5.0
"""Seconds between two plain lines."""
_SETTLED: Final = (State.PLACED, State.REFUSED)
_FAILURES: Final = 10
"""Orders whose failure is told while the run goes on; the report has all."""


class Display(Protocol):
    """Shows a run."""

    def begin(self, totals: Totals) -> None:
        """Show how the batch stands before the run."""
        ...

    def show(self, event: Event) -> None:
        """Show what happens."""
        ...

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    def end(self) -> None:
        """Leave the terminal as it should be. May be called again."""
        ...


def display(console: Console) -> Display:
    """The display that fits where the output goes."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveDisplay(console)
    return PlainDisplay(lambda text: terminal.say(console, text))


def sums(totals: Totals) -> str:
    """Where the batch stands, in a few words."""
    number = totals.orders.get
    told = [f"{number(State.PLACED, 0):,} of {sum(totals.orders.values()):,} placed"]
    told += [f"{of_it:,} {state}" for state in (State.REFUSED, State.UNDECIDED) if (of_it := number(state, 0))]
    reserved = f" and {usd(totals.reserved_cents)} reserved" if totals.reserved_cents else ""
    unknown = (
        f" and {totals.unknown_orders:,} placed at a cost that is not known (planned {usd(totals.unknown_cents)})"
        if totals.unknown_orders
        else ""
    )
    return f"{', '.join(told)}; {usd(totals.spent_cents)} spent{unknown}{reserved}"


def pace(event: events.Progress) -> list[str]:
    """How fast it goes, and how long it will take, the most telling first."""
    left = [] if event.seconds_left is None else [f"{duration(event.seconds_left)} left"]
    return [*left, f"{event.rate:.1f}/s", f"{event.in_flight} on the wire"]


def planning(event: events.Planning) -> list[str]:
    """How far the planning is."""
    asked = [f"{count(event.questions, 'price')} asked for"] if event.questions else []
    return [f"{count(event.rows, 'row')} {'checked' if event.checking else 'read'}", *asked]


class Failures:
    """What deserves a line of its own: pauses, alarms, and orders that fail, each of the first few once."""

    def __init__(self) -> None:
        self._told: set[int] = set()

    def note_of(self, event: Event) -> str | None:
        """The line of an event, if it deserves one."""
        match event:
            case Paused():
                return f"the server asks for a pause of {duration(event.seconds)}"
            case Alarm():
                return f"ALARM: {one_line(in_words(event.message))}"
            case Settled(entry=entry) if entry.result.state in (State.REFUSED, State.UNDECIDED):
                return self._failure(entry)
            case _:
                return None

    def _failure(self, entry: Entry) -> str | None:
        position = entry.row.position
        if position in self._told or len(self._told) >= _FAILURES:
            return None
        self._told.add(position)
        return f"line {position}: {entry.result.state}: {one_line(entry.result.reason or '')}"


def end_of(event: Ended) -> str:
    """What to say at the end of a run."""
    return f"{event.ending.value.replace('_', ' ')}: {one_line(in_words(event.message))}"


class PlainDisplay:
    """Lines, a few seconds apart."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._told = clock()
        self._failures = Failures()

    def begin(self, totals: Totals) -> None:
        """Show how the batch stands before the run."""
        self._write(sums(totals))

    def show(self, event: Event) -> None:
        """Show what happens."""
        if isinstance(event, events.Progress | events.Planning):
            if self._clock() - self._told >= _EVERY:
                self._told = self._clock()
                so_far = "" if isinstance(event, events.Planning) else f"{sums(event.totals)}; "
                told = planning(event) if isinstance(event, events.Planning) else pace(event)
                self._write(f"{so_far}{', '.join(told)}")
        elif isinstance(event, Ended):
            self._write(f"{sums(event.totals)}\n{end_of(event)}")
        elif (note := self._failures.note_of(event)) is not None:
            self._write(note)

    def say(self, text: str) -> None:
        """Show a line."""
        self._write(text)

    def end(self) -> None:
        """Nothing is left to do."""


class LiveDisplay:
    """A bar with the numbers beside it, at a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar_width = min(28, max(4, console.width // 6))
        self._bar = Progress(
            BarColumn(bar_width=self._bar_width),
            TextColumn("{task.fields[told]}", markup=False),
            console=console,
            # What it said is said again, whole, at the end; after Ctrl-C or an error a bar would tell of what is over.
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, told="")
        self._failures = Failures()
        self._settled = self._whole = self._cents = 0
        self._pace: list[str] = []

    def begin(self, totals: Totals) -> None:
        """Show how the batch stands before the run."""
        self._bar.start()
        self._show(totals, [])

    def show(self, event: Event) -> None:
        """Show what happens."""
        if isinstance(event, events.Planning):
            self._bar.start()
            self._bar.update(self._task, completed=event.rows, told=self._fitting(planning(event)))
        elif isinstance(event, events.Progress):
            self._show(event.totals, pace(event))
        elif isinstance(event, Ended):
            self._show(event.totals, [])
            self.end()
            self.say(f"{sums(event.totals)}\n{end_of(event)}")
            return
        if isinstance(event, Settled) and event.entry.result.state in _SETTLED:
            self._settled += 1
            self._cents += event.entry.result.cents or 0
            self._update()
        if (note := self._failures.note_of(event)) is not None:
            self.say(note)

    def say(self, text: str) -> None:
        """Show a line, above the bar while there is one."""
        terminal.say(self._console, text)

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()

    def _show(self, totals: Totals, told: list[str]) -> None:
        self._settled = sum(totals.orders.get(state, 0) for state in _SETTLED)
        self._whole = sum(totals.orders.values())
        self._cents, self._pace = totals.spent_cents, told
        self._update(refresh=True)

    def _update(self, *, refresh: bool = False) -> None:
        """The orders and the money count together: each comes with every order that is settled."""
        told = self._fitting([f"{self._settled:,}/{self._whole:,}", usd(self._cents), *self._pace])
        self._bar.update(self._task, completed=self._settled, total=self._whole, told=told, refresh=refresh)

    def _fitting(self, parts: list[str]) -> str:
        """As many of these as have room beside the bar, so that it stays one line."""
        room, told = self._console.width - self._bar_width - 2, ""
        for part in parts:
            more = f"{told}  {part}" if told else part
            told = more if len(more) <= room else told
        return told
