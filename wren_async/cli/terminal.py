"""What the commands write. Nothing that a server or a file says reaches a terminal but through here."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final, Literal, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from wren_async.batch.report.escaping import one_line, printable_lines
from wren_async.cli.columns import GAP, Column, Fitted, fitted
from wren_async.cli.exits import Exit, Stop

_WIDE: Final = 200
"""Columns of output that goes to no terminal."""
_MOMENT: Final = 0.2
"""Seconds after which a signal is noticed that did not break off the waiting for an answer."""


class _Output(Console):
    """Where results go. Whoever reads them may have enough, as `head` has; whoever writes them has to know."""

    def on_broken_pipe(self) -> None:
        """Let what is still written go nowhere."""
        _discard(sys.stdout)
        raise BrokenPipeError(errno.EPIPE, "nobody reads it any more")


class _Errors(Console):
    """Where all else goes. That nobody reads it stops nothing, least of all a run that spends money."""

    def on_broken_pipe(self) -> None:
        """Let what is still written go nowhere."""
        _discard(sys.stderr)


def output() -> Console:
    """Where results go."""
    return _Output(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def errors() -> Console:
    """Where all else goes."""
    return _Errors(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False)


def _discard(stream: TextIO) -> None:
    """Also what is left in its buffer: Python would write that when it ends, and complain."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


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
        head = Text(one_line(column.head))
        table.add_column(head, justify=justify, header_style="dim", overflow="fold", width=width)
    for cells in zip(*(column.cells for column, _ in made.columns), strict=True):
        table.add_row(*(Text(one_line(each)) for each in cells))
    return table


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names with their values beside them."""
    made = _empty_table(show_header=False)
    made.add_column(style="dim", overflow="fold")
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(Text(one_line(name)), Text(one_line(value)))
    return made


def _empty_table(*, show_header: bool = True) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), show_header=show_header)


def show(console: Console, made: Table) -> None:
    """Write a table."""
    console.print(made)


def write(text: str) -> None:
    """Write what a program reads, such as JSON, of which whoever made it has taken all that could steer a terminal."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        raise


def confirm(question: str, otherwise: str) -> None:
    """Ask at the terminal. Anything but yes stops, and says what that comes to."""
    console = errors()
    before = signal.getsignal(signal.SIGINT)
    try:
        # Also where it was ignored, as in a program that a script starts in the background.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        say(console, question)
        sys.stderr.write("[y/N] ")
        sys.stderr.flush()
        answer = _typed_line().strip().lower()
    except KeyboardInterrupt:
        say(console, "")
        raise Stop(otherwise, Exit.INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGINT, before)
    if answer not in ("y", "yes"):
        raise Stop(otherwise)


def _typed_line() -> str:
    """What is typed. Ctrl-C ends the waiting for it, but does not break it off where it comes just before it begins:
    so it is waited for a moment at a time."""
    # There is nothing to wait on in a text in memory, nor in a console of Windows.
    with contextlib.suppress(OSError, ValueError):
        while not select.select([sys.stdin], [], [], _MOMENT)[0]:
            pass
    return sys.stdin.readline()
