"""Values in notebooks and in `rich`: a row an attribute, short, and without any secret.

Neither is imported. Whatever is asked for is loaded with the first value that is shown.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from wren_async.core.printable import printable

Shown = Iterable[tuple[str, object]]

_LONGEST: Final = 120
"""Characters of a value."""
_MOST: Final = 5
"""Items of a list."""
_CENTS: Final = "usd_cents"


class Printer(Protocol):
    """The pretty printer of IPython."""

    def text(self, text: str, /) -> Any:
        """Print it."""
        ...


def html_of(name: str, shown: Shown) -> str:
    """A table of two columns. Everything in it is escaped, and nothing in it can be clicked or loaded."""
    rows = "".join(
        f'<tr><th style="text-align: left">{html.escape(each)}</th>'
        f'<td style="text-align: left">{html.escape(_text(each, value))}</td></tr>'
        for each, value in shown
    )
    return f"<table><caption>{html.escape(name)}</caption><tbody>{rows}</tbody></table>"


def pretty_of(name: str, shown: Shown) -> str:
    """A line an attribute."""
    lines = "".join(f"    {each}={_text(each, value)},\n" for each, value in shown)
    return f"{name}(\n{lines})" if lines else f"{name}()"


def rich_of(shown: Shown) -> Iterator[tuple[str, object]]:
    """The attributes as `rich` wants them. A text that could steer a terminal stands there without that effect."""
    for name, value in shown:
        yield name, printable(value, _LONGEST) if type(value) is str else value


def _text(name: str, value: object) -> str:
    if name.endswith(_CENTS) and isinstance(value, int | Decimal):
        return f"{value} ({_dollars(value)})"
    if isinstance(value, tuple) and len(value) > _MOST:
        return f"{len(value)} items"
    if isinstance(value, Mapping) and len(value) > _MOST:
        return f"{len(value)} entries"
    return printable(_plain(value), _LONGEST)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value) if isinstance(value, str | int) else repr(value)


def _dollars(cents: int | Decimal) -> str:
    """US cents in dollars, exactly: the point is moved, and nothing is divided."""
    amount = Decimal(cents)
    sign, digits, exponent = amount.as_tuple()
    if not isinstance(exponent, int):
        return str(amount)
    dollars = Decimal((0, digits, exponent - 2))
    return f"{'-' if sign else ''}${dollars:,f}"
