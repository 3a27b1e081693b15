"""What the commands write. Nothing that a server or a file says reaches a terminal but through here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wren_async.batch.report.escaping import printable, printable_lines

_WIDE: Final = 200
"""Columns of output that goes to no terminal."""


def output() -> Console:
    """Where results go."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def errors() -> Console:
    """Where all else goes."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False)


def say(console: Console, text: str) -> None:
    """Write a text of one or more lines, none of which can steer the terminal or is taken for markup."""
    console.print(Text(printable_lines(text)), soft_wrap=True)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Iterable[int] = ()) -> Table:
    """A table of texts, none of which can steer the terminal or is taken for markup."""
    made = Table(box=None, pad_edge=False, padding=(0, 2))
    right = set(numbers)
    for place, name in enumerate(head):
        made.add_column(name, justify="right" if place in right else "left", header_style="dim", overflow="fold")
    for row in rows:
        made.add_row(*(Text(printable(each)) for each in row))
    return made


def show(console: Console, made: Table) -> None:
    """Write a table."""
    console.print(made)


def write(text: str) -> None:
    """Write what a program reads, such as JSON, of which whoever made it has taken all that could steer a terminal."""
    sys.stdout.write(text)


def ask(question: str) -> bool:
    """Ask at the terminal; anything but yes is no."""
    sys.stderr.write(f"{printable_lines(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
