"""What is wrong with an input: told all at once, with line, column and remedy, and never more than a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from wren_async.errors import UsageError

_SHOWN: Final = 20
_KEPT: Final = 1000
_QUOTED: Final = 60
"""Characters of a value that a message quotes: a cell may hold a megabyte."""


@attrs.frozen(kw_only=True)
class Fault:
    """What is wrong at one place of the input, and the remedy."""

    line: int
    column: str | None = None
    problem: str
    whole: bool = False
    """Whether it spoils more than its row, such as a header does: it cannot be left out."""

    def __str__(self) -> str:
        place = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{place}: {self.problem}"


class InvalidInput(UsageError, ValueError):
    """The input holds bad rows. Nothing was placed."""

    def __init__(self, faults: Sequence[Fault], count: int) -> None:
        super().__init__(faults, count)
        self.faults = tuple(faults)
        """What is wrong, by line; the first thousand."""
        self.count = count
        """How many faults there are."""

    def __str__(self) -> str:
        told = [str(fault) for fault in self.faults[:_SHOWN]]
        if self.count > len(told):
            told.append(f"and {self.count - len(told)} more")
        return "the input has faults:\n  " + "\n  ".join(told)


@attrs.define
class Faults:
    """Gathers faults, a bounded number of them in full."""

    count: int = 0
    kept: list[Fault] = attrs.field(factory=list[Fault])
    whole: bool = False
    """Whether one of them cannot be left out."""

    def add(self, fault: Fault) -> None:
        """Take in a fault."""
        self.count += 1
        self.whole |= fault.whole
        if len(self.kept) < _KEPT:
            self.kept.append(fault)

    def check(self) -> None:
        """Raise `InvalidInput` if there were any."""
        if self.count:
            raise InvalidInput(self.kept, self.count)


def quoted(value: object) -> str:
    """A value of the input as a message shows it: cut, and with what cannot be printed escaped."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…")
