"""Texts of servers and files on their way to a terminal, a page or a spreadsheet: none of them may do anything there.

Jinja2 escapes what goes into a page; what is left to be done for all three is here.
"""

from __future__ import annotations

import re
from typing import Final

_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_LONGEST: Final = 4000
"""Characters of a line: a title of ten megabytes would hang whatever lays it out."""
_FORMULA: Final = re.compile(r"(?:^|(?<=[;,\t\r\n|\"]))(?=\s*[=+\-@\t\r＝＋－＠])")
"""Where a spreadsheet would begin to read a formula: at the start of a cell, and, as some separate cells by semicolons
and others by commas, after any separator within one."""


_LINK: Final = re.compile(
    r"https://([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[0-9]{1,5})?(?:[/?#][!-\[\]^-~]*)?", re.IGNORECASE
)
"""An address that every browser reads alike: no user before the host, no backslash, nothing outside of ASCII."""


def link_host(address: str | None) -> str | None:
    """The host that an address of a server leads to; `None` where it is no plain https address and must be no link."""
    found = _LINK.fullmatch(address or "")
    return found[1].lower() if found else None


def one_line(text: str) -> str:
    """A text on one line, without control characters, escape sequences and marks that turn the direction of text."""
    if text.isprintable() and len(text) <= _LONGEST:
        return text
    shown = "".join(each if each.isprintable() else _REPLACED for each in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown}…"


def printable_lines(text: str) -> str:
    """A text of several lines, each printable."""
    return "\n".join(map(one_line, text.split("\n")))


def cell(text: str) -> str:
    """A text for a spreadsheet: printable, and an apostrophe before whatever would be a formula."""
    return _FORMULA.sub("'", printable_lines(text))
