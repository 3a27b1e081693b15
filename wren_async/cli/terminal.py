"""What the commands write. Nothing that a server or a file says reaches a terminal but through here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wren_async.batch.report.escaping import printable, printable_lines
from wren_async.cli.columns import GAP, Column, Fitted, fitted

_WIDE: Final = 200
"""Columns of output that goes to no terminal."""


def output() -> Console:
    """Where results go."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def errors() -> Console:
    """Where all else goes."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False)


def say(console: Console, text: str) -> None:
    """Write a text of one or more lines, none of which can steer the terminal or is taken for markup.

    At a terminal, prose is wrapped between its words. A line that is a command stays whole, so that it can be copied,
    and so do all lines where a program reads them.
    """
    for line in printable_lines(text).split("\n"):
        whole = not console.is_terminal or line.lstrip().startswith("wren-async ")
        for each in [line] if whole else _wrapped(line, console.width):
            console.print(Text(each), soft_wrap=True)


def _wrapped(line: str, width: int) -> list[str]:
    """A line in several, the later ones indented as the first is. A long word, such as a path, is not cut."""
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]


def show_columns(console: Console, columns: Sequence[Column], first: Sequence[str] = ()) -> Sequence[str]:
    """Write a table of the columns that there is room for, those named first before others; returns the others.

    Where hardly any fits, the rows are written below each other, with all that they have.
    """
    made = fitted(columns, console.width, first)
    if made.is_table:
        if made.columns:
            show(console, fitted_table(made))
        return made.left_out
    for cells in zip(*(column.cells for column in columns), strict=True):
        told = zip((column.head for column in columns), (cell.strip() for cell in cells), strict=True)
        show(console, pairs([*((head, cell) for head, cell in told if cell), ("", "")]))
    return ()


def fitted_table(made: Fitted) -> Table:
    """A table of texts, none of which can steer the terminal or is taken for markup."""
    table = _empty_table()
    for column, width in made.columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        head = Text(printable(column.head))
        table.add_column(head, justify=justify, header_style="dim", overflow="fold", width=width)
    for cells in zip(*(column.cells for column, _ in made.columns), strict=True):
        table.add_row(*(Text(printable(each)) for each in cells))
    return table


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names with their values beside them."""
    made = _empty_table(show_header=False)
    made.add_column(style="dim", overflow="fold")
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text(printable(name)), Text(printable(value)))
    return made


def _empty_table(*, show_header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=show_header)


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
